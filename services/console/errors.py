"""The one way a command ends badly: a sentence for whoever sits there, never a traceback."""


class ConsoleError(Exception):
    """Ends the command with one clear line on standard error and a non-zero exit."""
