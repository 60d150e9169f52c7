"""Pydantic schemas of connectors."""

from datetime import datetime
from typing import Annotated, Any, get_args
from uuid import UUID

from pydantic import BaseModel, Field

from services.api.contract.choices import one_of
from services.core.connectors.mapping import read_mapping
from services.core.connectors.models import Connector
from services.core.connectors.rules import (
    CONNECTOR_ACTIONS,
    CONNECTOR_REASONS,
    CONNECTOR_STATES,
    MOST_IN_BATCH,
    ReportBasis,
    connector_actions,
)
from services.core.connectors.service import provisioned
from services.core.gateways.profiles import PlainProfileName
from services.core.kit.decimals import ExactDecimal, plain
from services.core.kit.forms import form
from services.core.kit.said import CodeIn, Line, Said, Title, Words
from services.core.kit.secrets import DEFAULT_OVERLAP, LONGEST_OVERLAP

_MOST_CODES = 1000
_MOST_REFUSALS = 200
_LONGEST_PAUSE = 3600

_Codes = dict[CodeIn, CodeIn]
_Indicators = Annotated[list[CodeIn], Field(max_length=_MOST_CODES)]
_BatchSize = Annotated[int, Field(strict=True, ge=1, le=MOST_IN_BATCH)]
_Pause = Annotated[int, Field(strict=True, ge=0, le=_LONGEST_PAUSE)]
_Named = Annotated[
    str,
    form(
        r"^[A-Za-z0-9._:@/-]{1,120}$",
        "应为字母、数字和 . _ : @ / - 组成的标识，如 henan-1",
        "Must be letters, digits and . _ : @ / -, such as henan-1",
    ),
]
_Secret = Annotated[
    str,
    form(
        r"^[!-~]{8,200}$",
        "应为 8 至 200 个可见的 ASCII 字符",
        "Must be 8 to 200 printable characters of ASCII without a blank",
    ),
]
_OurCode = Annotated[
    str,
    form(
        r"^[a-z][a-z0-9-]{0,59}$",
        "应为小写字母、数字和连字符，如 period-closed",
        "Must be small letters, digits and hyphens, such as period-closed",
    ),
]

_URL = "Where batches are sent: https, or http within the intranet that the deployment allows"
_RECEIPTS_URL = (
    "Where it is asked what became of items that were never answered; null: they are sent again,"
    " under the same ids"
)
_APP_ID = "What the superior calls us; null: it has given no credentials yet"
_INTERFACE = "The superior's name of the operation, where the profile sends one"
_BASIS = "`approved`: as soon as it counts; `published`: once its period is published"
_INDICATORS = "Codes of the indicators that are reported; empty: all of the plan"
_BATCH_SIZE = "Most items of one request"
_PAUSE = "Seconds of rest after each request"


class MeasureIn(Said):
    """A unit of measure in the superior's code."""

    code: CodeIn = Field(description="The superior's code")
    factor: ExactDecimal = Field(
        gt=0,
        description="What a value of ours is multiplied by, exactly; so a third cannot be one",
    )


class RefusalMappedIn(Said):
    """What a refusal of the superior's means here."""

    code: _OurCode = Field(description="Our code")
    zh: Line = Field(description="In Chinese")
    en: Line = Field(description="In English")


class MappingIn(Said):
    """Codes of ours to the superior's. Null: the same codes; what is missing keeps its figures."""

    indicators: _Codes | None = Field(
        default={}, max_length=_MOST_CODES, description="Indicators, by our code"
    )
    organizations: _Codes | None = Field(
        default={}, max_length=_MOST_CODES, description="Organizations, by our code"
    )
    periods: _Codes | None = Field(
        default={}, max_length=_MOST_CODES, description="Periods, by our code"
    )
    units: dict[CodeIn, MeasureIn] | None = Field(
        default={}, max_length=_MOST_CODES, description="Units of measure, as the plan writes them"
    )
    refusals: dict[CodeIn, RefusalMappedIn] = Field(
        default={}, max_length=_MOST_REFUSALS, description="Refusals, by the superior's code"
    )

    def kept(self) -> dict[str, Any]:
        """Return the mapping as it is stored: numbers as text."""
        found = self.model_dump()
        if self.units is not None:
            found["units"] = {
                code: {"code": one.code, "factor": plain(one.factor)}
                for code, one in self.units.items()
            }
        return found


