"""Paths of sheets: forms that go out prefilled, and files that come in."""
