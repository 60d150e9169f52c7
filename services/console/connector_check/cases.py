"""The cases of `wufei connector check`: batches of no items, and the right answers. Pure."""

import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from services.core.connectors.mapping import CodeMapping
from services.core.connectors.messages import OpenConnector, report_members, signed_message
from services.core.gateways.profiles import Profile, SignedPart
from services.core.kit.ids import new_id
from services.core.kit.text import Text
from services.core.webhooks.sending import Message

Answered = Literal["taken", "refused"]
"""Whether a batch passed the signature check."""

_MARGIN = timedelta(seconds=10)
_NOBODY = UUID(int=0)


@dataclass(frozen=True, slots=True)
class ReportMaker:
    """Signs batches of no items as a connector would, at its clock's time."""

    profile: Profile
    app_id: str
    interface: str
    url: str
    secret: bytes = field(repr=False)
    now: Callable[[], datetime]

    def message(
        self,
        *,
        ahead: timedelta = timedelta(),
        secret: bytes | None = None,
        nonce: str | None = None,
    ) -> Message:
        """Return a request that reports nothing, signed by `ahead` in the future."""
        target = OpenConnector(
            "",
            _NOBODY,
            self.profile,
            self.app_id,
            self.interface,
            CodeMapping(),
            self.url,
            None,
            self.secret if secret is None else secret,
        )
        return signed_message(
            target,
            self.url,
            report_members(new_id(), []),
            now=self.now() + ahead,
            nonce=nonce or secrets.token_hex(16),
        )


@dataclass(frozen=True, slots=True)
class ReportCase:
    """Requests that are sent one after the other, and the expected answer to the last."""

    name: Text
    expected: Answered
    make: Callable[[ReportMaker], Sequence[Message]]


def report_cases(profile: Profile) -> Iterator[ReportCase]:
    """Yield the cases of a profile."""
    yield ReportCase(
        Text("签名正确的空批次", "no items, signed right"), "taken", lambda maker: [maker.message()]
    )
    yield ReportCase(
        Text("另一个密钥", "another secret"),
        "refused",
        lambda maker: [maker.message(secret=secrets.token_hex(16).encode())],
    )
    yield ReportCase(
        Text("过时", "too late"),
        "refused",
        lambda maker: [maker.message(ahead=-maker.profile.window - _MARGIN)],
    )
    if SignedPart.NONCE in profile.places:
        yield ReportCase(
            Text("同一请求重发", "the same request again"),
            "refused",
            lambda maker: [maker.message()] * 2,
        )
