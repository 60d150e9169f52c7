"""Other rows that a row is checked against: of earlier months, and of other registers."""
