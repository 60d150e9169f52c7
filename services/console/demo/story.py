"""The month that the demonstration walks: who does what on which day, as data.

January 2026: the year 2025 is to be reported by the 31st, and one milestone fails and recovers.
Names of people are fictitious; every text says that it is a demonstration.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from string import ascii_uppercase, digits
from typing import Any
from zoneinfo import ZoneInfo

from services.console.demo.stage import PLAN, Stage
from services.console.prepare import first_plan
from services.core.kit.clock import Clock
from services.core.plan.document import Indicator, PlanDocument
from services.core.plan.leads import leads_of
from services.core.registers.judging import is_credit_code

_ZONE = ZoneInfo("Asia/Shanghai")
_FIRST, _LAST = date(2026, 1, 5), date(2026, 2, 6)
_MORNING, _NOON = time(9, 5), time(11, 30)

DAYS = [_FIRST + timedelta(days=number) for number in range((_LAST - _FIRST).days + 1)]
"""The days of the month, including rest days."""

FIRST_MORNING = datetime.combine(_FIRST, _MORNING, _ZONE)

_LINK_KEPT = 30
_LABEL = "【演示】"
_NOTE = "演示数据，非实际上报"
_PERIOD = "2025"
OFFICE, _LEAD, _UNIT = "领导小组办公室", "市城管局", "市供销社"
_LEAD_CODE, _UNIT_CODE = "UN15", "UN39"
_LATE = frozenset({"U07"})
"""Indicators that nobody reports in time."""

_FACTORIES, _KEEPER, _COUNTED = f"{PLAN}/registers/GREEN-FACTORY/rows", "UN22", "R04"
_REGISTERED, _HANDED_IN, _REVOKED = date(2026, 1, 14), date(2026, 1, 15), date(2026, 1, 28)
_NUMBER_OF_FACTORIES = 16
"""The plan's target."""


def demonstration_plan() -> PlanDocument:
    """Return Xinmi's plan, marked as a demonstration in its title, status and notes."""
    plan = first_plan()
    return plan.model_copy(
        update={
            "title": f"{_LABEL}{plan.title}",
            "status_text": f"{plan.status_text}（演示数据）",
            "notes": (*plan.notes, _NOTE),
        }
    )


@dataclass(frozen=True, slots=True)
class Deed:
    """An actor's call of the API; `{milestone}` and the like are filled in."""

    who: str
    path: str
    body: Mapping[str, Any] = field(default_factory=dict)
    remember: str | None = None
    method: str = "POST"


_STORY: Mapping[date, tuple[Deed, ...]] = {
    date(2026, 1, 5): (
        Deed(OFFICE, f"{PLAN}/periods/{_PERIOD}/open"),
        Deed(
            _LEAD,
            f"{PLAN}/milestones",
            {
                "measure_code": "5.1",
                "organization_code": _UNIT_CODE,
                "title": f"{_LABEL}再生资源分拣中心完成选址",
                "deliverable": "选址意见书",
                "due_date": "2026-01-21",
                "weight": "1",
            },
            remember="milestone",
        ),
    ),
    date(2026, 1, 6): (Deed(_UNIT, "/milestones/{milestone}/accept"),),
    date(2026, 1, 13): (
        Deed(
            _UNIT,
            "/milestones/{milestone}/progress",
            {"percent": "40", "narrative": f"{_LABEL}已踏勘两处", "problems": "权属待确认"},
        ),
    ),
    date(2026, 1, 27): (
        Deed(
            _UNIT,
            "/milestones/{milestone}/extensions",
            {"proposed_date": "2026-02-13", "reason": f"{_LABEL}权属确认尚需两周"},
            remember="extension",
        ),
    ),
    date(2026, 1, 30): (
        Deed(
            _LEAD,
            "/extensions/{extension}/approve",
            {"granted_date": "2026-02-05", "reason": f"{_LABEL}同意部分延期"},
        ),
    ),
    date(2026, 2, 4): (
        Deed(
            _UNIT,
            "/milestones/{milestone}/progress",
            {"percent": "100", "narrative": f"{_LABEL}选址意见书已取得"},
        ),
        Deed(_UNIT, "/milestones/{milestone}/complete", {"narrative": f"{_LABEL}申请办结"}),
    ),
    date(2026, 2, 5): (
        Deed(
            _LEAD,
            "/milestones/{milestone}/close",
            {"grade": "good", "comment": f"{_LABEL}办结"},
        ),
    ),
}


async def walk(stage: Stage) -> AsyncIterator[date]:
    """Walk the month day by day, and yield each day when it is done."""
    await _cast(stage)
    known: dict[str, str] = {}
    for day in DAYS:
        stage.set_clock(datetime.combine(day, _MORNING, _ZONE))
        await stage.let_time_act()
        stage.set_clock(datetime.combine(day, _NOON, _ZONE))
        for deed in _STORY.get(day, ()):
            answer = await stage.ask(deed.who, deed.method, deed.path.format(**known), deed.body)
            if deed.remember is not None:
                known[deed.remember] = answer["id"]
        if day in _SCENES:
            await _SCENES[day](stage)
        for indicator in _reported_on(day):
            await _report(stage, indicator)
        await stage.let_time_act()
        yield day


async def _cast(stage: Stage) -> None:
    """Make a key for every actor."""
    plan = first_plan()
    names = {unit.code: unit.name for unit in plan.organizations if unit.submits}
    reporters = {unit for indicator in plan.indicators for unit in leads_of(indicator)[:1]}
    await _enter(stage, OFFICE, "office", None)
    await _enter(stage, _LEAD, "lead", _LEAD_CODE)
    await _enter(stage, _UNIT, "reporter", _UNIT_CODE)
    for code in sorted(reporters & set(names)):
        await _enter(stage, code, "reporter", code)


