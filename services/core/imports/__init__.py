"""Imports: prefilled forms that counties fill in, and the files that come back."""
