"""Sealed secrets: opened by their key, in their place, and by nothing else."""

import base64
import hashlib
import hmac
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.core.kit.sealing import CannotUnseal, CipherName, Seal, new_seal_key

OLD, NEW = new_seal_key(), new_seal_key()


@given(st.binary(max_size=200), st.text(max_size=50), st.sampled_from(get_args(CipherName)))
def test_what_is_sealed_opens_in_its_place_only(
    plain: bytes, context: str, cipher: CipherName
) -> None:
    seal = Seal.read(NEW, cipher)
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


@given(st.data(), st.sampled_from(get_args(CipherName)))
def test_one_changed_bit_is_noticed(data: st.DataObject, cipher: CipherName) -> None:
    seal = Seal.read(NEW, cipher)
    sealed = bytearray(seal.seal(b"secret", "here"))
    place = data.draw(st.integers(0, len(sealed) * 8 - 1))
    sealed[place // 8] ^= 1 << place % 8
    with pytest.raises(CannotUnseal):
        seal.unseal(bytes(sealed), "here")


@pytest.mark.parametrize(
    "kept",
    [
        # Each sealed on the day its form was made: what is kept in databases opens for ever.
        "AQ2SAungkuETKV3ghgGy4U3fpNpdJg8OYrM1MEyxgnvHUrlbYfFne9FWYw==",
        "Ag2SAun+AZlepsAgHS5C7ct9hvChedE7UeAJcIdbH+eo+V9BurSLEiTXw4FLM9+mA1+F4ec2joZmWS/CQ5iecWFywbeSBdbCfmzHBGoJGuvca+HjJjzMWXGjS06mREVLFIs3JpUVhw==",
        "Aw2SAumzqiE0EXPXWKjXf9xuPXteVfu1jR+2MkKQRNZGEAEFahlcgKG7BOslU3llhtDPm28lCK7BR/K7Fw7rzMvdj9NHoEhSKDjc45Ft9GCl3gseJuiW",
    ],
)
def test_what_one_version_sealed_another_opens(kept: str) -> None:
    sealed = base64.b64decode(kept)
    assert Seal([bytes(range(32))]).unseal(sealed, "endpoint:1") == b"whsec_kept"


@pytest.mark.parametrize("cipher", get_args(CipherName))
def test_each_cipher_opens_what_the_other_sealed_and_knows_what_is_current(
    cipher: CipherName,
) -> None:
    sealed = {name: Seal.read(OLD, name).seal(b"secret", "here") for name in get_args(CipherName)}
    seal = Seal.read(f"{OLD},{NEW}", cipher)
    for name, one in sealed.items():
        assert seal.unseal(one, "here") == b"secret"
        assert seal.is_current(one) is (name == cipher)
    assert not Seal.read(f"{NEW},{OLD}", cipher).is_current(sealed[cipher])
    assert not seal.is_current(b"")


def test_two_keys_of_data_seal_the_same_and_nothing_shows_of_either() -> None:
    key = base64.b64decode(NEW)
    sealed = [Seal.read(NEW).seal(b"a" * 64, "here") for _ in range(2)]
    assert sealed[0][5:] != sealed[1][5:]
    assert all(key not in one and b"a" * 8 not in one for one in sealed)


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


def test_a_key_for_a_purpose_is_always_the_same_and_that_of_no_other() -> None:
    written, older = new_seal_key(), new_seal_key()
    seal = Seal.read(f"{written},{older}")
    keys = [base64.b64decode(one) for one in (written, older)]
    assert seal.derived("page tokens") == [
        hmac.new(key, b"key for page tokens", hashlib.sha256).digest() for key in keys
    ]
    assert not set(seal.derived("page tokens")) & set(seal.derived("marks"))


def test_what_is_signed_is_verified_by_every_release() -> None:
    written = new_seal_key()
    key = hashlib.sha256(b"key for signing" + base64.b64decode(written)).digest()
    signed = Seal.read(written).sign(b"plain", "here")
    said = hmac.new(key, b"here\0plain", hashlib.sha256).digest()
    assert signed.endswith(said)
