"""The error that ends a command: a sentence for the user, never a traceback."""


class ConsoleError(Exception):
    """Ends the command with one clear line on standard error and a non-zero exit."""
