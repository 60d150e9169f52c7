"""What is wrong with a file that is checked away from the database: where in it, and what."""

from dataclasses import dataclass

from services.core.kit.text import Text


@dataclass(frozen=True, slots=True)
class FileFault:
    """One thing wrong with a file: the part that it is about, such as a line, and what it is."""

    place: str
    said: Text
