"""Writes files atomically: under another name first, flushed to the disk, then renamed."""

import os
from contextlib import suppress
from pathlib import Path

from services.console.errors import ConsoleError


def write_whole(folder: Path, name: str, content: bytes) -> Path:
    """Write a file into a folder, which is made if missing; return its path.

    An existing file with the same content is left as it is.

    Raises:
        ConsoleError: it cannot be written, or another file with that name exists.
    """
    place = folder / name
    draft = folder / f".{name}.{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if place.exists():
            if place.read_bytes() != content:
                raise ConsoleError(f"{place} is there already, with another content")
            return place
        try:
            with draft.open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(place)
        finally:
            with suppress(OSError):
                draft.unlink(missing_ok=True)
    except OSError as error:
        raise ConsoleError(f"cannot write {place}: {error.strerror}") from None
    return place
