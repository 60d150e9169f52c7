"""Entry checks (审核关系): what an entered figure is checked against, and the findings."""
