"""The gateway: partners, the operations they call, the catalogue, and their schemas."""
