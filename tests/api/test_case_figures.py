"""Cases come in as counts by month, never as persons: a rate is proposed, and 0 of 0 is none."""

from typing import Any

import httpx
import pytest

from tests.support.api import XINMI, Door
from tests.support.doors import with_2025_open as ledger

__all__ = ["ledger"]  # fixtures

PLAN = f"/plans/{XINMI}"


CRIMES = {"transferred": 4, "accepted": 4, "filed": 3, "not_filed": 1}
COMPLAINTS = {"source": "hotline", "received": 9, "due": 8, "on_time": 7, "closed": 8, "open": 1}
CLAIMS = {"found": 6, "eligible": 4, "started": 3, "settled": 2, "restored": 1}
INSPECTIONS = {"inspections": 20, "double_random": 15, "problems": 4, "rectified": 3}


async def written(
    client: httpx.AsyncClient, register: str, unit: str, values: dict[str, Any]
) -> httpx.Response:
    said = {"organization_code": unit, "values": {"month": "2025-03", **values}}
    return await client.post(f"{PLAN}/registers/{register}/rows", json=said)


@pytest.mark.parametrize(
    ("register", "unit", "values", "indicator", "fraction"),
    [
        ("CRIMINAL-CASES", "UN09", CRIMES, "G11", ("3", "4")),
        ("COMPLAINTS", "UN05", COMPLAINTS, "G12", ("8", "9")),
        ("DAMAGE-CLAIMS", "UN05", CLAIMS, "G13", ("3", "4")),
    ],
)
async def test_counts_by_month_propose_the_rate_of_the_year(
    ledger: Door,
    register: str,
    unit: str,
    values: dict[str, Any],
    indicator: str,
    fraction: tuple[str, str],
) -> None:
    none = {name: 0 if isinstance(value, int) else value for name, value in values.items()}
    async with await ledger.as_("reporter", unit) as keeper, await ledger.as_("office") as office:
        for month, said in (("2025-03", values), ("2025-04", none)):
            made = await written(keeper, register, unit, {**said, "month": month})
            assert made.status_code == 201, made.text
            answer = await office.post(f"/register-rows/{made.json()['id']}/confirm")
            assert answer.status_code == 200, answer.text
        await ledger.react()
        asked = {"indicator_code": indicator, "period": "2025"}
        (draft,) = (await office.get(f"{PLAN}/submissions", params=asked)).json()["items"]
    assert draft["state"] == "draft"
    assert (draft["numerator"], draft["denominator"]) == fraction


async def test_no_case_at_all_gives_no_rate(ledger: Door) -> None:
    async with await ledger.as_("reporter", "UN09") as keeper, await ledger.as_("office") as office:
        made = await written(keeper, "CRIMINAL-CASES", "UN09", dict.fromkeys(CRIMES, 0))
        await office.post(f"/register-rows/{made.json()['id']}/confirm")
        await ledger.react()
        asked = {"indicator_code": "G11", "period": "2025"}
        (draft,) = (await office.get(f"{PLAN}/submissions", params=asked)).json()["items"]
    assert (draft["value"], draft["numerator"], draft["denominator"]) == (None, "0", "0")


@pytest.mark.parametrize(
    ("register", "unit", "values", "wrong", "broken"),
    [
        ("CRIMINAL-CASES", "UN09", CRIMES, {"filed": 4}, "filed"),
        ("COMPLAINTS", "UN05", COMPLAINTS, {"open": 2}, "closed"),
        ("COMPLAINTS", "UN05", COMPLAINTS, {"on_time": 9}, "on_time"),
        ("DAMAGE-CLAIMS", "UN05", CLAIMS, {"started": 5}, "started"),
        ("INSPECTIONS", "UN05", INSPECTIONS, {"double_random": 21}, "double_random"),
    ],
)
async def test_a_part_is_never_more_than_its_whole(
    ledger: Door,
    register: str,
    unit: str,
    values: dict[str, Any],
    wrong: dict[str, int],
    broken: str,
) -> None:
    async with await ledger.as_("reporter", unit) as keeper:
        right = await written(keeper, register, unit, {**values, "month": "2025-05"})
        answer = await written(keeper, register, unit, {**values, **wrong})
    assert right.status_code == 201, right.text
    assert answer.status_code == 422
    faults = {(one["pointer"], one["code"]) for one in answer.json()["errors"]}
    assert (f"/values/{broken}", "check-broken") in faults


@pytest.mark.parametrize("person", ["张三", "13800138000", "410183199001010011", 13800138000])
@pytest.mark.parametrize(
    ("register", "unit", "values", "column"),
    [
        ("CRIMINAL-CASES", "UN09", CRIMES, "transferred"),
        ("COMPLAINTS", "UN05", COMPLAINTS, "received"),
        ("COMPLAINTS", "UN05", COMPLAINTS, "source"),
        ("DAMAGE-CLAIMS", "UN05", CLAIMS, "found"),
        ("INSPECTIONS", "UN05", INSPECTIONS, "month"),
        ("CRIMINAL-CASES", "UN09", CRIMES, "name"),
    ],
)
async def test_no_person_can_be_written_anywhere_and_none_is_repeated(
    ledger: Door, register: str, unit: str, values: dict[str, Any], column: str, person: Any
) -> None:
    async with await ledger.as_("reporter", unit) as keeper:
        answer = await written(keeper, register, unit, {**values, column: person})
    assert answer.status_code == 422
    pointers = {one["pointer"] for one in answer.json()["errors"]}
    assert f"/values/{column}" in pointers
    assert str(person) not in answer.text
