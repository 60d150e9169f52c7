"""Working days: which days a city works, by which source, and arithmetic on them."""
