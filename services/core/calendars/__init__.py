"""Working days: which days are worked in a city, by which source, and what follows from it."""
