"""A plan with checks at entry, and figures reported by it: K1 blocks, K2 wants a reason, K3 warns.

Every test takes a year of its own, so that no figure of another stands beside its own.
"""

from collections.abc import Iterator
from datetime import date
from itertools import count
from typing import Any

import httpx

from tests.support import plans
from tests.support.api import Door

CHECKED = f"/plans/{plans.TRIAL}/submissions"
_years: Iterator[int] = count(1992)

SUM = {"units": "sum", "periods": "sum"}
RULES = [
    {
        "code": "K1",
        "name": "利用量不超过产生量",
        "name_en": "no more is used than arises",
        "left": [{"indicator": "W1"}],
        "operator": "<=",
        "right": [{"indicator": "W2"}],
        "advice": {"zh": "请核对两项的统计口径", "en": "see what either of them counts"},
    },
    {
        "code": "K2",
        "name": "转出量与接收量相符",
        "left": [{"indicator": "W3"}],
        "operator": "==",
        "right": [{"indicator": "W4", "organization": "UN16"}],
        "importance": "warn",
        "needs_justification": True,
    },
    {
        "code": "K3",
        "name": "其中资源化量",
        "left": [{"indicator": "X2"}],
        "operator": "<=",
        "right": [{"indicator": "W1"}],
        "missing": "never_skip",
        "importance": "warn",
    },
]
BALANCES = [
    {
        "code": "HW",
        "name": "危险废物平衡",
        "inflows": ["B1"],
        "outflows": ["B2"],
        "closing": "B3",
        "tolerance": "0.01",
    }
]


def load_checked(door: Door) -> Any:
    """Load the plan into the city of a door."""
    amounts = [
        plans.an_indicator(code, unit="吨", frequency="monthly", aggregation=SUM)
        for code in ("W1", "W2", "W3", "B1", "B2", "B3", "X1", "X2")
    ]
    others = plans.an_indicator(
        "W4", unit="吨", frequency="monthly", aggregation=SUM, owners=["UN16"]
    )
    watched = plans.an_indicator(
        "O1", unit="吨", frequency="monthly", aggregation=SUM, entry_checks={"outlier": {}}
    )
    span = {"start": date(1990, 1, 1), "end": date(2027, 12, 31)}
    document = plans.a_plan(
        *amounts, others, watched, span=span, check_rules=RULES, balances=BALANCES
    )
    return plans.load(door, document)


def a_year() -> int:
    """Return a year that no other test of this module uses."""
    return next(_years)


def a_figure(code: str, period: str, value: object, **more: Any) -> dict[str, Any]:
    """Return a figure of UN15 for a period as it is reported."""
    said = None if value is None else str(value)
    return {
        "indicator_code": code,
        "organization_code": "UN15",
        "period": period,
        "value": said,
        **more,
    }


async def reports(client: httpx.AsyncClient, *figures: dict[str, Any]) -> list[dict[str, Any]]:
    """Report figures one after the other; each must be taken."""
    made = []
    for one in figures:
        answer = await client.post(CHECKED, json=one)
        assert answer.status_code == 201, answer.text
        made.append(answer.json())
    return made


def faults(answer: httpx.Response) -> list[tuple[str, str]]:
    """Return pointer and code of the faults of a refusal."""
    assert answer.status_code == 422, answer.text
    return [(one["pointer"], one["code"]) for one in answer.json()["errors"]]
