"""Papers that leave the office: bulletins, forms of supervision, reports; each figure traced."""