async def _enter(stage: Stage, name: str, role: str, unit: str | None) -> None:
    body = {"name": f"{_LABEL}{name}", "role": role, "organization_code": unit}
    made = await stage.ask("管理员", "POST", "/api-keys", body)
    await stage.enter(name, made["secret"])


def _reported_on(day: date) -> list[Indicator]:
    """Return the indicators reported on a day: each has its working day in January."""
    indicators = [
        indicator
        for indicator in first_plan().indicators
        if indicator.frequency == "annual"
        and indicator.code not in {*_LATE, _COUNTED}
        and _reporter(indicator)
    ]
    days = [one for one in DAYS if one.month == 1 and one.weekday() < 5 and one > _FIRST]  # noqa: PLR2004
    return [one for number, one in enumerate(indicators) if days[number % len(days)] == day]


def _reporter(indicator: Indicator) -> str | None:
    submits = {unit.code for unit in first_plan().organizations if unit.submits}
    return next((unit for unit in leads_of(indicator)[:1] if unit in submits), None)


async def _report(stage: Stage, indicator: Indicator) -> None:
    """Let the unit report a value and the office approve it."""
    unit = _reporter(indicator)
    body = {
        "indicator_code": indicator.code,
        "organization_code": unit,
        "period": _PERIOD,
        "source": _NOTE,
        **_value(indicator),
    }
    made = await stage.ask(str(unit), "POST", f"{PLAN}/submissions", body)
    await stage.ask(OFFICE, "POST", f"/submissions/{made['id']}/approve", {})


def _value(indicator: Indicator) -> dict[str, str]:
    """Return the value that a unit reports: the target if that is a number, else the table's."""
    if indicator.levels:
        return {"level": indicator.levels[0].code}
    target = indicator.targets[-1].value
    if target is None and indicator.baseline is not None:
        target = indicator.baseline.value
    return {"value": "1" if target is None else str(target)}


async def _acknowledge(stage: Stage) -> None:
    """Let the unit answer the alerts on its milestone with a promise."""
    alerts = await stage.ask(_UNIT, "GET", f"{PLAN}/alerts?state=open")
    for alert in alerts["items"]:
        if "acknowledge" in alert["allowed_actions"]:
            await stage.ask(
                _UNIT,
                "POST",
                f"/alerts/{alert['id']}/acknowledge",
                {"note": f"{_LABEL}正在确认权属", "promised_date": "2026-01-30"},
            )


async def _register(stage: Stage) -> None:
    """Let a unit enter its green factories, and the office confirm them."""
    rows = [
        {
            "organization_code": _KEEPER,
            "values": {
                "credit_code": _credit_code(number),
                "enterprise": f"{_LABEL}企业{number:02}",
                "level": "provincial",
                "named_on": "2025-03-20",
            },
        }
        for number in range(_NUMBER_OF_FACTORIES)
    ]
    made = await stage.ask(_KEEPER, "POST", f"{_FACTORIES}/batch", {"items": rows})
    for row in made["items"]:
        await stage.ask(OFFICE, "POST", f"/register-rows/{row['id']}/confirm")


def _credit_code(number: int) -> str:
    """Return a fictitious unified social credit code with a valid check character."""
    body = f"91410183MA9999{number:03}"
    return next(body + sign for sign in ascii_uppercase + digits if is_credit_code(body + sign))


async def _hand_in(stage: Stage) -> None:
    """Let the unit hand in the value that its register proposes, and the office approve it."""
    asked = f"indicator_code={_COUNTED}&period={_PERIOD}"
    drafts = await stage.ask(_KEEPER, "GET", f"{PLAN}/submissions?{asked}")
    for draft in drafts["items"]:
        await stage.ask(_KEEPER, "POST", f"/submissions/{draft['id']}/submit")
        await stage.ask(OFFICE, "POST", f"/submissions/{draft['id']}/approve", {})


async def _revoke(stage: Stage) -> None:
    """Let the office revoke one factory; the approved figure stays, beside a conflict."""
    rows = await stage.ask(OFFICE, "GET", f"{_FACTORIES}?page_size=1")
    said = {"reason": f"{_LABEL}移出绿色工厂名单", "ended_on": "2025-06-30"}
    await stage.ask(OFFICE, "POST", f"/register-rows/{rows['items'][0]['id']}/revoke", said)


_SCENES: Mapping[date, Callable[[Stage], Awaitable[None]]] = {
    _REGISTERED: _register,
    _HANDED_IN: _hand_in,
    date(2026, 1, 26): _acknowledge,
    _REVOKED: _revoke,
}
"""Scenes that depend on the ledger's answers, by day."""


async def bulletin(stage: Stage) -> dict[str, bytes]:
    """Have a bulletin of the year made, and return its files by name."""
    wanted = {"kind": "bulletin", "period": _PERIOD, "document_number": f"{_LABEL}第1期"}
    await stage.ask(OFFICE, "POST", f"{PLAN}/papers", wanted)
    await stage.make_papers()
    (made,) = (await stage.ask(OFFICE, "GET", f"{PLAN}/papers"))["items"]
    return {
        f"演示通报.{one['format']}": await stage.file(OFFICE, one["path"]) for one in made["files"]
    }


async def link_to_the_board(stage: Stage) -> str:
    """Return the path of a read-only link to the leader's page, valid for 30 days."""
    made = await stage.ask(
        OFFICE,
        "POST",
        f"{PLAN}/board-links",
        {
            "name": f"{_LABEL}看板",
            "expires_at": (Clock.true_now() + timedelta(days=_LINK_KEPT)).isoformat(),
        },
    )
    return str(made["path"])
