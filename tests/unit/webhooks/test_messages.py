"""What is sent: the published vectors with our headers, and nothing of the owner's in the log."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest

from services.core.webhooks.messages import OpenTarget, shown_request, standard_message
from services.core.webhooks.signing import SigningKey, read_key

BODY = b'{"test": 2432232314}'
AT = datetime.fromtimestamp(1614265330, UTC)
ASYMMETRIC = (
    "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg=="
)
SIGNED_ASYMMETRICALLY = (
    "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg=="
)


def key(text: str) -> SigningKey:
    found = read_key(text)
    assert found is not None
    return found


def target(*keys: SigningKey, **headers: str) -> OpenTarget:
    secrets = [(one.kind, one.secret) for one in keys]
    return OpenTarget(
        "410183", UUID(int=1), "standard", "https://r.test/…", "https://r.test/k", headers, secrets
    )


@pytest.mark.parametrize(
    ("text", "signature"),
    [
        (
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        ),
        (ASYMMETRIC, SIGNED_ASYMMETRICALLY),
    ],
)
@pytest.mark.parametrize("zone", [UTC, timezone(timedelta(hours=8))])
def test_the_published_vectors_are_sent_byte_for_byte(text: str, signature: str, zone: Any) -> None:
    name: Any = "msg_p5jXN8AQM9LWM0D4loKWxJek"
    at = AT.astimezone(zone)
    message = standard_message(target(key(text)), event_id=name, body=BODY, now=at)
    assert message.body is BODY
    assert message.headers["webhook-id"] == name
    assert message.headers["webhook-timestamp"] == "1614265330"
    assert message.headers["webhook-signature"] == signature


def test_every_live_key_signs_in_the_order_given() -> None:
    keys = [key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), key(ASYMMETRIC)]
    message = standard_message(target(*keys), event_id=UUID(int=7), body=BODY, now=AT)
    versions = [one.split(",")[0] for one in message.headers["webhook-signature"].split(" ")]
    assert versions == ["v1", "v1a"]


def test_an_owners_headers_are_sent_and_kept_masked_and_never_replace_ours() -> None:
    of_owner = {"Authorization": "Bearer secret", "webhook-id": "mine", "Content-Type": "x/y"}
    to = target(key(ASYMMETRIC), **of_owner)
    message = standard_message(to, event_id=UUID(int=7), body=BODY, now=AT)
    assert message.headers["Authorization"] == "Bearer secret"
    assert message.headers["webhook-id"] == str(UUID(int=7))
    assert message.headers["Content-Type"] == "application/json"
    shown: Any = shown_request(to, message)
    assert shown["url"] == "https://r.test/…"
    assert shown["headers"]["Authorization"] == "***"
    assert "secret" not in str(shown)
