"""A plan of units that are ranked: offices, towns and a subdistrict."""

from typing import Any

from tests.support.api import Door
from tests.support.towns import CODE, PLAN, TOWNS
from tests.unit.scoring.builders import a_document, a_scheme, a_target, an_indicator

KINDS = ["town", "town", "subdistrict"]

UNITS = [
    *({"code": code, "name": f"局{code[-1]}", "kind": "unit"} for code in ("JU01", "JU02", "JU03")),
    *(
        {
            "code": code,
            "name": f"镇{code[-1]}",
            "kind": kind,
            "administrative_code": f"41018310{code[-1]}000",
        }
        for code, kind in zip(TOWNS, KINDS, strict=True)
    ),
]


def led_by(code: str, *owners: str, **more: Any) -> dict[str, Any]:
    target = a_target("at_least", 10, 2031, "≥10")
    return an_indicator(code, owners=list(owners), targets=[target], **more)


def own(unit: str, value: int) -> dict[str, Any]:
    return {**a_target("at_least", value, 2031, f"≥{value}"), "organization": unit}


INDICATORS = [
    led_by("A", "JU01"),
    led_by("B", "JU02"),
    led_by("C", "JU03"),
    led_by(
        "D",
        *TOWNS[:2],
        aggregation={"units": "sum"},
        unit_targets=[own("ZW01", 8), own("ZW02", 4)],
    ),
]


async def load(door: Door, **scheme: Any) -> None:
    document = a_document(
        *INDICATORS, code=CODE, organizations=UNITS, scheme=a_scheme(**scheme)
    ).model_dump(mode="json")
    async with door.client(door.admin_secret) as admin:
        loaded = await admin.post("/plans", json=document)
    assert loaded.status_code in {200, 201}, loaded.text


async def approve(door: Door, indicator: str, unit: str, value: str, *, returned: int = 0) -> None:
    body = {
        "indicator_code": indicator,
        "organization_code": unit,
        "period": "2031",
        "value": value,
    }
    async with await door.as_("reporter", unit) as clerk, await door.as_("office") as office:
        made = await clerk.post(f"{PLAN}/submissions", json=body)
        assert made.status_code == 201, made.text
        path = f"/submissions/{made.json()['id']}"
        for _ in range(returned):
            await office.post(f"{path}/return", json={"reason": "请核对"})
            await clerk.post(f"{path}/submit")
        assert (await office.post(f"{path}/approve")).status_code == 200
