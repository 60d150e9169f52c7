"""Exchange tables of a front-end server: figures written there for others, and read from there."""
