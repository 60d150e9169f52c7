"""Errors of file drops, for whoever has the machine, who is no caller of the API."""

from services.core.kit.text import Text


class DropRefused(Exception):
    """A file drop cannot be made, or a file cannot be written again; `said` tells why."""

    def __init__(self, said: Text) -> None:
        """Take what is told."""
        super().__init__(said.en)
        self.said = said