class ConnectorIn(Said):
    """A connector to be made. It begins disabled."""

    name: Title = Field(description="Whose platform it is, for people")
    plan: CodeIn = Field(description="Code of the plan whose figures are reported")
    url: Words = Field(description=_URL)
    receipts_url: Words | None = Field(default=None, description=_RECEIPTS_URL)
    profile: PlainProfileName = Field(description="How its gateway has requests signed")
    app_id: _Named | None = Field(default=None, description=_APP_ID)
    interface: _Named | None = Field(default=None, description=_INTERFACE)
    secret: _Secret | None = Field(
        default=None, description="The secret that the superior handed out; kept sealed"
    )
    mapping: MappingIn = Field(default=MappingIn(), description="Codes of ours to the superior's")
    basis: ReportBasis = Field(default="approved", description=_BASIS)
    indicator_codes: _Indicators = Field(default=[], description=_INDICATORS)
    batch_size: _BatchSize = Field(default=MOST_IN_BATCH, description=_BATCH_SIZE)
    pause_seconds: _Pause = Field(default=1, description=_PAUSE)


class ConnectorPatch(Said):
    """What may change of a connector. Of `receipts_url`, `app_id` and `interface` null clears."""

    name: Title = Field(default="", description="Whose platform it is, for people")
    url: Words = Field(default="", description=_URL)
    receipts_url: Words | None = Field(default=None, description=_RECEIPTS_URL)
    app_id: _Named | None = Field(default=None, description=_APP_ID)
    interface: _Named | None = Field(default=None, description=_INTERFACE)
    secret: _Secret = Field(
        default="",
        description="Another secret of the superior's; required where `url` or `receipts_url` names"
        " another host. The one before ends at once: `rotate-secret` lets it go on",
    )
    mapping: MappingIn = Field(
        default=MappingIn(), description="Codes of ours to the superior's, all of them"
    )
    basis: ReportBasis = Field(default="approved", description=_BASIS)
    indicator_codes: _Indicators = Field(default=[], description=_INDICATORS)
    batch_size: _BatchSize = Field(default=MOST_IN_BATCH, description=_BATCH_SIZE)
    pause_seconds: _Pause = Field(default=1, description=_PAUSE)


class ConnectorSecretIn(Said):
    """The superior's new secret, and how long the one before goes on."""

    secret: _Secret = Field(description="The secret that the superior handed out; kept sealed")
    overlap_seconds: Annotated[int, Field(strict=True)] = Field(
        default=int(DEFAULT_OVERLAP.total_seconds()),
        ge=0,
        le=int(LONGEST_OVERLAP.total_seconds()),
        description="For so long what the superior does not take by the new one is signed with the"
        " one before; 0 ends that now",
    )


class MappedUnitOut(BaseModel):
    """A unit of measure in the superior's code."""

    code: str = Field(description="The superior's code")
    factor: str = Field(description="What a value of ours is multiplied by, exactly")


class RefusalMappedOut(BaseModel):
    """What a refusal of the superior's means here."""

    code: str = Field(description="Our code")
    zh: str = Field(description="In Chinese")
    en: str = Field(description="In English")


class MappingOut(BaseModel):
    """Codes of ours to the superior's. Null: the same codes."""

    indicators: dict[str, str] | None = Field(description="Indicators, by our code")
    organizations: dict[str, str] | None = Field(description="Organizations, by our code")
    periods: dict[str, str] | None = Field(description="Periods, by our code")
    units: dict[str, MappedUnitOut] | None = Field(
        description="Units of measure, as the plan writes them"
    )
    refusals: dict[str, RefusalMappedOut] = Field(description="Refusals, by the superior's code")


