"""Appeals: a unit contests items of what was published of it, and the office decides."""
