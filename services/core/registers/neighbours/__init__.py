"""What a row is held against that other rows say: those of earlier months, those of other lists."""
