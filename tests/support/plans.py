"""Plans for tests of the API: the scheme and units of Xinmi's, with indicators of one's own."""

from datetime import date
from typing import Any

from services.core.identity.actor import system
from services.core.plan.document import PlanDocument
from services.core.plan.loading import load_plan
from services.core.plan.rules import read_document
from tests.support.api import Door, xinmi

TRIAL = "410183-trial"


def an_indicator(code: str, **changes: Any) -> dict[str, Any]:
    """Return an indicator of the plan format: annual, of one unit, at least 90 % by 2027."""
    return {
        "code": code,
        "name": f"指标{code}",
        "printed_name": f"指标{code}",
        "group": "R",
        "level1": "源头减量",
        "level2": "工业",
        "selection": "mandatory",
        "unit": "%",
        "targets": [{"year": 2027, "kind": "at_least", "value": "90", "text": "≥90"}],
        "direction": "higher_better",
        "owners": ["UN15"],
        "owner_text": "城管局",
        **changes,
    }


def a_plan(*indicators: dict[str, Any], **changes: Any) -> PlanDocument:
    """Return a plan that runs from 2025 to 2027, with these indicators and no tasks."""
    document = xinmi().model_dump(mode="json")
    return read_document(
        {
            **document,
            "code": TRIAL,
            "span": {"start": date(2025, 1, 1), "end": date(2027, 12, 31)},
            "groups": [{"code": "R", "name": "源头减量"}],
            "indicators": list(indicators),
            "tasks": [],
            "open_questions": [],
            "registers": [],
            **changes,
        }
    )


async def load(door: Door, document: PlanDocument) -> None:
    """Load a plan, or a new version of it, into the city of a door, and let it be heard of."""
    async with door.held.database.transaction() as session:
        now = door.held.clock.now()
        await load_plan(session, document=document, actor=system("test"), now=now)
        door.held.plans.changed(session, document.code)
    await door.react()
