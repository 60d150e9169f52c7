"""Errors of packages, for the person who carries files, who is no caller of the API."""

from services.core.kit.text import Text


class PackageRefused(Exception):
    """A file is not taken in, or nothing can be carried; `said` tells why."""

    def __init__(self, said: Text) -> None:
        """Take what is told."""
        super().__init__(said.en)
        self.said = said
