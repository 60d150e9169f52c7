"""Signatures: the published vectors byte for byte, and the reference library as a witness."""

import base64
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from services.core.webhooks.signing import SigningKey, new_key, read_key, signature_header

FIRST = (
    "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "msg_p5jXN8AQM9LWM0D4loKWxJek",
    1614265330,
    b'{"test": 2432232314}',
)
SECOND = (
    "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
    "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk",
    1649367553,
    b'{"email":"test@example.com","username":"test_user"}',
)
SEED_AND_PUBLIC = (
    "6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg=="
)
FOURTH = (f"whsk_{SEED_AND_PUBLIC}", *FIRST[1:])


def _key(text: str) -> SigningKey:
    key = read_key(text)
    assert key is not None
    return key


@pytest.mark.parametrize(
    ("vector", "header"),
    [
        (FIRST, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
        (SECOND, "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw="),
        (
            FOURTH,
            (
                "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFy"
                "mVJaA7AZdpXwVLPo3mNl8EM+m7TBAg=="
            ),
        ),
    ],
)
def test_published_vectors(vector: tuple[str, str, int, bytes], header: str) -> None:
    secret, message_id, timestamp, body = vector
    signed = signature_header([_key(secret)], message_id=message_id, timestamp=timestamp, body=body)
    assert signed == header
    assert _key(secret).text == secret


def test_the_public_key_of_the_published_vector() -> None:
    assert _key(FOURTH[0]).public_text == "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="
    assert _key(FIRST[0]).public_text is None


@given(st.text(max_size=60), st.binary(min_size=24, max_size=64))
def test_the_reference_library_verifies_each_of_several_keys(text: str, secret: bytes) -> None:
    now = int(datetime.now(UTC).timestamp())  # noqa: TID251 (the library reads the real time)
    new, old = SigningKey("v1", secret), new_key("v1")
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(now),
        "webhook-signature": signature_header(
            [new, old], message_id="msg_1", timestamp=now, body=text.encode()
        ),
    }
    assert headers["webhook-signature"].startswith(new.sign(f"msg_1.{now}.{text}".encode()))
    for key in (new, old):
        Webhook(key.text).verify(text.encode(), headers, json_parse=False)
    with pytest.raises(WebhookVerificationError):
        Webhook(new_key("v1").text).verify(text.encode(), headers, json_parse=False)
    with pytest.raises(WebhookVerificationError):
        Webhook(new.text).verify(text.encode() + b" ", headers, json_parse=False)


@given(st.binary(max_size=100))
def test_the_public_key_verifies_what_the_private_one_signed(body: bytes) -> None:
    key = new_key("v1a")
    version, _, signature = signature_header(
        [key], message_id="msg_1", timestamp=1, body=body
    ).partition(",")
    assert version == "v1a"
    public = base64.b64decode((key.public_text or "").removeprefix("whpk_"))
    Ed25519PublicKey.from_public_bytes(public).verify(
        base64.b64decode(signature), b"msg_1.1." + body
    )


@pytest.mark.parametrize("kind", ["v1", "v1a"])
def test_a_key_is_read_as_it_is_shown(kind: str) -> None:
    key = new_key(kind)  # type: ignore[arg-type]
    assert read_key(key.text) == key


def test_a_seed_alone_is_read_too() -> None:
    seed = base64.b64encode(base64.b64decode(SEED_AND_PUBLIC)[:32]).decode()
    assert read_key(f"whsk_{seed}") == _key(FOURTH[0])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "whsec_",
        "whsec_" + base64.b64encode(bytes(23)).decode(),
        "whsec_" + base64.b64encode(bytes(65)).decode(),
        "whsec_" + base64.urlsafe_b64encode(b"\xff" * 32).decode(),
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS",
        "whsec_密钥",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa\nSw",
        "whsec_MfKQ9r8GKYqr*TwjUPD8ILPZIo2LaLaSw",
        "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=",
        "whsk_" + base64.b64encode(bytes(31)).decode(),
        "whsk_" + base64.b64encode(bytes(64)).decode(),
    ],
)
def test_what_is_no_key_is_not_read(text: str) -> None:
    assert read_key(text) is None


@pytest.mark.parametrize("size", [24, 64])
def test_a_symmetric_secret_has_24_to_64_bytes(size: int) -> None:
    key = SigningKey("v1", bytes(size))
    assert read_key(key.text) == key
