"""Traces: a case and its verdict as JSON, from which the verdict can be recomputed.

A trace is bounded: it has sums over units, not the units, which `counting.contributions` lists.
`scoring.explanation` puts it in words.
"""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from decimal import Decimal
from hashlib import blake2b
from typing import Any

from pydantic_core import to_json

from services.core.kit.decimals import plain, plain_or_none
from services.core.plan.document import Lights
from services.core.scoring.aggregation import Operands, Operators
from services.core.scoring.comparables import BaselineValue, Comparable
from services.core.scoring.figures import Figure
from services.core.scoring.judgement import (
    Case,
    Method,
    Verdict,
)
from services.core.scoring.owed import NOTHING_OWED, Absent, OwedParts
from services.core.scoring.targets import Asked, Target
from services.core.scoring.time_gone import MONTHS_IN_YEAR

Trace = Mapping[str, Any]
"""JSON; decimals are plain text."""


def trace_of(case: Case, verdict: Verdict) -> dict[str, Any]:
    """Return everything that a verdict depends on, and the verdict."""
    return {
        "indicator": case.indicator,
        "period": case.period,
        "operators": {
            "units": case.operators.units,
            "periods": case.operators.periods,
            "multiplier": plain(case.operators.multiplier),
            "by_level": case.operators.by_level,
        },
        "operands": None if case.own is None else _operands_out(case.own),
        "finer_periods": [_operands_out(part) for part in case.parts],
        "finer_periods_missing": list(case.absent),
        "previous": _previous_out(case.previous),
        "target": target_out(case.target),
        "at_target_date": case.at_target_date,
        "target_date_passed": case.target_date_passed,
        "levels": [
            {"code": code, "name": name, "points": plain(points)}
            for code, name, points in case.levels
        ],
        "growth_is_positive": case.growth_is_positive,
        "lower_better": case.lower_better,
        "all_or_nothing": case.all_or_nothing,
        "baseline": None
        if case.baseline is None
        else {"year": case.baseline.year, "value": plain_or_none(case.baseline.value)},
        "months": {
            "elapsed": case.elapsed_months,
            "whole": case.whole_months,
            "of_sum": case.months_of_sum,
            "begun": case.begun,
            **({"beyond_target": True} if case.beyond_target else {}),
        },
        "questions": {"pace": case.pace_question, "verdict": case.verdict_question},
        "reporting": {
            "status": case.reporting,
            "due_date": case.due_date,
            "owed": _owed_out(case.owed),
        },
        "scheme": _method_out(case.method),
        "result": result_of(verdict),
    }


def digest_of(trace: Trace) -> str:
    """Return the digest of a trace: 128 bits of its JSON, in hexadecimal."""
    return blake2b(to_json(trace), digest_size=16).hexdigest()


def result_of(verdict: Verdict) -> dict[str, Any]:
    """Return a verdict as JSON, with the value, numerator and denominator that it is based on."""
    figure, pace = verdict.reading.figure, verdict.pace
    return {
        "state": verdict.state,
        "value": None if figure is None else plain(figure.value),
        "numerator": None if figure is None else plain(figure.top),
        "denominator": None if figure is None else plain(figure.bottom),
        "level": verdict.reading.level,
        "met": verdict.met,
        "attainment": plain_or_none(verdict.attainment),
        "rule": verdict.rule,
        "share": None if pace is None else plain(pace.share),
        "expected": None if pace is None else plain(pace.expected),
        "pace": None if pace is None else plain(pace.ratio.value),
        "light": verdict.light,
        "reason_code": verdict.reason,
        "provisional": verdict.provisional,
        "falsified": verdict.falsified,
    }


def case_of(trace: Trace) -> Case:
    """Rebuild the case of a trace; members that an old trace lacks get their defaults.

    Judging the case of a stored trace gives the result that is stored with it.
    """
    baseline, own = trace["baseline"], trace["operands"]
    operators = trace["operators"]
    return Case(
        indicator=trace["indicator"],
        period=trace["period"],
        operators=Operators(
            operators["units"],
            operators["periods"],
            Decimal(operators["multiplier"]),
            operators["by_level"],
        ),
        own=None if own is None else _operands_in(own),
        parts=tuple(_operands_in(part) for part in trace["finer_periods"]),
        absent=tuple(trace["finer_periods_missing"]),
        previous=_previous_in(trace["previous"]),
        target=target_in(trace["target"]),
        at_target_date=trace["at_target_date"],
        levels=tuple(
            (level["code"], level["name"], Decimal(level["points"])) for level in trace["levels"]
        ),
        growth_is_positive=trace["growth_is_positive"],
        baseline=None
        if baseline is None
        else BaselineValue(baseline["year"], number_of(baseline["value"])),
        elapsed_months=trace["months"]["elapsed"],
        whole_months=trace["months"]["whole"],
        pace_question=trace["questions"]["pace"],
        verdict_question=trace["questions"]["verdict"],
        reporting=trace["reporting"]["status"],
        due_date=trace["reporting"]["due_date"],
        method=_method_in(trace["scheme"]),
        months_of_sum=trace["months"].get("of_sum"),
        beyond_target=trace["months"].get("beyond_target", False),
        begun=trace["months"].get("begun", True),
        target_date_passed=trace.get("target_date_passed", True),
        lower_better=trace.get("lower_better", False),
        all_or_nothing=trace.get("all_or_nothing", False),
        owed=_owed_in(trace["reporting"].get("owed")),
    )


