"""Validates a request for a paper before anything is written."""

from uuid import UUID

from services.api.context import WriteSession
from services.api.papers.schemas import PaperIn
from services.core.kit.errors import Fault, InvalidInput
from services.core.kit.nearest import with_closest
from services.core.kit.text import Text
from services.core.papers.paper_kinds import ABOUT, KINDS, is_form, is_pack
from services.core.plan.errors import PublicationNotFound
from services.core.plan.periods import Period
from services.core.plan.queries import publication as publication_of
from services.core.plan.state import PlanState
from services.core.plan.unknown_codes import parsed_period, unknown_indicator
from services.core.scoring.models import ScoreSnapshot
from services.core.scoring.queries import latest_board


def wish_faults(body: PaperIn) -> list[Fault]:
    """Return the members of a request for a paper that contradict each other, as faults."""
    faults = []
    possible = ABOUT[body.kind]
    if possible and body.about is None:
        said = Text(
            f"{KINDS[body.kind].zh}须说明针对什么：{'、'.join(possible)}",
            f"Say what it is about: one of {', '.join(possible)}",
        )
        faults.append(Fault("/about", "about-required", said))
    elif body.about is not None and body.about.kind not in possible:
        faults.append(_not_about(body.about.kind, body))
    if is_form(body.kind):
        given = {"period": body.period, "publication": body.publication, "position": body.position}
        said = Text(
            f"{KINDS[body.kind].zh}针对一件事项的现状，不填此项",
            "A form is about one matter as it stands: leave this out",
        )
        faults += [
            Fault(f"/{name}", "not-for-kind", said, value)
            for name, value in given.items()
            if value is not None
        ]
    elif body.publication is not None and body.position is not None:
        faults.append(Fault("/publication", "not-with-position", _ONE, body.publication))
    return faults


def _not_about(kind: str, body: PaperIn) -> Fault:
    possible = ABOUT[body.kind]
    if not possible:
        said = Text("此类文件针对整个方案，不填 about", "It is about the whole plan: leave it out")
        return Fault("/about", "not-for-kind", said, kind)
    said = Text(
        f"此类文件可针对：{'、'.join(possible)}", f"It is about one of {', '.join(possible)}"
    )
    return Fault("/about/kind", "not-for-kind", said, kind)


_ONE = Text(
    "publication 与 position 只能给一个：各指定一张得分表",
    "Give `publication` or `position`, not both: each names a scoreboard",
)
_A_YEAR = Text("自评报告按年度制作，请填年份，如 2025", "It is of a year: name one, such as 2025")
_NOTHING = Text(
    "该周期尚无得分表：请换一个已有数据的周期，或在有数据审核通过后再试",
    "The period has no scoreboard yet: name another one, or try again when values were approved",
)


async def board_for(
    session: WriteSession, plan: PlanState, body: PaperIn
) -> tuple[Period, ScoreSnapshot]:
    """Return the scoreboard that a paper is to be based on, and its period.

    Raises:
        InvalidInput: the period has none.
        PublicationNotFound: nothing was published under the number, or another period was.
    """
    period = plan.period_calendar.year(plan.document.last_target_year)
    if body.period is not None:
        period = parsed_period(plan, body.period, "/period")
    if body.publication is not None:
        published = await publication_of(session, plan.city_code, plan.code, body.publication)
        if published is None or (body.period is not None and period.code != published.period):
            raise PublicationNotFound
        period = plan.period_calendar.period(published.period)
    if is_pack(body.kind) and period.frequency != "annual":
        raise InvalidInput(faults=[Fault("/period", "not-a-year", _A_YEAR, period.code)])
    found = await latest_board(
        session,
        plan.city_code,
        plan.code,
        period=period.code,
        basis="approved",
        publication=body.publication,
        position=body.position,
    )
    if found is None and body.publication is not None:
        raise PublicationNotFound
    if found is None:
        raise InvalidInput(faults=[Fault("/period", "nothing-scored", _NOTHING, period.code)])
    return period, found


def check_part(plan: PlanState, body: PaperIn, board: ScoreSnapshot) -> None:
    """Refuse a part of the plan that is not on the scoreboard.

    Raises:
        InvalidInput: there is no such group or indicator; the nearest ones are named.
    """
    if body.about is None:
        return
    code, rows = body.about.id, board.board["indicators"]
    if body.about.kind == "indicator" and all(row["code"] != code for row in rows):
        raise InvalidInput(faults=[unknown_indicator(plan, "/about/id", code)])
    if body.about.kind == "group" and all(row["group"] != code for row in rows):
        shown = {
            name: f"{group.code}（{group.name}）"
            for group in plan.document.groups
            for name in (group.name, group.code)
        }
        said = with_closest(_NO_GROUP, code, shown)
        raise InvalidInput(faults=[Fault("/about/id", "unknown-group", said, code)])


_NO_GROUP = Text("计划中没有该分组", "The plan has no such group")


def about_matter(kind: str, named: str) -> str | None:
    """Return a matter as papers refer to it; None: its id is invalid."""
    try:
        return f"{kind}/{UUID(named)}"
    except ValueError:
        return None


def matter_unknown(named: str) -> Fault:
    """Return the fault of an unknown matter."""
    said = Text(
        "计划中没有该事项：请填里程碑、报送任务或预警的编号",
        "The plan has no such matter: give the id of a milestone, an obligation or an alert",
    )
    return Fault("/about/id", "matter-not-found", said, named)


def matter_in_time(named: str) -> Fault:
    """Return the fault of a matter that requires no action."""
    said = Text(
        "该事项没有逾期，或预警已解除，无须督办；如需反馈单，kind 请填 feedback",
        "It is not late, or its alert is resolved, so there is nothing to supervise; a form of"
        " feedback is `feedback`",
    )
    return Fault("/about/id", "matter-not-late", said, named)
