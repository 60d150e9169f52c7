"""Sealing anew, with today's key and cipher, what the database holds sealed, while all goes on."""
