"""Exchange tables of a front-end server: figures written for others, and taken from them."""
