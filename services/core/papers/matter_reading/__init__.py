"""How one matter stands that a form is about."""
