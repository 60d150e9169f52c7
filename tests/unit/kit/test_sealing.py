"""Sealed secrets: opened by their key, in their place, and by nothing else."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.core.kit.sealing import CannotUnseal, Seal, new_seal_key

OLD, NEW = new_seal_key(), new_seal_key()
_SEALED = "AQ2SAungkuETKV3ghgGy4U3fpNpdJg8OYrM1MEyxgnvHUrlbYfFne9FWYw=="


@given(st.binary(max_size=200), st.text(max_size=50))
def test_what_is_sealed_opens_in_its_place_only(plain: bytes, context: str) -> None:
    seal = Seal.read(NEW)
    sealed = seal.seal(plain, context)
    assert seal.unseal(sealed, context) == plain
    assert seal.seal(plain, context) != sealed, "no two are alike"
    with pytest.raises(CannotUnseal):
        seal.unseal(sealed, context + " of another")


def test_keys_are_changed_by_putting_a_new_one_first() -> None:
    sealed = Seal.read(OLD).seal(b"secret", "here")
    both = Seal.read(f"{NEW}, {OLD}")
    assert both.unseal(sealed, "here") == b"secret"
    assert Seal.read(NEW).unseal(both.seal(b"secret", "here"), "here") == b"secret"
    with pytest.raises(CannotUnseal):
        Seal.read(NEW).unseal(sealed, "here")


@given(st.data())
def test_one_changed_bit_is_noticed(data: st.DataObject) -> None:
    seal = Seal.read(NEW)
    sealed = bytearray(seal.seal(b"secret", "here"))
    place = data.draw(st.integers(0, len(sealed) * 8 - 1))
    sealed[place // 8] ^= 1 << place % 8
    with pytest.raises(CannotUnseal):
        seal.unseal(bytes(sealed), "here")


def test_what_one_version_sealed_another_opens() -> None:
    # Sealed on the day this form was made: what is kept in databases must open for ever.
    key = base64.b64encode(bytes(range(32))).decode()
    sealed = base64.b64decode(_SEALED)
    assert Seal.read(key).unseal(sealed, "endpoint:1") == b"whsec_kept"
    assert Seal([bytes(range(32))]).seal(b"", "x")[:5] == sealed[:5]


def test_a_key_that_is_too_short_or_missing_is_refused_though_another_is_right() -> None:
    for keys in ([], [bytes(31)], [bytes(32), bytes(33)]):
        with pytest.raises(ValueError, match="32 bytes"):
            Seal(keys)
    assert Seal([bytes(32)]).unseal(Seal([bytes(32)]).seal(b"a", "b"), "b") == b"a"


def test_a_key_with_letters_that_are_none_of_base64_is_refused() -> None:
    with pytest.raises(ValueError, match="base64"):
        Seal.read(f"{NEW[:10]}!{NEW[10:]}")


@pytest.mark.parametrize("sealed", [b"", b"\x01", b"\x01" * 17, b"\x02" * 40])
def test_what_was_never_sealed_does_not_open(sealed: bytes) -> None:
    with pytest.raises(CannotUnseal):
        Seal.read(NEW).unseal(sealed, "here")


@pytest.mark.parametrize(
    "text",
    ["", ",", "no base64!", base64.b64encode(bytes(31)).decode(), f"{NEW},", f"{NEW},x"],
    ids=["empty", "comma", "no base64", "too short", "one and nothing", "one and no base64"],
)
def test_a_setting_that_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="key"):
        Seal.read(text)
