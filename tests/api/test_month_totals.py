"""Month totals of hazardous waste: by sheet, held together, confirmed only where they do."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from services.core.plan.rules import read_document
from tests.support.api import XINMI, Door, open_door, xinmi
from tests.support.registers import credit_code

PLAN = f"/plans/{XINMI}"
MONTHS = f"{PLAN}/registers/HW-MONTH/rows"
MANIFESTS = f"{PLAN}/registers/HW-MANIFEST/rows"
KEEPER = "UN05"
CODE = credit_code(77)
SHEET = {"Content-Type": "application/octet-stream"}
HEADINGS = (
    "填报单位,月份,统一社会信用代码,单位名称,废物代码,期初贮存量（吨）,产生量（吨）,"
    "自行利用处置量（吨）,委外转移量（吨）,期末贮存量（吨）"
)


@pytest.fixture
async def ledger(database_url: str) -> AsyncIterator[Door]:
    """The API with an empty ledger."""
    async with open_door(database_url) as door:
        yield door


def month(said: str, *amounts: str | None, **changes: Any) -> dict[str, Any]:
    names = ("opening", "generated", "treated", "transferred", "closing")
    values = {
        "month": said,
        "credit_code": CODE,
        "enterprise": "示例",
        "waste_code": "900-249-08",
        **dict(zip(names, amounts, strict=True)),
        **changes,
    }
    return {
        "organization_code": KEEPER,
        "values": {name: value for name, value in values.items() if value is not None},
    }


def manifest(number: str, amount: str, **changes: Any) -> dict[str, Any]:
    values = {
        "manifest_number": number,
        "month": "2025-09",
        "moved_on": "2025-09-12",
        "credit_code": CODE,
        "waste_code": "900-249-08",
        "receiver": "示例处置",
        "amount": amount,
        **changes,
    }
    return {"organization_code": KEEPER, "values": values}


async def written(client: httpx.AsyncClient, path: str, row: dict[str, Any]) -> str:
    answer = await client.post(path, json=row)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def refusals(client: httpx.AsyncClient, path: str, row: dict[str, Any]) -> set[Any]:
    answer = await client.post(path, json=row)
    assert answer.status_code == 422, answer.text
    return {
        (one["pointer"].removeprefix("/values/"), one["code"]) for one in answer.json()["errors"]
    }


async def test_a_month_is_confirmed_once_it_goes_on_from_the_last_and_its_manifests_say_so(
    ledger: Door,
) -> None:
    async with await ledger.as_("reporter", KEEPER) as unit, await ledger.as_("office") as office:
        august = await written(unit, MONTHS, month("2025-08", "0", "0.70", "0", "0", "0.70"))
        assert (await office.post(f"/register-rows/{august}/confirm")).status_code == 200
        row = month("2025-09", "0.50", "3.20", "0", "3.00", "0.70")
        september = await written(unit, MONTHS, row)
        path = f"/register-rows/{september}"
        found = (await unit.get(f"{path}/findings")).json()["findings"]
        assert [(one["check_code"], one["outcome"]) for one in found] == [
            ("carried-over", "broken"),
            ("manifests", "broken"),
            ("stored-over-a-year", "unknown"),
        ]
        assert (found[0]["left"], found[0]["right"]) == ("0.5", "0.7")
        assert "generated@2025-07" in found[2]["missing"]
        refused = await office.post(f"{path}/confirm")
        assert refused.status_code == 422
        faults = {(one["pointer"], one["code"]) for one in refused.json()["errors"]}
        assert faults == {
            ("/values/opening", "check-broken"),
            ("/values/transferred", "check-broken"),
        }
        moved = [
            await written(unit, MANIFESTS, manifest(number, amount))
            for number, amount in (("410183-1", "1.00"), ("410183-2", "2.00"))
        ]
        mended = {"values": {"opening": "0.70", "closing": "0.90"}}
        answer = await unit.patch(path, json=mended, headers={"If-Match": "*"})
        assert answer.status_code == 200, answer.text
        left = (await office.get(f"{path}/findings")).json()["findings"]
        assert [one["check_code"] for one in left] == ["stored-over-a-year"]
        (early,) = (await office.post(f"{path}/confirm")).json()["errors"]
        assert (early["pointer"], early["code"]) == ("/values/transferred", "check-broken")
        assert "right is 0" in early["detail"], "drafts may be withdrawn yet"
        assert early["detail"].endswith("confirm the rows first that it rests upon")
        for one in moved:
            assert (await office.post(f"/register-rows/{one}/confirm")).status_code == 200
        assert (await office.post(f"{path}/confirm")).status_code == 200
        left = (await office.get(f"{path}/findings")).json()["findings"]
    assert [one["check_code"] for one in left] == ["stored-over-a-year"]


async def found_by(client: httpx.AsyncClient, row_id: str) -> dict[str, tuple[Any, ...]]:
    answer = await client.get(f"/register-rows/{row_id}/findings")
    assert answer.status_code == 200, answer.text
    found = answer.json()["findings"]
    return {one["check_code"]: (one["outcome"], one["left"], one["right"]) for one in found}


async def test_the_superior_learns_nothing_of_what_is_not_confirmed(ledger: Door) -> None:
    async with (
        await ledger.as_("reporter", KEEPER) as unit,
        await ledger.as_("office") as office,
        await ledger.as_("superior") as superior,
    ):
        august = await written(unit, MONTHS, month("2025-08", "0", "0.70", "0", "0", "0.70"))
        assert (await office.post(f"/register-rows/{august}/confirm")).status_code == 200
        moved = await written(unit, MANIFESTS, manifest("410183-1", "3.00"))
        assert (await office.post(f"/register-rows/{moved}/confirm")).status_code == 200
        row = month("2025-09", "0.70", "3.20", "0", "3.00", "0.90")
        september = await written(unit, MONTHS, row)
        assert (await office.post(f"/register-rows/{september}/confirm")).status_code == 200
        await written(unit, MANIFESTS, manifest("410183-2", "9.00"))
        later = {"values": {"opening": "0.10", "closing": "0.80"}}
        path = f"/register-rows/{august}"
        edited = await unit.patch(path, json=later, headers={"If-Match": "*"})
        assert edited.status_code == 200, edited.text
        known, told = await found_by(office, september), await found_by(superior, september)
    unknown = {"stored-over-a-year": ("unknown", None, None)}
    assert told == unknown
    assert known == {
        "carried-over": ("broken", "0.7", "0.8"),
        "manifests": ("broken", "3", "12"),
        **unknown,
    }


@pytest.mark.parametrize(
    ("led", "sums"), [(["HW-MONTH"], None), (["HW-MONTH", "HW-MANIFEST"], "9")]
)
async def test_a_lead_is_told_sums_of_registers_that_it_leads(
    ledger: Door, led: list[str], sums: str | None
) -> None:
    document = xinmi().model_dump(mode="json", exclude_none=True)
    for one in document["registers"]:
        if one["code"] in led:
            one["leads"] = ["UN22"]
    await ledger.load(read_document(document))
    await ledger.forget_everything()
    async with (
        await ledger.as_("reporter", KEEPER) as unit,
        await ledger.as_("lead", "UN22") as lead,
        await ledger.as_("office") as office,
    ):
        await written(unit, MONTHS, month("2025-08", "0", "0.70", "0", "0", "0.70"))
        moved = await written(unit, MANIFESTS, manifest("410183-2", "9.00"))
        assert (await office.post(f"/register-rows/{moved}/confirm")).status_code == 200
        row = month("2025-09", "0.50", "3.20", "0", "3.00", "0.70")
        september = await written(unit, MONTHS, row)
        told, own = await found_by(lead, september), await found_by(unit, september)
        refused = await lead.post(f"/register-rows/{september}/confirm")
    assert own["manifests"] == ("broken", "3", "9")
    assert told["manifests"] == ("broken", None if sums is None else "3", sums)
    assert told["carried-over"] == ("broken", "0.5", "0.7"), "rows of the register that it leads"
    assert refused.status_code == 422, refused.text
    faults = {one["pointer"]: str(one) for one in refused.json()["errors"]}
    assert ("right is 9" in faults["/values/transferred"]) is (sums is not None)
    assert "委外转移量等于" in faults["/values/transferred"]
    assert "0.7" in faults["/values/opening"]


async def test_each_fault_of_a_month_and_of_a_manifest_is_named(ledger: Door) -> None:
    async with await ledger.as_("reporter", KEEPER) as unit:
        amounts = ("1.50", "8.50", "0", "8.10", "1.90")
        blank = await refusals(unit, MONTHS, month("2025-09", "1.50", None, "0", "8.10", "1.90"))
        assert blank == {("generated", "missing")}, "a blank is named, and is no 0"
        unbalanced = await refusals(unit, MONTHS, month("2025-09", *amounts[:4], "1.80"))
        assert unbalanced == {("opening", "check-broken")}
        for wrong in ("HW08", "900-249-41", "900-249-99", "9002-49-08"):
            said = month("2025-09", *amounts, waste_code=wrong)
            assert await refusals(unit, MONTHS, said) == {("waste_code", "waste-code")}
        for wrong in ("2025-13", "2025", "2025-9", "1989-12"):
            assert await refusals(unit, MONTHS, month(wrong, *amounts)) == {("month", "month")}
        await written(unit, MONTHS, month("2025-09", *amounts))
        outside = manifest("1", "1", moved_on="2025-10-01")
        assert await refusals(unit, MANIFESTS, outside) == {("moved_on", "outside-month")}
        await written(unit, MANIFESTS, manifest("410183-9", "1"))
        again = await unit.post(
            MANIFESTS, json=manifest("410183-9", "2", credit_code=credit_code(5))
        )
    assert (again.status_code, again.json()["code"]) == (409, "register-row-exists")


async def sent(client: httpx.AsyncClient, *lines: str) -> dict[str, Any]:
    content = "\n".join(lines).encode()
    answer = await client.post(f"{MONTHS}/sheet", content=content, headers=SHEET)
    return {"status": answer.status_code, **answer.json()}


def line(said: str, code: str, *amounts: str) -> str:
    return ",".join(("郑州市生态环境局新密分局", said, CODE, "示例", code, *amounts))


async def test_a_sheet_whose_totals_are_what_its_columns_come_to_is_taken(ledger: Door) -> None:
    rows = (
        line("2025年9月", "900-249-08", "0.50", "3.20", "0", "3.00", "0.70"),
        line("2025-09", "900-041-49", "1.00", "5.30", "0", "5.10", "1.20"),
    )
    async with await ledger.as_("reporter", KEEPER) as unit:
        wrong = await sent(unit, HEADINGS, *rows, "合计,,,,,1.50,8.50,0,8.10,1.80")
        other_unit = HEADINGS.replace("产生量（吨）", "产生量（千克）")
        kilograms = await sent(unit, other_unit, *rows)
    async with await ledger.as_("reporter", KEEPER) as unit:
        right = await sent(unit, HEADINGS, *rows, "合计,,,,,1.50,8.50,0,8.10,1.90")
        listed = (await unit.get(MONTHS)).json()["items"]
    (fault,) = wrong["errors"]
    assert (wrong["status"], fault["code"], fault["value"]) == (422, "total-differs", "1.8")
    assert (
        fault["detail"] == "Row 4: the total of 期末贮存量 is 1.8, and the rows above come to 1.9"
    )
    assert kilograms["status"] == 422
    assert {one["code"] for one in kilograms["errors"]} == {"unknown-column"}
    assert (right["rejected"], right["created"], len(right["items"])) == (0, 2, 2)
    assert {one["values"]["month"] for one in listed} == {"2025-09"}


async def test_months_are_measured_in_the_periods_that_they_lie_in(ledger: Door) -> None:
    async with await ledger.as_("reporter", KEEPER) as unit, await ledger.as_("office") as office:
        for said, amount in (("2025-06", "1.5"), ("2025-07", "2"), ("2025-09", "4.25")):
            row = month(said, "0", amount, amount, "0", "0")
            made = await written(unit, MONTHS, row)
            confirmed = await office.post(f"/register-rows/{made}/confirm")
            assert confirmed.status_code == 200, confirmed.text
        values = {}
        for period in ("2025-Q2", "2025-Q3", "2025"):
            answer = await office.get(
                f"{PLAN}/registers/HW-MONTH/measures", params={"period": period}
            )
            by_code = {one["measure_code"]: one["value"] for one in answer.json()["items"]}
            values[period] = by_code["generated"]
    assert values == {"2025-Q2": "1.5", "2025-Q3": "6.25", "2025": "7.75"}
