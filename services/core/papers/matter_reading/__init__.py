"""The current state of the matter that a form is about."""
