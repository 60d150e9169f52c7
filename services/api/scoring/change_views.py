"""Renders the changes between two boards, and parses how a board is named."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import TypeAdapter, ValidationError

from services.api.actors import actor_fields
from services.api.instants import Instant
from services.api.score_changes import indicator_change
from services.api.scoring.contribution_views import unit_in_scope
from services.api.scoring.schemas import adjusted_fields
from services.core.identity.actor import Actor
from services.core.kit.decimals import plain
from services.core.kit.errors import Fault, InvalidInput
from services.core.kit.text import Text
from services.core.plan.state import PlanState
from services.core.scoring.changes import Cause, IndicatorChange
from services.core.scoring.comparing import BoardComparison, Happened
from services.core.scoring.counted_between import Value
from services.core.scoring.figures import difference
from services.core.scoring.models import ScoreSnapshot

_PUBLICATION = re.compile("publication:([1-9][0-9]{0,8})")
_POSITION = re.compile("[0-9]{1,18}")
_INSTANT: TypeAdapter[datetime] = TypeAdapter(Instant)


def check_order(before: ScoreSnapshot | None, after: ScoreSnapshot, written: str) -> None:
    """Refuse two scoreboards of one period in the wrong order.

    Raises:
        InvalidInput: the first is the later one; `written` is how the caller named it.
    """
    if before is None or before.period != after.period:
        return
    if before.sequence > after.sequence:
        detail = Text(
            "from 晚于 to：请对调", "`from` is later than `to`: give the earlier one as `from`"
        )
        raise InvalidInput(faults=[Fault("/query/from", "not-before-to", detail, written)])


def changes_fields(compared: BoardComparison, actor: Actor, plan: PlanState) -> dict[str, Any]:
    """Return a difference and the causes that a caller may see, as `ChangesOut` has it."""
    return {
        "difference": plain(compared.changes.difference),
        "whole_plan": [
            _cause(cause, compared, None, {"plan", "open_question"}, None)
            for cause in compared.changes.whole
        ],
        "indicators": [
            _indicator(
                one,
                compared,
                unit_in_scope(actor, plan, compared.drawn_by(one), one.code),
            )
            for one in compared.changes.indicators
        ],
    }


def board_place(written: str | None, pointer: str, plan: PlanState) -> dict[str, Any]:
    """Parse the name of a board; empty: the newest.

    Raises:
        InvalidInput: it has none of the four forms.
    """
    if written is None:
        return {}
    published = _PUBLICATION.fullmatch(written)
    if published is not None:
        return {"publication": int(published[1])}
    if _POSITION.fullmatch(written):
        return {"position": int(written)}
    try:
        if len(written) == len("2026-01-31"):
            midnight = datetime.fromisoformat(written) + timedelta(days=1)
            zone = ZoneInfo(plan.document.time_zone)
            return {"as_of": midnight.replace(tzinfo=zone) - timedelta(microseconds=1)}
        return {"as_of": _INSTANT.validate_python(written)}
    except (ValueError, OverflowError, ValidationError):
        detail = Text(
            "请写时刻 2026-01-31T16:00:00Z、日期 2026-01-31、日志位置 1234 或 publication:1",
            "Write an instant 2026-01-31T16:00:00Z, a date 2026-01-31, a position 1234 or"
            " publication:1",
        )
        raise InvalidInput(faults=[Fault(pointer, "invalid-point", detail, written)]) from None


def board_end(snapshot: ScoreSnapshot | None) -> dict[str, Any] | None:
    """Return one of the two compared boards: its time, and its score."""
    if snapshot is None:
        return None
    overall = snapshot.board["overall"]
    return {
        "as_of": snapshot.computed_at,
        "position": snapshot.position,
        "local_date": snapshot.local_date,
        "plan_version": snapshot.plan_version,
        "method": {"name": snapshot.method, "version": snapshot.method_version},
        "publication_number": snapshot.publication_number,
        "score": overall["score"],
        "display": overall["display"],
        "grade": overall["grade"],
        **adjusted_fields(overall),
    }


def adjusted_difference(before: ScoreSnapshot | None, after: ScoreSnapshot) -> str | None:
    """Return the change of the score after deductions and bonuses; None: there are none."""
    ends = [{} if one is None else one.board["overall"] for one in (before, after)]
    if all(one.get("adjusted_score") is None for one in ends):
        return None
    then, now = (Decimal(one.get("adjusted_score") or one.get("score") or 0) for one in ends)
    return plain(difference(now, then))


def _indicator(
    one: IndicatorChange, compared: BoardComparison, reach: str | None
) -> dict[str, Any]:
    causes = [_cause(cause, compared, reach, _SUBJECTS[cause.kind], one) for cause in one.causes]
    return indicator_change(one, causes)


_SUBJECTS: Mapping[str, set[str]] = {
    "value": set(),
    "target": {"indicator"},
    "rule": {"plan", "open_question"},
    "day": {"period"},
    "plan": {"plan"},
    "method": set(),
}
"""The subjects of the decisions that may explain a cause, by its kind."""


def _cause(
    cause: Cause,
    compared: BoardComparison,
    reach: str | None,
    subjects: set[str],
    change: IndicatorChange | None,
) -> dict[str, Any]:
    said: dict[str, Any] = {"kind": cause.kind, "points": plain(cause.points), "events": []}
    if isinstance(cause.reference, Value):
        value = cause.reference
        said |= {"period": value.period, "more_values": value.more}
        if reach is not None and reach != value.organization_code:
            return said | {"outside_scope": True}
        happened = compared.events.get(value.position)
        return said | {
            "organization_code": value.organization_code,
            "submission_id": value.submission_id,
            "revision": value.revision,
            "events": [] if happened is None else [_event(happened)],
        }
    if cause.reference == "plan":
        subjects = {"plan"}
    decided = _decided(compared, subjects, change)
    if cause.kind == "target" and not decided:
        # The plan now prints another date, for which the target was assigned long ago.
        decided = _decided(compared, {"plan"}, change)
    if cause.kind == "day":
        decided = [each for each in decided if not _fell_due(change, each)]
        said["kind"] = "period" if decided else "day"
    return said | {"events": [_event(each) for each in decided]}


def _decided(
    compared: BoardComparison, subjects: set[str], change: IndicatorChange | None
) -> list[Happened]:
    """Return the decisions of these kinds about an indicator; None: about no single indicator."""
    return [
        each
        for each in compared.decisions
        if each.subject_kind in subjects and _is_about(compared, each, change)
    ]


def _is_about(
    compared: BoardComparison, decision: Happened, change: IndicatorChange | None
) -> bool:
    _, _, named = decision.subject_id.partition("/")
    if decision.subject_kind == "indicator":
        return change is not None and named == change.code
    if decision.subject_kind == "period":
        code = "" if change is None else change.code
        return decision.subject_id in compared.period_ids.get(code, ())
    if decision.subject_kind != "open_question":
        return True
    subjects = {
        subject
        for drawn_by in (compared.before, compared.after)
        for question in drawn_by.document.open_questions
        if question.id == named
        for subject in question.subjects
    }
    if change is None:
        return not all(subject.startswith("indicator:") for subject in subjects)
    rows = [row for row in (change.before, change.after) if row is not None]
    about = {"plan", f"indicator:{change.code}", *(f"group:{row['group']}" for row in rows)}
    return not about.isdisjoint(subjects)


def _fell_due(change: IndicatorChange | None, decision: Happened) -> bool:
    """Return whether a period's opening is the only decision behind values that are overdue since.

    The opening asked for the values but did not make them late: the passing of their due date did.
    """
    if change is None or change.after is None or decision.type != "period.opened":
        return False
    overdue = [
        0 if row is None else row.get("reporting", {}).get("overdue", 0)
        for row in (change.before, change.after)
    ]
    return overdue[1] > overdue[0]


def _event(happened: Happened) -> dict[str, Any]:
    return {
        "id": happened.id,
        "position": happened.position,
        "type": happened.type,
        "occurred_at": happened.occurred_at,
        "actor": actor_fields(happened.actor),
    }
