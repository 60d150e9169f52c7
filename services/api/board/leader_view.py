"""Builds the words and figures of the leader's page from the data read. Pure."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Any

from services.api.alerts.late_views import LateOut
from services.api.board.charts import curve, waterfall
from services.api.board.figures import NONE, moved, percent, rounded, shown, signed
from services.api.board.leader_reading import LeaderReading
from services.api.board.rendering import draft_status, words
from services.core.alerts.late import LateCounts
from services.core.board.queries import PeriodStanding
from services.core.kit.decimals import total
from services.core.kit.text import Language, Text
from services.core.papers.sentences import period_name
from services.core.plan.state import PlanState
from services.core.plan.target_names import name_of_written
from services.core.scoring.adding_up import is_reached
from services.core.scoring.gate import listed_codes
from services.core.scoring.lights import LIGHT_SIGNS, LIGHTS

_MOST_PARTS = 8
_MOST_RANKED = 30
_MOST_IN_REASON = 5


def leader_view(
    read: LeaderReading, language: Language, *, only: Collection[str] | None = None
) -> dict[str, Any]:
    """Return the template's data for the leader's page; with `only` of these indicators alone.

    Other indicators are only counted.
    """
    board, plan = read.now_at.board, read.plan
    # Names, leads and bounds are those that the scoreboard was drawn by, whatever the plan says
    # now.
    drawn_by = read.now_at.plan
    rows = board["indicators"]
    lights = Counter(row["light"] for row in rows)
    return {
        "plan": plan.code,
        "city": plan.document.city.name,
        "title": plan.document.title,
        "status": draft_status(plan),
        "period": read.period.code,
        "periods": _periods(plan, read.period.code),
        "today": read.today,
        "position": read.now_at.position,
        "sentence": _sentence(read, lights).in_(language),
        "overall": _overall(board, drawn_by, language, only),
        "lights": [(light, LIGHT_SIGNS[light], lights[light]) for light in LIGHTS],
        "indicator_count": len(rows),
        "not_public": 0 if only is None else sum(row["code"] not in only for row in rows),
        "groups": _groups(board, drawn_by, language, only),
        "late": None if read.late is None else _late_by_unit(read.late),
        "late_count": read.late_counts.things,
        "late_more": read.late is not None and read.late_counts.things > len(read.late),
        "changes": _changes(read),
        "since": read.since,
        "curve": _curve(read.curve),
        "group_curves": _group_curves(read.curve, board["groups"]),
        "rankings": [_ranking(one, language) for one in read.rankings],
        "reporting": None if read.reporting is None else _ranking(read.reporting, language),
        "rule": drawn_by.document.scheme.lights,
        "provisional": sum(row["data_status"] == "provisional" for row in rows),
    }


def _sentence(read: LeaderReading, lights: Counter[str]) -> Text:
    """Return the one-sentence summary, in the words of official papers."""
    board, plan = read.now_at.board, read.plan
    overall, rows, day = board["overall"], board["indicators"], read.today
    met, called = sum(map(is_reached, rows)), period_name(read.period)
    zh = [f"截至{day.year}年{day.month}月{day.day}日，{plan.document.city.name}"]
    en = [f"As of {day.isoformat()}, {plan.document.city.name}"]
    if overall["score"] is None:
        zh.append(f"{called}“无废城市”建设尚无可评价的指标")
        en.append(f" has no indicator of {read.period.code} that can be assessed yet")
    else:
        grade = overall["grade_name"]
        covered = percent(overall["coverage"])
        zh.append(f"{called}“无废城市”建设得分{overall['display']}分")
        adjusted = overall.get("adjusted_display")
        zh.append(f"，扣分、加分后{adjusted}分" if adjusted else "")
        zh.append(f"（可评价权重占{covered}，{f'等级为{grade}' if grade else '尚不评定等级'}）")
        en.append(f" scores {overall['display']} points for {read.period.code}")
        en.append(f", {adjusted} after deductions and bonuses" if adjusted else "")
        graded = f"grade {grade}" if grade else "no grade yet"
        en.append(f" ({covered} of the weight can be assessed, {graded})")
        if _compared(read) is not None:
            step = moved((read.changes or {})["difference"])
            zh.append(f"，{step.zh}")
            en.append(f", {step.en}")
    zh.append(
        f"；{len(rows)}项指标中达到目标{met}项，绿灯{lights['green']}项、黄灯{lights['yellow']}项、"
        f"红灯{lights['red']}项、灰灯{lights['grey']}项"
    )
    en.append(
        f"; of {len(rows)} indicators {met} meet their target: {lights['green']} green,"
        f" {lights['yellow']} yellow, {lights['red']} red, {lights['grey']} grey"
    )
    if read.late is not None:
        told = _late_words(read.late, read.late_counts)
        zh.append(told.zh)
        en.append(told.en)
    return Text("".join(zh) + "。", "".join(en) + ".")


def _late_words(late: Sequence[LateOut], counts: LateCounts) -> Text:
    """Return how much is late, of how many units, naming the unit with the gravest item."""
    if not late:
        return Text("；无逾期事项", "; nothing is late")
    name, units, promised = late[0].organization_name, counts.units, counts.promised
    first = f"{name}等{units}个单位" if units > 1 else name
    others = f" and {units - 1} others" if units > 1 else ""
    what = "things are" if counts.things > 1 else "thing is"
    when = f"其中{promised}项已承诺完成日期" if promised else "均未承诺完成日期"
    said = f"{promised} with a date that was promised" if promised else "none with a promised date"
    return Text(
        f"；逾期{counts.things}项，涉及{first}，{when}",
        f"; {counts.things} {what} late, of {name}{others}, {said}",
    )


def _late_by_unit(late: Sequence[LateOut]) -> list[dict[str, Any]]:
    """Return late items by the unit that has to act, the longest delay first."""
    units: dict[str, list[LateOut]] = {}
    for one in late:
        units.setdefault(one.organization_name, []).append(one)
    found = [
        {
            "name": name,
            "since": min(one.late_since for one in each),
            "level": max(one.level for one in each),
            "days": max(one.days_overdue for one in each),
            "kinds": Counter(one.rule for one in each).most_common(),
            "items": sorted(each, key=lambda one: (one.late_since, one.title)),
            "promises": sorted(
                one.answer.promised_date
                for one in each
                if one.answer is not None and one.answer.promised_date is not None
            ),
            "answers": [one for one in each if one.answer is not None and one.answer.note],
        }
        for name, each in units.items()
    ]
    return sorted(found, key=lambda one: (one["since"], -len(one["items"])))


def _periods(plan: PlanState, chosen: str) -> list[str]:
    known = {*plan.periods, chosen, str(plan.document.last_target_year)}
    return sorted(known, reverse=True)


def _overall(
    board: Mapping[str, Any], plan: PlanState, language: Language, only: Collection[str] | None
) -> dict[str, Any]:
    overall = board["overall"]
    gate = overall["gate"]
    names = {row["code"]: _name_of(row, plan) for row in board["indicators"]}
    reasons = gate["reasons"]
    # The reasons name indicators, so they are hidden if the reader may not see one of those.
    if only is not None and not {*gate["mandatory_not_met"], *gate["falsified"]} <= {*only}:
        reasons = []
    name = "reason" if language == "zh-CN" else "reason_en"
    return {
        "display": overall["display"] or NONE,
        "adjusted": overall.get("adjusted_display"),
        "grade": overall["grade_name"],
        "coverage": percent(overall["coverage"]),
        "reasons": [_named(one[name], gate, names) for one in reasons if one[name]],
    }


def _named(reason: str, gate: Mapping[str, Any], names: Mapping[str, str]) -> str:
    """Return a reason with names of indicators for their codes, which no page shows."""
    for codes in (gate["mandatory_not_met"], gate["falsified"]):
        if not codes:
            continue
        told = [names.get(code, code) for code in codes]
        rest = len(told) - _MOST_IN_REASON
        zh = "、".join(told[:_MOST_IN_REASON]) + (f"等{len(told)}项" if rest > 0 else "")
        en = ", ".join(told[:_MOST_IN_REASON]) + (f" and {rest} others" if rest > 0 else "")
        reason = reason.replace(f"（{listed_codes(codes)}）", f"（{zh}）")
        reason = reason.replace(f"({listed_codes(codes)})", f"({en})")
    return reason


def _groups(
    board: Mapping[str, Any], plan: PlanState, language: Language, only: Collection[str] | None
) -> list[dict[str, Any]]:
    tiles: dict[str, list[dict[str, Any]]] = {}
    for row in board["indicators"]:
        if only is None or row["code"] in only:
            tiles.setdefault(row["group"], []).append(_tile(row, plan, language))
    return [
        {
            "code": group["code"],
            "name": group["name"],
            "display": group["display"] or NONE,
            "coverage": percent(group["coverage"]),
            "tiles": tiles.get(group["code"], []),
        }
        for group in board["groups"]
    ]


def _tile(row: Mapping[str, Any], plan: PlanState, language: Language) -> dict[str, Any]:
    leads = plan.leads.get(row["code"], ())
    return {
        "code": row["code"],
        "name": _name_of(row, plan),
        "light": row["light"],
        "sign": LIGHT_SIGNS[row["light"]],
        "value": row["display"],
        "unit": row["unit"],
        "state": row["state"],
        "target": name_of_written(row["target"]),
        "assigned": row["target"]["source"] == "assigned",
        "attainment": row["attainment"],
        "reason": row["reason" if language == "zh-CN" else "reason_en"],
        "provisional": row["data_status"] == "provisional",
        "leads": [plan.organization_name(code) for code in leads],
    }


def _name_of(row: Mapping[str, Any], plan: PlanState) -> str:
    """Return the printed name of an indicator."""
    known = plan.indicators.get(row["code"])
    return str(row["name"]) if known is None else known.printed_name


def _compared(read: LeaderReading) -> str | None:
    """Return the score that this one is compared with; None: one of the two is missing.

    A split counts a missing score as 0, but no page may show a rise from that.
    """
    found = read.changes
    if found is None or found["after"]["score"] is None or found["before"] is None:
        return None
    score: str | None = found["before"]["score"]
    return score


def _changes(read: LeaderReading) -> dict[str, Any] | None:
    """Return the change since last month as the steps of a waterfall, with its figures."""
    before, found = _compared(read), read.changes
    if before is None or found is None:
        return None
    moves = [_move(one) for one in found["indicators"] if Decimal(one["difference"])]
    moves += [
        {"code": "", "name": None, "points": Decimal(one["points"]), "causes": [one["kind"]]}
        for one in found["whole_plan"]
        if Decimal(one["points"])
    ]
    moves.sort(key=lambda one: (-abs(one["points"]), one["code"]))
    told, rest = moves[:_MOST_PARTS], moves[_MOST_PARTS:]
    if rest:
        points = total([one["points"] for one in rest])
        told.append({"code": "", "name": "", "points": points, "causes": [], "others": len(rest)})
    start, end = Decimal(before), Decimal(found["after"]["score"])
    bars, first, last = waterfall(start, [one["points"] for one in told], end)
    return {
        "before": found["before"]["display"],
        "after": found["after"]["display"],
        "difference": signed(found["difference"]),
        "first": first,
        "last": last,
        "parts": [
            {**one, "bar": bar, "shown": signed(one["points"]), "exact": f"{one['points']:f}"}
            for one, bar in zip(told, bars, strict=True)
        ],
    }


def _move(one: Mapping[str, Any]) -> dict[str, Any]:
    causes = sorted(one["causes"], key=lambda cause: -abs(Decimal(cause["points"])))
    kinds = list(dict.fromkeys(cause["kind"] for cause in causes if Decimal(cause["points"])))
    return {
        "code": one["code"],
        "name": one["name"],
        "points": Decimal(one["difference"]),
        "causes": kinds,
    }


def _broken(points: Sequence[PeriodStanding]) -> list[bool]:
    """Return for each period whether it was measured by another rule than the one before."""
    rules = [(one.plan_version, one.method, one.method_version) for one in points]
    return [number > 0 and rule != rules[number - 1] for number, rule in enumerate(rules)]


def _curve(points: Sequence[PeriodStanding]) -> dict[str, Any] | None:
    if len(points) < 2:  # noqa: PLR2004 (one point is no curve)
        return None
    values = [one.overall["score"] for one in points]
    broken = _broken(points)
    drawn = curve(
        [one.period for one in points],
        [None if value is None else Decimal(value) for value in values],
        broken,
    )
    return {
        "drawn": drawn,
        "rows": [
            {
                "period": one.period,
                "score": one.overall["display"] or NONE,
                "coverage": percent(one.overall["coverage"]),
                "broken": is_broken,
                "version": one.plan_version,
            }
            for one, is_broken in zip(points, broken, strict=True)
        ],
    }


def _group_curves(
    points: Sequence[PeriodStanding], groups: Sequence[Mapping[str, Any]]
) -> dict[str, str]:
    """Return by group the points of a sparkline, in a box of 120 by 24."""
    found = {}
    for group in groups:
        scores = [
            next((one["score"] for one in point.groups if one["code"] == group["code"]), None)
            for point in points
        ]
        known = [(at, Decimal(score)) for at, score in enumerate(scores) if score is not None]
        if len(known) > 1:
            step = Decimal(118) / (len(scores) - 1)
            found[group["code"]] = " ".join(
                f"{rounded(1 + at * step)},{rounded(23 - score * 22 / 100)}" for at, score in known
            )
    return found


def kind_name(kind: str, language: Language) -> str:
    """Return the name of a kind of unit; the plan's own kinds are named as written."""
    known = words().get(f"kind_{kind}")
    return kind if known is None else known.in_(language)


def _ranking(one: Mapping[str, Any], language: Language) -> dict[str, Any]:
    reason = "reason" if language == "zh-CN" else "reason_en"
    kinds = Counter(each["comparable_group"] for each in one["items"])
    why = Counter(each[reason] for each in one["not_ranked"])
    return {
        "group": one["group"],
        "tables": [
            {
                "kind_name": kind_name(kind, language),
                "rows": [
                    {**each, "bar": shown(each["score"]) if each["score"] else "0"}
                    for each in one["items"]
                    if each["comparable_group"] == kind
                ][:_MOST_RANKED],
                "more": max(0, kinds[kind] - _MOST_RANKED),
            }
            for kind in kinds
        ],
        "not_ranked": [
            {
                "reason": said,
                "count": count,
                "names": [
                    each["organization_name"] for each in one["not_ranked"] if each[reason] == said
                ][:6],
            }
            for said, count in why.items()
        ],
    }
