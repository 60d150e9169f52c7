"""Re-encrypts the database's sealed values with today's key and cipher, while services run."""
