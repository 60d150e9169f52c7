"""Builds the request to a superior: items in its codes, one body, signed by its profile. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from pydantic_core import to_json

from services.core.connectors.mapping import (
    CodeMapping,
    OutgoingFigure,
    figure_text,
    read_mapping,
)
from services.core.gateways.profiles import PROFILES, Profile
from services.core.gateways.signing import Call, body_of, sign
from services.core.kit.decimals import plain
from services.core.kit.sealing import Seal
from services.core.webhooks.addresses import TargetUrl, read_url
from services.core.webhooks.sending import Message

AGENT = "wufei-connector/1"
NEW_SECRET_TRIED_EVERY = timedelta(hours=1)
"""How often a refused secret is tried first again while the former one is valid."""

MOST_READ = 256 * 1024
"""Most bytes of an answer that are read: many times fifty receipts with their reasons."""

_HEADERS: Mapping[str, str] = {
    "User-Agent": AGENT,
    "Accept": "application/json",
    "Accept-Encoding": "identity",
}


def url_context(connector_id: UUID) -> str:
    """Return the context that a sealed address is bound to."""
    return f"connector.url {connector_id}"


def receipts_context(connector_id: UUID) -> str:
    """Return the context that a sealed address of receipts is bound to."""
    return f"connector.receipts_url {connector_id}"


def connector_secret_context(connector_id: UUID) -> str:
    """Return the context that a sealed secret is bound to."""
    return f"connector.secret {connector_id}"


@dataclass(frozen=True, slots=True)
class OpenConnector:
    """A connector with its address and secret unsealed; its `repr` shows none of them.

    `former_secret` is used where the superior does not accept the present one; None: there is none.
    `former_first`: the superior recently accepted only the former one.
    """

    city_code: str
    id: UUID
    profile: Profile
    app_id: str
    interface: str
    mapping: CodeMapping
    url: str = field(repr=False)
    receipts_url: str | None = field(repr=False)
    secret: bytes = field(repr=False)
    former_secret: bytes | None = field(default=None, repr=False)
    secret_sealed: bytes | None = field(default=None, repr=False)
    former_first: bool = False
    by_former: bool = False

    def by_each_secret(self) -> "tuple[OpenConnector, ...]":
        """Return it once for each valid secret, the last accepted first."""
        if self.former_secret is None:
            return (self,)
        former = replace(self, secret=self.former_secret, by_former=True)
        return (former, self) if self.former_first else (self, former)


def open_connector(row: Any, seal: Seal, *, now: datetime) -> OpenConnector:
    """Return a connector, unsealed; one without credentials signs with an empty secret.

    `now` is the true time, which decides whether the former secret is valid.

    Raises:
        CannotUnseal: it was sealed with a key that is not ours.
    """
    asked = row.receipts_url_sealed
    secret, former = row.secret_sealed, row.former_secret_sealed
    context = connector_secret_context(row.id)
    overlaps = former is not None and row.former_secret_expires_at > now
    refused_at = row.secret_refused_at
    return OpenConnector(
        row.city_code,
        row.id,
        PROFILES[row.profile],
        row.app_id or "",
        row.interface or "",
        read_mapping(row.mapping),
        seal.unseal(row.url_sealed, url_context(row.id)).decode(),
        None if asked is None else seal.unseal(asked, receipts_context(row.id)).decode(),
        b"" if secret is None else seal.unseal(secret, context),
        seal.unseal(former, context) if overlaps else None,
        secret_sealed=secret,
        former_first=refused_at is not None and now - refused_at < NEW_SECRET_TRIED_EVERY,
    )


def payload_of(
    mapping: CodeMapping,
    figure: OutgoingFigure,
    *,
    item_id: UUID,
    revision: int,
    unit: str,
    replaces: UUID | None,
) -> dict[str, Any]:
    """Return the payload of an item, in the superior's codes, all of which must be mapped.

    `replaces` is the item of the same place that the superior holds, or may hold.
    """
    value = None if figure.value is None else mapping.in_measure(figure.value, unit)
    doing = "report" if replaces is None else "correct"
    return {
        "item_id": str(item_id),
        "op": "withdraw" if figure.withdrawn else doing,
        "indicator": mapping.code("indicators", figure.indicator_code),
        "organization": mapping.code("organizations", figure.organization_code),
        "period": mapping.code("periods", figure.period),
        "unit": None if value is None else mapping.code("units", unit),
        "value": None if value is None else plain(value),
        "level": figure.level,
        "not_applicable": figure.not_applicable_reason is not None,
        "figure": figure_text(mapping, figure, unit),
        "revision": revision,
        "replaces": None if replaces is None else str(replaces),
    }


_OURS = "figure"
"""The member of a stored payload that we only compare by, and never send."""


def report_members(batch_id: UUID, payloads: Sequence[Mapping[str, Any]]) -> dict[str, object]:
    """Return the members of a batch that reports items."""
    items = [{name: one[name] for name in one if name != _OURS} for one in payloads]
    return {"batch_id": str(batch_id), "items": items}


def query_members(batch_id: UUID, item_ids: Sequence[UUID]) -> dict[str, object]:
    """Return the members of a batch that queries the outcome of items."""
    return {"batch_id": str(batch_id), "item_ids": [str(one) for one in item_ids]}


def signed_message(
    target: OpenConnector,
    url: str,
    members: Mapping[str, object],
    *,
    now: datetime,
    nonce: str,
    traceparent: str | None = None,
) -> Message:
    """Return a POST to an address of a connector, signed for this attempt.

    A profile for form data gets lists as JSON text, because form data has no lists.
    """
    found = read_url(url)
    assert isinstance(found, TargetUrl)  # noqa: S101 (what has faults was refused when it was set)
    path, _, query = found.path.partition("?")
    if target.profile.takes_form:
        members = {
            name: to_json(one).decode() if isinstance(one, list) else one
            for name, one in members.items()
        }
    media_type, body = body_of(target.profile, members)
    call = sign(
        target.profile,
        Call("POST", path, {"content-type": media_type}, query, body),
        partner=target.app_id,
        secret=target.secret,
        now=now,
        nonce=nonce,
        interface=target.interface,
    )
    headers = {**_HEADERS, **call.headers}
    if traceparent is not None:
        headers["traceparent"] = traceparent
    return Message(url, headers, call.body, MOST_READ)
