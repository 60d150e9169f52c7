"""Endless distinct places (indicator, organization, period) to report for."""

import json
from collections.abc import Iterable, Mapping
from decimal import Decimal
from functools import cache
from itertools import count, islice
from uuid import UUID

from bench.system import CITY, PLAN, ROOT
from services.core.identity.actor import Actor
from services.core.identity.rules import DEFAULT_SCOPES
from services.core.kit.clock import Clock
from services.core.kit.exact_yaml import read_yaml
from services.core.kit.idempotency import RequestKey
from services.core.kit.ids import new_id
from services.core.plan.document import PlanDocument
from services.core.plan.rules import read_document
from services.core.plan.state import PlanState
from services.core.submissions.creation import Reply, SubmissionDraft, draw_up, parameters
from services.core.submissions.models import Submission
from services.core.submissions.rules import Form, Remarks
from services.core.submissions.statements import CREATE


@cache
def xinmi() -> PlanDocument:
    """Return Xinmi's plan."""
    return read_document(read_yaml((ROOT / "plans" / f"{PLAN}.yaml").read_bytes()))


@cache
def choices() -> tuple[list[str], list[str]]:
    """Return the codes of the indicators that take numbers, and of the units that report."""
    document = xinmi()
    return (
        [one.code for one in document.indicators if not one.levels],
        [one.code for one in document.organizations if one.submits],
    )


def place(number: int) -> tuple[str, str, str]:
    """Return the `number`-th place: indicator, organization, month."""
    indicators, units = choices()
    number, indicator = divmod(number, len(indicators))
    number, unit = divmod(number, len(units))
    year, month = divmod(number, 12)
    return indicators[indicator], units[unit], f"{2022 + year}-{month + 1:02}"


_taken = count()


def fresh(amount: int) -> list[int]:
    """Return numbers of places that no benchmark of this run has taken yet."""
    return list(islice(_taken, amount))


def report_body(number: int) -> bytes:
    """Return the JSON of a report for the `number`-th place."""
    indicator, unit, period = place(number)
    body = {
        "indicator_code": indicator,
        "organization_code": unit,
        "period": period,
        "value": "94.78",
        "source": "bench",
    }
    return json.dumps(body).encode()


_OFFICE = Actor(
    credential_id=UUID(int=1),
    name="bench",
    role="office",
    city_code=CITY,
    organization_code=None,
    plan_code=None,
    scopes=DEFAULT_SCOPES["office"],
    every_city=False,
    channel="api",
    request_id="bench",
)


@cache
def _plan() -> PlanState:
    return PlanState(CITY, PLAN, 1, xinmi(), {}, {}, {})


def bound_statement(number: int) -> tuple[object, ...]:
    """Return the creating statement for the `number`-th place with its values, made beforehand.

    Only what must differ is put in: ids, place, key. So the ceiling pays for nothing but the
    statement itself.
    """
    identifier = new_id()
    indicator, unit, period = place(number)
    values = {
        **_template(),
        "id": identifier,
        "event_id": UUID(int=identifier.int ^ 1),
        "indicator_code": indicator,
        "organization_code": unit,
        "period": period,
        "key": f"bench-{number}",
    }
    return CREATE.bind(values)


@cache
def _template() -> Mapping[str, object]:
    """Return the values of one report; only what must differ is replaced afterwards."""
    indicator, unit, period = place(0)
    now = Clock.true_now()
    row = draw_up(
        SubmissionDraft(
            indicator, unit, period, Form(value=None), Remarks(source="bench"), draft=True
        ),
        plan=_plan(),
        actor=_OFFICE,
        now=now,
    )
    row = {**row, "state": "submitted", "value": Decimal("94.78")}
    request = RequestKey(CITY, _OFFICE.credential_id, "bench", b"0" * 32)
    reply = Reply(request, 201, b"{" + b" " * 800 + b"}", '"bench"', "/v1/submissions/bench")
    return parameters(row, _plan(), _OFFICE.stamp(), reply, now)


def batch_rows(numbers: Iterable[int]) -> list[tuple[object, ...]]:
    """Return new submissions as rows of the table, each with its image, event id and event data."""
    columns = [column.name for column in Submission.__table__.columns]
    template = {**_template()}
    rows = []
    for number in numbers:
        identifier = new_id()
        indicator, unit, period = place(number)
        row = {
            **template,
            "id": identifier,
            "indicator_code": indicator,
            "organization_code": unit,
            "period": period,
        }
        event = UUID(int=identifier.int ^ 1)
        extra = (template["image"], event, template["event_data"])
        rows.append((*(row[column] for column in columns), *extra))
    return rows


def untraced(statement: str) -> str:
    """Return a statement that writes events, which here came about in no trace."""
    return statement.replace(":traceparent", "NULL")
