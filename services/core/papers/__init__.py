"""Documents that leave the office: bulletins, supervision forms, reports; each figure is traced."""
