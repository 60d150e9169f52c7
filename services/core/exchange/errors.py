"""Errors of exchanges, for whoever has the machine, who is no caller of the API."""

from services.core.kit.text import Text


class ExchangeRefused(Exception):
    """Nothing can be exchanged; `said` tells why."""

    def __init__(self, said: Text) -> None:
        """Take what is told."""
        super().__init__(said.en)
        self.said = said
