"""Pydantic schemas of a form: the values a unit is asked for, prefilled with what is known."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field

from services.api.plan.evidence_schemas import RequiredFilesOut, required_files
from services.api.submissions.schemas import SubmissionOut, submission_fields
from services.core.identity.actor import Actor
from services.core.imports.suggestions import FormCell, Suggestion, SuggestionSource
from services.core.kit.decimals import plain_or_none
from services.core.obligations.queries import ObligationView
from services.core.observations.models import Observation
from services.core.plan.periods import Period
from services.core.plan.state import PlanState
from services.core.submissions.rules import SubmissionState


class FormLevelOut(BaseModel):
    """A level that a qualitative indicator may be reported at."""

    code: str = Field(description="Its code: what a submission says")
    name: str = Field(description="Its name, for people")


class OwedOut(BaseModel):
    """That the value is owed, and until when."""

    id: UUID = Field(description="Id of the obligation")
    status: str = Field(description="As of the obligation: `expected`, `met`, `late`, `missing`")
    due_date: date = Field(description="The last day on which it is in time")


class SuggestionOut(BaseModel):
    """An earlier value that may be taken over; nobody takes it over by itself."""

    source: SuggestionSource = Field(
        description="`last-period`: of the period before; `last-year`: of the same one a year ago"
    )
    period: str = Field(description="The period that it was reported for")
    submission_id: UUID = Field(description="The submission that it comes from")
    state: SubmissionState = Field(description="Where that stands: an approved one is surest")
    value: str | None = Field(description="Exact; computed where it was reported in parts")
    numerator: str | None = Field(description="As reported, exact")
    denominator: str | None = Field(description="As reported, exact")
    level: str | None = Field(description="Code of the level")
    not_applicable_reason: str | None = Field(description="Why there was no value")
    origin: str | None = Field(description="Where the figure came from, as it was said then")
    decided_at: datetime | None = Field(description="When it was approved; null: it is not")


class FormObservationOut(BaseModel):
    """What another source says of a value that is asked for."""

    id: UUID = Field(description="Id of the observation")
    source_code: str = Field(description="Code of the source")
    source_name: str = Field(description="Its name; its code where the plan has it no longer")
    reference: str = Field(description="The source's own name of this figure and of its version")
    value: str | None = Field(description="Exact; computed where it was given in parts")
    numerator: str | None = Field(description="As given, exact")
    denominator: str | None = Field(description="As given, exact")
    level: str | None = Field(description="Code of the level")
    not_applicable_reason: str | None = Field(description="Why, by the source, there is no value")
    observed_at: datetime | None = Field(
        description="When the source says that it measured or closed it; proves nothing"
    )
    recorded_at: datetime = Field(description="When this figure came in")


class FormCellOut(BaseModel):
    """One value that the unit is asked for."""

    indicator_code: str = Field(description="Code of the indicator")
    indicator_name: str = Field(description="Its name as printed")
    unit: str = Field(description="The indicator's unit of measure, such as `%`")
    definition: str | None = Field(description="How it is computed, as printed")
    levels: list[FormLevelOut] = Field(description="Of a qualitative one; else empty")
    evidence: RequiredFilesOut | None = Field(
        description="Files that must be added before it is handed in; null: none is asked for"
    )
    owed: OwedOut | None = Field(
        description="Null: it is not asked for, and was reported all the same, or the period was"
        " not opened yet"
    )
    submission: SubmissionOut | None = Field(
        description="What the unit said of it so far, such as its own draft; null: nothing"
    )
    suggestions: list[SuggestionOut] = Field(description="Earlier values, the nearest first")
    observations: list[FormObservationOut] = Field(
        description="What other sources say of this very value, the newest first; may be taken over"
        " too"
    )


class FormOut(BaseModel):
    """What a unit is asked for in a period, in the plan's order, with what is known of it."""

    plan: str = Field(description="Code of the plan")
    plan_version: int = Field(description="The version of the plan that asks")
    organization_code: str = Field(description="The unit that fills it in")
    organization_name: str = Field(description="Its name")
    period: str = Field(description="`2025`, `2025-H1`, `2025-Q3` or `2025-09`")
    due_date: date | None = Field(description="Until when; null: the period was not opened yet")
    asked: int = Field(description="How many values are asked for")
    reported: int = Field(description="How many of them were handed in")
    prefilled: int = Field(description="How many of the others have a draft or a suggestion")
    cells: list[FormCellOut] = Field(description="The values, in the plan's order")


def form_fields(
    found: Iterable[FormCell],
    owed: Mapping[str, ObligationView],
    *,
    plan: PlanState,
    unit: str,
    period: Period,
    actor: Actor,
) -> dict[str, Any]:
    """Return a form as `FormOut` has it."""
    shown = [_cell(one, owed.get(one.indicator.code), plan, actor) for one in found]
    waiting = [one for one in shown if not _handed_in(one)]
    return {
        "plan": plan.code,
        "plan_version": plan.version,
        "organization_code": unit,
        "organization_name": plan.organization_name(unit),
        "period": period.code,
        "due_date": plan.due_date(period.code),
        "asked": len(shown),
        "reported": len(shown) - len(waiting),
        "prefilled": sum(_is_prefilled(one) for one in waiting),
        "cells": shown,
    }


def _is_prefilled(cell: Mapping[str, Any]) -> bool:
    return any(cell[name] for name in ("submission", "suggestions", "observations"))


def _handed_in(cell: Mapping[str, Any]) -> bool:
    return cell["submission"] is not None and cell["submission"]["state"] != "draft"


def _cell(
    cell: FormCell, owed: ObligationView | None, plan: PlanState, actor: Actor
) -> dict[str, Any]:
    indicator, said = cell.indicator, cell.submission
    return {
        "indicator_code": indicator.code,
        "indicator_name": indicator.printed_name,
        "unit": indicator.unit,
        "definition": None if indicator.formula is None else indicator.formula.expression,
        "levels": [{"code": one.code, "name": one.name} for one in indicator.levels],
        "evidence": required_files(indicator.evidence),
        "owed": None if owed is None else _owed(owed),
        "submission": None if said is None else submission_fields(vars(said), plan, actor),
        "suggestions": [_suggestion(one) for one in cell.suggestions],
        "observations": [_observation(one, plan) for one in cell.observations],
    }


def _observation(row: Observation, plan: PlanState) -> dict[str, Any]:
    return {
        "id": row.id,
        "source_code": row.source_code,
        "source_name": plan.source_name(row.source_code),
        "reference": row.reference,
        "value": plain_or_none(row.value),
        "numerator": plain_or_none(row.numerator),
        "denominator": plain_or_none(row.denominator),
        "level": row.level,
        "not_applicable_reason": row.not_applicable_reason,
        "observed_at": row.observed_at,
        "recorded_at": row.updated_at,
    }


def _owed(owed: ObligationView) -> dict[str, Any]:
    return {"id": owed.id, "status": owed.status, "due_date": owed.due_date}


def _suggestion(suggestion: Suggestion) -> dict[str, Any]:
    row = suggestion.submission
    return {
        "source": suggestion.source,
        "period": suggestion.period,
        "submission_id": row.id,
        "state": row.state,
        "value": plain_or_none(row.value),
        "numerator": plain_or_none(row.numerator),
        "denominator": plain_or_none(row.denominator),
        "level": row.level,
        "not_applicable_reason": row.not_applicable_reason,
        "origin": row.source,
        "decided_at": row.decided_at if row.state == "approved" else None,
    }
