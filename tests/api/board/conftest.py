"""The door of the tests beside these, for the pages too."""

from tests.api.conftest import door

__all__ = ["door"]
