"""Partners whose platforms call through a gateway: identity, signatures, and permissions."""
