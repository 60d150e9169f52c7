"""Appeals: a unit contests items of its published assessment, and the office decides."""
