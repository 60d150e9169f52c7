"""Infrastructure that knows nothing of the domain: clock, ids, numbers, errors, database."""
