"""The HTTP paths of the audit."""
