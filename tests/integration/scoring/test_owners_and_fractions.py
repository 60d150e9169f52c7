"""Values count by the owners of their time, and ratios of units are added without rounding."""

from datetime import date
from typing import Any

import pytest

from tests.integration.scoring.ledger import Ledger
from tests.unit.scoring.builders import a_document, a_target, an_indicator

G07: dict[str, Any] = {
    "targets": [a_target(value=9, year=2024), a_target(value=11)],
    "unit": "万吨",
}


def owned_by(*units: str, **changes: Any) -> Any:
    return a_document(an_indicator(**(G07 | changes), owners=list(units)), title=" ".join(units))


async def _values(ledger: Ledger) -> list[str | None]:
    found = [await ledger.row(period=year) for year in ("2024", "2025")]
    return [row["value"] for row in found]


async def _handed_over(ledger: Ledger) -> None:
    await ledger.load(owned_by("UN04"))
    await ledger.report(10, unit="UN04", period="2024")
    await ledger.report(12, unit="UN04", period="2025")
    await ledger.follow()
    await ledger.load(owned_by("UN02"))
    await ledger.follow()


async def test_an_indicator_that_changes_hands_keeps_its_past(ledger: Ledger) -> None:
    await ledger.load(owned_by("UN04"))
    for year in ("2024", "2025"):
        await ledger.move(year, "open", due_date=date(2026, 3, 31))
    await _handed_over(ledger)
    assert await _values(ledger) == ["10", "12"]
    row = await ledger.row(period="2025")
    assert (row["state"], row["met"], row["light"]) == ("scored", True, "green")
    assert (await ledger.recompute()).changed == 0


async def test_what_the_new_owner_corrects_counts_instead(ledger: Ledger) -> None:
    await _handed_over(ledger)
    await ledger.report(13, unit="UN02", period="2025")
    await ledger.follow()
    assert await _values(ledger) == ["10", "13"]
    assert (await ledger.recompute()).changed == 0


async def test_who_reported_before_it_owned_takes_nobodys_past(ledger: Ledger) -> None:
    await ledger.load(owned_by("UN04", "UN02"))
    await ledger.report(10, unit="UN04", period="2024")
    await ledger.report(99, unit="UN02", period="2024")
    await ledger.report(12, unit="UN04", period="2025")
    await ledger.follow()
    await ledger.load(owned_by("UN02"))
    await ledger.follow()
    assert await _values(ledger) == ["10", "12"]


async def test_what_is_approved_after_the_handing_over_still_counts(ledger: Ledger) -> None:
    await ledger.load(owned_by("UN04"))
    await ledger.report(10, unit="UN04", period="2024")
    await ledger.report(12, unit="UN04", period="2025", state="submitted")
    await ledger.load(owned_by("UN02"))
    await ledger.report(12, unit="UN04", period="2025")
    await ledger.follow()
    assert await _values(ledger) == ["10", "12"]


async def test_it_comes_back_and_so_do_its_owners(ledger: Ledger) -> None:
    await _handed_over(ledger)
    await ledger.report(13, unit="UN02", period="2025")
    await ledger.load(owned_by("UN04", "UN03"))
    await ledger.follow()
    assert await _values(ledger) == ["10", "13"]
    await ledger.report(14, unit="UN04", period="2025")
    await ledger.follow()
    assert await _values(ledger) == ["10", "14"]


async def test_a_unit_that_never_owned_never_counts(ledger: Ledger) -> None:
    await ledger.load(owned_by("UN04"))
    await ledger.report(10, unit="UN04", period="2024")
    await ledger.report(12, unit="UN04", period="2025")
    await ledger.report(77, unit="UN03", period="2025")
    await ledger.follow()
    assert await _values(ledger) == ["10", "12"]


async def test_one_unit_speaks_from_a_version_on_and_the_past_of_all_stays(
    ledger: Ledger,
) -> None:
    await ledger.load(owned_by("UN01", "UN02", aggregation={"units": "sum"}))
    await ledger.report(4, unit="UN01", period="2024")
    await ledger.report(6, unit="UN02", period="2025")
    await ledger.load(owned_by("UN03"))
    await ledger.report(20, unit="UN03", period="2025")
    await ledger.follow()
    assert await _values(ledger) == ["4", "20"]


@pytest.mark.parametrize(("units", "target"), [("sum", 1), ("mean", "0.33333333333333333333")])
async def test_thirds_of_units_are_added_and_averaged_exactly(
    ledger: Ledger, units: str, target: object
) -> None:
    thirds = an_indicator(
        multiplier=1,
        owners=["UN01", "UN02", "UN03"],
        aggregation={"units": units},
        targets=[a_target(value=target)],
    )
    await ledger.load(a_document(thirds))
    for unit in ("UN01", "UN02", "UN03"):
        await ledger.report("0.33333333333333333333", unit=unit, numerator="1", denominator="3")
    await ledger.follow()
    row = await ledger.row()
    assert (row["value"], row["met"]) == (str(target), True)
    found = await ledger.snapshot()
    assert found is not None
    assert found.traces["R01"]["operands"]["quotients"] == [["3", "3"]]
    assert (await ledger.recompute()).changed == 0


async def test_what_is_not_applicable_is_no_part_of_an_exact_sum(ledger: Ledger) -> None:
    await ledger.load(
        a_document(
            an_indicator(
                multiplier=1,
                owners=["UN01", "UN02", "UN03"],
                aggregation={"units": "sum"},
                targets=[a_target(value=1)],
            )
        )
    )
    await ledger.report("0.33333333333333333333", unit="UN01", numerator="1", denominator="3")
    await ledger.report(unit="UN02", numerator="0", denominator="0", not_applicable_reason="0 ÷ 0")
    await ledger.report("0.66666666666666666667", unit="UN03", numerator="4", denominator="6")
    await ledger.follow()
    assert (await ledger.row())["value"] == "1"