class ConnectorOut(BaseModel):
    """A connector as it may be shown at any time."""

    id: UUID = Field(description="Its id, for good")
    name: str = Field(description="Whose platform it is")
    city_code: str = Field(description="Code of its city")
    plan: str = Field(description="Code of the plan whose figures are reported")
    url: str = Field(description="Where batches are sent, without what may be a token")
    receipts_url: str | None = Field(
        description="Where it is asked what became of items; null: nowhere"
    )
    profile: Annotated[str, one_of(get_args(PlainProfileName))] = Field(
        description="How its gateway has requests signed"
    )
    app_id: str | None = Field(description=_APP_ID)
    interface: str | None = Field(description=_INTERFACE)
    provisioned: bool = Field(description="Whether the superior's credentials are there")
    former_secret_expires_at: datetime | None = Field(
        description="Until when the secret before the present one is good; null: there is none"
    )
    secret_refused_since: datetime | None = Field(
        description="Since when the superior takes the secret before and not the present one; null:"
        " not seen. The present one may be mistyped"
    )
    mapping: MappingOut = Field(description="Codes of ours to the superior's")
    basis: ReportBasis = Field(description=_BASIS)
    indicator_codes: list[str] = Field(description=_INDICATORS)
    batch_size: int = Field(description=_BATCH_SIZE)
    pause_seconds: int = Field(description=_PAUSE)
    state: Annotated[str, one_of(CONNECTOR_STATES)] = Field(description="Whether it reports")
    state_reason: Annotated[str, one_of(CONNECTOR_REASONS)] | None = Field(
        description="Why it is disabled; null: it is not"
    )
    tested_at: datetime | None = Field(
        description="When what it sends was last shown and nothing was missing; null: not since the"
        " settings changed"
    )
    failing_since: datetime | None = Field(description="Since when no request came through")
    consecutive_failures: int = Field(description="How many failed since one came through")
    paused_until: datetime | None = Field(description="Until when it rests")
    ended_at: datetime | None = Field(
        description="Since when it is disabled for good; null: it did not end"
    )
    created_at: datetime = Field(description="When it was made")
    updated_at: datetime = Field(description="When somebody last changed it")
    allowed_actions: list[Annotated[str, one_of(CONNECTOR_ACTIONS)]] = Field(
        description="What the caller may do with it in this state"
    )


class ConnectorListOut(BaseModel):
    """A page of connectors."""

    items: list[ConnectorOut] = Field(description="At most `page_size`, by city and age")
    next_page_token: str | None = Field(description="For the next page; null: this is the last")


class ConnectorTriedOut(BaseModel):
    """What a connector would send: an example with a made-up value, not sent."""

    method: str = Field(description="Always POST")
    url: str = Field(description="Where it would go, without what may be a token")
    headers: dict[str, str] = Field(description="All headers; a signature is masked, `********`")
    body: str = Field(description="The body, as it would be sent; a signature in it is masked")
    missing: list[str] = Field(
        description="What of the example has no code of theirs, such as `units:%`"
    )


def _actions(connector: Connector) -> list[str]:
    return [*connector_actions(connector.state, ended=connector.ended_at is not None)]


def connector_out(connector: Connector, *, manages: bool) -> ConnectorOut:
    """Return the members of a connector; `manages` says whether the caller may change it."""
    mapping = read_mapping(connector.mapping)
    units = mapping.units
    shown = MappingOut(
        indicators=None if mapping.indicators is None else dict(mapping.indicators),
        organizations=None if mapping.organizations is None else dict(mapping.organizations),
        periods=None if mapping.periods is None else dict(mapping.periods),
        units=None
        if units is None
        else {
            code: MappedUnitOut(code=one.code, factor=plain(one.factor))
            for code, one in units.items()
        },
        refusals={
            code: RefusalMappedOut(code=one.code, zh=one.zh, en=one.en)
            for code, one in mapping.refusals.items()
        },
    )
    return ConnectorOut(
        id=connector.id,
        name=connector.name,
        city_code=connector.city_code,
        plan=connector.plan_code,
        url=connector.url_shown,
        receipts_url=connector.receipts_url_shown,
        profile=connector.profile,
        app_id=connector.app_id,
        interface=connector.interface,
        provisioned=provisioned(connector),
        former_secret_expires_at=connector.former_secret_expires_at,
        secret_refused_since=connector.secret_refused_since,
        mapping=shown,
        basis=connector.basis,
        indicator_codes=connector.indicator_codes,
        batch_size=connector.batch_size,
        pause_seconds=connector.pause_seconds,
        state=connector.state,
        state_reason=connector.state_reason,
        tested_at=connector.tested_at,
        failing_since=connector.failing_since,
        consecutive_failures=connector.consecutive_failures,
        paused_until=connector.paused_until,
        ended_at=connector.ended_at,
        created_at=connector.created_at,
        updated_at=connector.updated_at,
        allowed_actions=_actions(connector) if manages else [],
    )
