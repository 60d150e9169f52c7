"""Entry checks (审核关系): what a figure is checked against when it is entered, and the findings."""
