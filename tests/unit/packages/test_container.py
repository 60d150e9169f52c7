"""Carried files by themselves: no byte can be another, and the first faulty item is named."""

import io
import zipfile
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.core.packages.container import DIGESTS, ITEMS, PARTS, NotCarried, packed, unpacked
from services.core.packages.manifests import CarriedFile, opened
from services.core.packages.signing import Trusted, public_bytes, unsigned
from tests.support.packages import SECRET, SIGNERS, a_series

(MADE,) = a_series(1, items=4)
_PUBLIC = public_bytes(str(SIGNERS[1].public_text))
assert _PUBLIC is not None
TRUSTED = Trusted(SECRET, [_PUBLIC])


def is_good(content: bytes) -> bool:
    """Whether a file is whole and signed by its sender."""
    try:
        one = opened(content)
    except NotCarried:
        return False
    return signature_of(one, TRUSTED) is None


def signature_of(one: CarriedFile, trusted: Trusted) -> object:
    manifest = one.manifest
    return unsigned(one.said, manifest.id, manifest.made_at, one.signatures, trusted)


def faults(content: bytes) -> list[tuple[str, str]]:
    with pytest.raises(NotCarried) as told:
        opened(content)
    return [(fault.place, fault.said.en) for fault in told.value.faults]


def with_items(change: Callable[[list[bytes]], list[bytes]]) -> bytes:
    parts = dict(unpacked(MADE.content).parts)
    lines = change(parts[ITEMS].splitlines(keepends=True))
    return packed({**parts, ITEMS: b"".join(lines)})


def test_what_was_made_is_good_and_made_of_the_same_parts_the_same() -> None:
    assert is_good(MADE.content)
    assert packed(unpacked(MADE.content).parts) == MADE.content
    assert MADE.manifest.file_name.startswith("wufei_xinmi_zhengzhou_000001_")


@given(st.integers(0, len(MADE.content) - 1), st.integers(1, 255))
def test_no_byte_can_be_another(at: int, by: int) -> None:
    altered = bytearray(MADE.content)
    altered[at] ^= by
    assert not is_good(bytes(altered))


@given(st.integers(0, len(MADE.content) - 1))
def test_a_file_that_is_cut_off_is_told(length: int) -> None:
    assert not is_good(MADE.content[:length])


def test_the_altered_item_is_named() -> None:
    content = with_items(lambda lines: [*lines[:2], b'{"x": 1}\n', *lines[3:]])
    assert faults(content) == [(f"{ITEMS}:3", "item 3 was altered")]


def test_the_missing_item_is_named() -> None:
    content = with_items(lambda lines: [lines[0], *lines[2:]])
    assert faults(content)[0] == (f"{ITEMS}:2", "item 2 is missing")


def test_reordered_items_are_named() -> None:
    content = with_items(lambda lines: [lines[0], lines[2], lines[1], lines[3]])
    told = [
        (f"{ITEMS}:2", "item 2 is not in its place: here stands item 3"),
        (f"{ITEMS}:3", "item 3 is not in its place: here stands item 2"),
    ]
    assert faults(content) == told


def test_an_added_item_is_named() -> None:
    content = with_items(lambda lines: [*lines, b"{}\n"])
    assert faults(content) == [(f"{ITEMS}:5", "item 5 was added")]


def test_an_altered_part_is_named() -> None:
    parts = dict(unpacked(MADE.content).parts)
    assert faults(packed({**parts, "README.txt": b"another"}))[0][0] == "README.txt"
    digests = parts[DIGESTS].replace(b"a", b"b")
    assert faults(packed({**parts, DIGESTS: digests}))[0][0] == DIGESTS


def test_a_file_of_other_parts_is_none_of_ours() -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as out:
        out.writestr("manifest.json", "{}")
    assert faults(made.getvalue())[0][0] == "ZIP"
    assert faults(b"no zip")[0][0] == "ZIP"
    parts = dict.fromkeys(PARTS, b"{}")
    assert faults(packed(parts))[0][0] == "manifest.json"


def test_a_signature_of_another_is_none() -> None:
    one = opened(MADE.content)
    other = type(SECRET)("v1", b"another secret of two people")
    assert signature_of(one, TRUSTED) is None
    assert signature_of(one, Trusted(other)) is not None
    assert signature_of(one, Trusted(SECRET, [b"k" * 32])) is not None
    assert signature_of(one, Trusted(None, TRUSTED.public_keys)) is None
