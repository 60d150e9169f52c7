"""Archives that somebody altered: enciphered, of an unknown method, with any byte another."""

from collections.abc import Iterator

_LIST_ENTRY = b"PK\1\2"
_UNKNOWN_METHOD = 99


def altered(content: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield an archive altered in many ways, each with what was done to it."""
    at = content.find(_LIST_ENTRY)
    yield "enciphered", _with(_with(content, 6, 1), at + 8, 1)
    yield "another method", _with(_with(content, 8, _UNKNOWN_METHOD), at + 10, _UNKNOWN_METHOD)
    for place in range(0, len(content), max(len(content) // 400, 1)):
        yield f"byte {place}", _with(content, place, content[place] ^ 0xFF)


def _with(content: bytes, place: int, byte: int) -> bytes:
    return content[:place] + bytes([byte]) + content[place + 1 :]
