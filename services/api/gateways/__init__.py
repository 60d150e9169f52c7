"""The gateway: partners, what they call, the catalogue, and schemas of these."""
