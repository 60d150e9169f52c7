"""Partners whose platforms call through a gateway: how each signs, who it is, what it may."""
