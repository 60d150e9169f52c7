"""Loads a plan document: as a new plan, as a new version, or as no change."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy import delete, insert
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.calendars.service import begin_calendar
from services.core.events.service import NewEvent, begin_log, record
from services.core.identity.models import Organization, Tenant
from services.core.identity.queries import organizations_by_code
from services.core.kit.database import lock_name
from services.core.kit.errors import Fault
from services.core.kit.text import Text
from services.core.plan import queries
from services.core.plan.document import OrganizationEntry, PlanDocument
from services.core.plan.errors import InvalidPlan
from services.core.plan.leads import leads_of, owner_of, units_of
from services.core.plan.models import (
    IndicatorLead,
    IndicatorOwner,
    MeasureUnit,
    Plan,
    PlanVersion,
    RegisterLead,
    ScoreSheetVersion,
    SheetAssessor,
)
from services.core.plan.written import DEFAULT_YEAR_BEGINS

_NEVER = object()
"""Stands for the owner of an indicator that no earlier version had."""

LoadOutcome = Literal["created", "new_version", "unchanged"]


@dataclass(frozen=True, slots=True)
class Loaded:
    """The result of loading a document."""

    outcome: LoadOutcome
    city_code: str
    plan_code: str
    version: int


async def load_plan(
    session: AsyncSession,
    *,
    document: PlanDocument,
    actor: Mapping[str, object],
    now: datetime,
    whole_city: bool = True,
) -> Loaded:
    """Store a document: as a new plan or a new version; an unchanged one is not stored again.

    Without `whole_city` nothing but this plan changes.

    Raises:
        InvalidPlan: it renames an organization that another plan of the city defines, changes more
            than the plan without permission, or begins its years on another day than before.
    """
    city_code = document.city.code
    stored = document.model_dump(mode="json")
    digest = hashlib.sha256(json.dumps(stored, sort_keys=True).encode()).digest()
    # Two concurrent loads of one plan would both count up from the same version.
    await lock_name(session, document.code)
    present = await queries.version_and_digest(session, city_code, document.code)
    if present is not None and (
        present[1] == digest or await _says(session, document, present[0], stored)
    ):
        return Loaded("unchanged", city_code, document.code, present[0])
    if present is not None:
        await _check_years(session, document, present[0])
    version = present[0] + 1 if present else 1
    await _write_city(session, document, whole_city=whole_city)
    await _write_organizations(session, document, whole_city=whole_city)
    if version == 1:
        await begin_calendar(session, city_code=city_code, actor=actor, now=now)
    await _write_version(session, document, stored, digest, version, actor, now)
    (event_id,) = await record(
        session,
        NewEvent(
            city_code=city_code,
            plan_code=document.code,
            type="plan.published",
            subject_kind="plan",
            subject_id=document.code,
            organization_code=None,
            actor=actor,
            data={"version": version, "title": document.title, "status": document.status},
            occurred_at=now,
        ),
    )
    await _write_owners(session, document, version, event_id)
    return Loaded("created" if version == 1 else "new_version", city_code, document.code, version)


async def _says(
    session: AsyncSession, document: PlanDocument, version: int, stored: Mapping[str, object]
) -> bool:
    """Return whether a version of a plan, as parsed today, equals the document to be stored.

    A format that has grown since has members that the version lacks: then the digests differ
    although nobody changed the plan. A version that can no longer be parsed counts as different.
    """
    try:
        earlier = await queries.plan_document(session, document.city.code, document.code, version)
    except ValidationError:
        return False
    return earlier.model_dump(mode="json") == stored


async def _check_years(session: AsyncSession, document: PlanDocument, version: int) -> None:
    """Refuse another start of years: periods are stored by code, so their days would change."""
    said = await queries.year_begins(session, document.city.code, document.code, version)
    before = said or DEFAULT_YEAR_BEGINS
    if document.fiscal_year_begins != before:
        words = Text(
            f"本计划的年度自 {before} 起，各周期已按此填报，不能更改；"
            "如确需更改，请以新的计划代码载入",
            f"The years of this plan begin on {before}, and its periods were reported by them:"
            " write that, or load the plan under another code",
        )
        fault = Fault("/fiscal_year_begins", "years-fixed", words, document.fiscal_year_begins)
        raise InvalidPlan(faults=[fault])


async def _write_city(session: AsyncSession, document: PlanDocument, *, whole_city: bool) -> None:
    code, name = document.city.code, document.city.name
    if not whole_city:
        present = await session.get(Tenant, code)
        if present is not None and present.name != name:
            other = Text(
                f"本密钥只限本计划，城市名称仍为“{present.name}”",
                f"A key of this plan does not rename the city: write “{present.name}”",
            )
            raise InvalidPlan(faults=[Fault("/city/name", "city-of-other-plans", other, name)])
    await session.execute(
        upsert(Tenant)
        .values(city_code=code, name=name)
        .on_conflict_do_update(index_elements=["city_code"], set_={"name": name})
    )
    await begin_log(session, code)


async def _write_organizations(
    session: AsyncSession, document: PlanDocument, *, whole_city: bool
) -> None:
    city_code = document.city.code
    codes = [entry.code for entry in document.organizations]
    present = {
        unit.code: unit
        for unit in await organizations_by_code(session, city_code=city_code, codes=codes)
    }
    faults = [
        Fault(
            f"/organizations/{index}/name",
            "organization-defined-by-another-plan",
            Text(
                f"计划 {present[entry.code].defined_by} 已将该代码用于“{present[entry.code].name}”",
                f"Plan {present[entry.code].defined_by} uses this code for"
                f" “{present[entry.code].name}”",
            ),
            entry.name,
        )
        for index, entry in enumerate(document.organizations)
        if entry.code in present
        and present[entry.code].defined_by != document.code
        and (
            present[entry.code].name != entry.name
            or not (whole_city or _is_same(present[entry.code], entry))
        )
    ]
    if faults:
        raise InvalidPlan(faults=faults)
    rows = [
        {
            "city_code": city_code,
            "ordinal": ordinal,
            "defined_by": document.code,
            **entry.model_dump(mode="python"),
            "aliases": list(entry.aliases),
            "members": list(entry.members),
        }
        for ordinal, entry in enumerate(document.organizations)
        if whole_city or _is_own(present.get(entry.code), document)
    ]
    if not rows:
        return
    # `defined_by` is not updated: only the plan that named an organization first may rename it.
    statement = upsert(Organization).values(rows)
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["city_code", "code"],
            set_={
                name: statement.excluded[name]
                for name in rows[0]
                if name not in {"city_code", "code", "defined_by"}
            },
        )
    )


def _is_same(present: Organization, entry: OrganizationEntry) -> bool:
    """Return whether a document describes an organization exactly as stored."""
    told = entry.model_dump(mode="python") | {
        "aliases": list(entry.aliases),
        "members": list(entry.members),
    }
    return all(getattr(present, name) == value for name, value in told.items())


def _is_own(present: Organization | None, document: PlanDocument) -> bool:
    return present is None or present.defined_by == document.code


async def _write_version(
    session: AsyncSession,
    document: PlanDocument,
    stored: Mapping[str, object],
    digest: bytes,
    version: int,
    actor: Mapping[str, object],
    now: datetime,
) -> None:
    place = {"city_code": document.city.code, "plan_code": document.code}
    await session.execute(
        upsert(Plan)
        .values(city_code=document.city.code, code=document.code, version=version)
        .on_conflict_do_update(index_elements=["city_code", "code"], set_={"version": version})
    )
    await session.execute(
        insert(PlanVersion).values(
            **place,
            version=version,
            document=stored,
            digest=digest,
            loaded_at=now,
            loaded_by=actor,
        )
    )
    await session.execute(
        delete(IndicatorLead).where(
            IndicatorLead.city_code == document.city.code,
            IndicatorLead.plan_code == document.code,
        )
    )
    # Leads are in the document already. They are also stored as rows, always those of the version
    # in force, because the SQL conditions on what a caller sees query them in every list.
    leads = [
        {**place, "organization_code": unit, "indicator_code": indicator.code}
        for indicator in document.indicators
        for unit in leads_of(indicator)
    ]
    if leads:
        await session.execute(insert(IndicatorLead), leads)
    await session.execute(
        delete(MeasureUnit).where(
            MeasureUnit.city_code == document.city.code, MeasureUnit.plan_code == document.code
        )
    )
    units = {entry.code: entry for entry in document.organizations}
    parts = [
        {**place, "organization_code": unit, "measure_code": measure.code, "part": part}
        for task in document.tasks
        for measure in task.measures
        for unit, part in units_of(measure, units).items()
    ]
    if parts:
        await session.execute(insert(MeasureUnit), parts)
    await session.execute(
        delete(RegisterLead).where(
            RegisterLead.city_code == document.city.code, RegisterLead.plan_code == document.code
        )
    )
    confirming = [
        {**place, "organization_code": unit, "register_code": register.code}
        for register in document.registers
        for unit in register.leads
    ]
    if confirming:
        await session.execute(insert(RegisterLead), confirming)
    await _write_sheets(session, document, version, now)


async def _write_sheets(
    session: AsyncSession, document: PlanDocument, version: int, now: datetime
) -> None:
    """Store the assessors of each sheet, and a new version of each sheet that changed."""
    city_code = document.city.code
    place = {"city_code": city_code, "plan_code": document.code}
    await session.execute(
        delete(SheetAssessor).where(
            SheetAssessor.city_code == city_code, SheetAssessor.plan_code == document.code
        )
    )
    assessing = [
        {**place, "organization_code": unit, "sheet_code": sheet.code}
        for sheet in document.score_sheets
        for unit in sheet.assessors
    ]
    if assessing:
        await session.execute(insert(SheetAssessor), assessing)
    before = await queries.sheets_last(session, city_code, document.code)
    made = []
    for sheet in document.score_sheets:
        content = sheet.model_dump(mode="json")
        number, was = before.get(sheet.code, (0, None))
        if content != was:
            told = {"content": content, "plan_version": version, "made_at": now}
            made.append({**place, "sheet_code": sheet.code, "version": number + 1, **told})
    if made:
        await session.execute(insert(ScoreSheetVersion), made)


async def _write_owners(
    session: AsyncSession, document: PlanDocument, version: int, event_id: UUID
) -> None:
    """Record the unit whose value is the city's from this version on, wherever it changed."""
    city_code = document.city.code
    before = await queries.owners_last(session, city_code, document.code)
    units = {entry.code: entry for entry in document.organizations}
    rows = [
        {
            "city_code": city_code,
            "plan_code": document.code,
            "indicator_code": indicator.code,
            "version": version,
            "organization_code": owner,
            "event_id": event_id,
        }
        for indicator in document.indicators
        if (owner := owner_of(indicator, units)) != before.get(indicator.code, _NEVER)
    ]
    if rows:
        await session.execute(insert(IndicatorOwner), rows)
