"""The door to extensions: more time asked for, and the answer."""