def number_of(text: str | None) -> Decimal | None:
    """Return the number of a JSON text; None stays None."""
    return None if text is None else Decimal(text)


def _operands_out(operands: Operands) -> dict[str, Any]:
    """Return operands as JSON without empty members, so that a trace stays short."""
    written: dict[str, Any] = {"period": operands.period, "reports": operands.reports}
    if operands.values:
        written |= {"values": operands.values, "value_sum": plain_or_none(operands.value_sum)}
    if operands.ratios:
        written |= {
            "ratios": operands.ratios,
            "numerator_sum": plain_or_none(operands.numerator_sum),
            "denominator_sum": plain_or_none(operands.denominator_sum),
        }
    if operands.quotients:
        written |= {
            "plain_sum": plain_or_none(operands.plain_sum),
            "quotients": [[plain(top), plain(bottom)] for top, bottom in operands.quotients],
        }
    if operands.unparted:
        written["unparted"] = list(operands.unparted)
    if operands.levels:
        written["levels"] = list(operands.levels)
    if operands.not_applicable:
        written |= {
            "not_applicable": operands.not_applicable,
            "not_applicable_reason": operands.not_applicable_reason,
        }
    if operands.finer:
        written["finer"] = [_operands_out(part) for part in operands.finer]
    for name in ("provisional", "falsified", "organization_code"):
        value = getattr(operands, name)
        if value:
            written[name] = value
    return written


def _operands_in(written: Mapping[str, Any]) -> Operands:
    sums = ("value_sum", "plain_sum", "numerator_sum", "denominator_sum")
    return Operands(
        **{
            **written,
            **{name: number_of(written[name]) for name in sums if name in written},
            "levels": tuple(written.get("levels", ())),
            "unparted": tuple(written.get("unparted", ())),
            "finer": tuple(_operands_in(part) for part in written.get("finer", ())),
            "quotients": tuple(
                (Decimal(top), Decimal(bottom)) for top, bottom in written.get("quotients", ())
            ),
        }
    )


def _previous_out(previous: Comparable | None) -> dict[str, Any] | None:
    if previous is None:
        return None
    return {
        "period": previous.period,
        "numerator": plain(previous.figure.top),
        "denominator": plain(previous.figure.bottom),
        "source": previous.source,
        **({"lacking": list(previous.lacking)} if previous.lacking else {}),
    }


def _previous_in(written: Mapping[str, Any] | None) -> Comparable | None:
    if written is None:
        return None
    figure = Figure(Decimal(written["numerator"]), Decimal(written["denominator"]))
    lacking = tuple(written.get("lacking", ()))
    return Comparable(written["period"], figure, written["source"], lacking)


def _owed_out(owed: OwedParts) -> dict[str, Any]:
    written = {**asdict(owed), "absent": [asdict(each) for each in owed.absent]}
    del written["late"]
    if not owed.end_unasked:
        del written["end_unasked"]
    return written


def _owed_in(written: Mapping[str, Any] | None) -> OwedParts:
    if written is None:
        return NOTHING_OWED
    return OwedParts(**{**written, "absent": tuple(Absent(**each) for each in written["absent"])})


def target_out(target: Target) -> dict[str, Any]:
    """Return a target as JSON, without empty members."""
    written: dict[str, Any] = {
        "year": target.year,
        "kind": target.kind,
        "value": plain_or_none(target.value),
        "text": target.text,
        "source": target.source,
    }
    if target.upper is not None:
        written["upper"] = plain(target.upper)
    if target.conditions:
        written["conditions"] = [_asked_out(each) for each in target.conditions]
    if target.ends is not None:
        written["date"] = target.ends.isoformat()
    if target.months != MONTHS_IN_YEAR:
        written["months"] = target.months
    if target.source == "assigned":
        written |= {
            "sequence": target.sequence,
            "document_number": target.document_number,
            "document_date": target.document_date,
        }
    return written


def target_in(written: Mapping[str, Any]) -> Target:
    """Read a target from its JSON."""
    known = {name: each for name, each in written.items() if name != "date"}
    day = written.get("date")
    return Target(
        **{
            **known,
            "value": number_of(written["value"]),
            "upper": number_of(written.get("upper")),
            "conditions": tuple(_asked_in(each) for each in written.get("conditions", ())),
            "ends": None if day is None else date.fromisoformat(day),
        }
    )


def _asked_out(asked: Asked) -> dict[str, Any]:
    return {
        "kind": asked.kind,
        "value": plain_or_none(asked.value),
        "upper": plain_or_none(asked.upper),
    }


def _asked_in(written: Mapping[str, Any]) -> Asked:
    return Asked(written["kind"], number_of(written["value"]), number_of(written["upper"]))


def _method_out(method: Method) -> dict[str, Any]:
    return {
        "name": method.name,
        "version": method.version,
        "floor": plain(method.floor),
        "incomplete": method.incomplete,
        "display_places": method.places,
        "green_pace": plain(method.lights.green_pace),
        "yellow_pace": plain(method.lights.yellow_pace),
        "provisional_green_to_yellow": method.lights.provisional_green_to_yellow,
    }


def _method_in(written: Mapping[str, Any]) -> Method:
    return Method(
        name=written["name"],
        version=written["version"],
        floor=Decimal(written["floor"]),
        incomplete=written.get("incomplete", "missing"),
        places=written["display_places"],
        lights=Lights(
            green_pace=Decimal(written["green_pace"]),
            yellow_pace=Decimal(written["yellow_pace"]),
            provisional_green_to_yellow=written["provisional_green_to_yellow"],
        ),
    )
