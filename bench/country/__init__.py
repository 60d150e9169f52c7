"""The load of a country: cities with units, values, deadlines and receivers, on the real system.

`wufei simulate country` runs it; `bench.country.running` says what it does in which order.
"""
