"""Who has a part in the value of several units: its owners, and after a handover the new one."""

from datetime import date
from typing import Any

import pytest

from services.core.plan.document import PlanDocument
from tests.integration.scoring.ledger import Ledger
from tests.unit.scoring.builders import a_document, a_target, an_indicator

SUM = an_indicator("R01", unit="万吨", targets=[a_target(value=50)], aggregation={"units": "sum"})
MEAN = an_indicator("R02", unit="万吨", targets=[a_target(value=50)], aggregation={"units": "mean"})
RATIO = an_indicator("R03", targets=[a_target(value=50)], aggregation={"units": "ratio_of_sums"})


def owned_by(*units: str, **changes: Any) -> PlanDocument:
    listed = [each | {"owners": list(units)} for each in (SUM, MEAN, RATIO)]
    return a_document(*listed, title=" ".join(units), **changes)


async def _reports(ledger: Ledger, value: int, *units: str, period: str = "2025") -> None:
    for unit in units:
        for code in ("R01", "R02"):
            await ledger.report(value, indicator=code, unit=unit, period=period)
        share = {"numerator": str(value), "denominator": "100"}
        await ledger.report(value, indicator="R03", unit=unit, period=period, **share)


async def _stand(ledger: Ledger, period: str = "2025") -> list[tuple[str | None, int, int]]:
    """Value, reported and expected of the three, after a check that a full recompute agrees."""
    await ledger.follow()
    rows = [await ledger.row(code, period=period) for code in ("R01", "R02", "R03")]
    assert (await ledger.recompute()).changed == 0
    counts = [row["reporting"] for row in rows]
    return [
        (row["value"], count["reported"], count["expected"])
        for row, count in zip(rows, counts, strict=True)
    ]


async def test_a_unit_that_is_no_owner_has_no_part_in_a_value(ledger: Ledger) -> None:
    await ledger.load(owned_by("UN01", "UN02"))
    await ledger.move("2025", "open", due_date=date(2026, 3, 31))
    await _reports(ledger, 10, "UN01", "UN02")
    assert [value for value, *_ in await _stand(ledger)] == ["20", "10", "0.1"]
    await _reports(ledger, 90, "UN04")
    assert [value for value, *_ in await _stand(ledger)] == ["20", "10", "0.1"]


async def test_an_owner_alone_gathers_what_any_unit_reports(ledger: Ledger) -> None:
    await ledger.load(owned_by("UN01"))
    await _reports(ledger, 10, "UN01", "UN02", "UN04")
    assert [value for value, *_ in await _stand(ledger)] == ["30", "10", "0.1"]


async def test_a_stranger_alone_leaves_nothing_reported(ledger: Ledger) -> None:
    await ledger.load(owned_by("UN01", "UN02"))
    await _reports(ledger, 90, "UN04")
    await ledger.follow()
    assert await ledger.snapshot() is None  # as where nothing was reported
    assert (await ledger.recompute()).changed == 0


async def test_after_a_handover_the_newcomers_value_takes_the_place(ledger: Ledger) -> None:
    await ledger.load(owned_by("UN01", "UN02"))
    await ledger.move("2025", "open", due_date=date(2026, 3, 31))
    await _reports(ledger, 20, "UN01")
    await _reports(ledger, 40, "UN02")
    assert await _stand(ledger) == [("60", 2, 2), ("30", 2, 2), ("0.3", 2, 2)]
    await ledger.load(owned_by("UN01", "UN03"))
    # What was approved in its time stays until the new owner has reported.
    assert await _stand(ledger) == [("60", 1, 2), ("30", 1, 2), ("0.3", 1, 2)]
    await _reports(ledger, 30, "UN03")
    assert await _stand(ledger) == [("50", 2, 2), ("25", 2, 2), ("0.25", 2, 2)]


async def test_what_was_approved_in_a_closed_year_stays_after_a_handover(ledger: Ledger) -> None:
    await ledger.load(owned_by("UN01", "UN02"))
    await ledger.move("2025", "open", due_date=date(2026, 3, 31))
    await _reports(ledger, 20, "UN01", "UN02")
    await ledger.follow()
    await ledger.move("2025", "close")
    await ledger.keep_in_step()
    await ledger.load(owned_by("UN01", "UN03"))
    await ledger.keep_in_step()
    assert await _stand(ledger) == [("40", 2, 2), ("20", 2, 2), ("0.2", 2, 2)]
    # Nobody asked the new owner for the closed year, whatever it reports.
    await _reports(ledger, 30, "UN03")
    assert await _stand(ledger) == [("40", 2, 2), ("20", 2, 2), ("0.2", 2, 2)]


async def test_a_unit_that_comes_without_another_leaving_adds_its_part(ledger: Ledger) -> None:
    await ledger.load(owned_by("UN01", "UN02"))
    await ledger.move("2025", "open", due_date=date(2026, 3, 31))
    await _reports(ledger, 20, "UN01", "UN02")
    await ledger.load(owned_by("UN01", "UN02", "UN03"))
    assert await _stand(ledger) == [("40", 2, 3), ("20", 2, 3), ("0.2", 2, 3)]
    await _reports(ledger, 50, "UN03")
    assert await _stand(ledger) == [("90", 3, 3), ("30", 3, 3), ("0.3", 3, 3)]


async def test_a_unit_that_leaves_for_nobody_keeps_what_it_reported(ledger: Ledger) -> None:
    await ledger.load(owned_by("UN01", "UN02"))
    await _reports(ledger, 20, "UN01", "UN02", period="2024")
    await ledger.follow()
    await ledger.load(owned_by("UN01"))
    assert [value for value, *_ in await _stand(ledger, "2024")] == ["40", "20", "0.2"]
    # What it reports for a period that began later is a stranger's.
    ledger.on(date(2027, 1, 10))
    await _reports(ledger, 20, "UN01", "UN02", period="2027")
    assert [value for value, *_ in await _stand(ledger, "2027")] == ["20", "20", "0.2"]


@pytest.mark.parametrize("basis", ["approved", "submitted"])
async def test_who_comes_back_counts_by_its_own_value(ledger: Ledger, basis: str) -> None:
    await ledger.load(owned_by("UN01", "UN02"))
    await _reports(ledger, 20, "UN01", "UN02")
    await ledger.follow()
    await ledger.load(owned_by("UN01", "UN03"))
    await _reports(ledger, 30, "UN03")
    await ledger.follow()
    await ledger.load(owned_by("UN01", "UN02", "UN04"))
    await ledger.follow()
    row = await ledger.row("R01", basis=basis)
    assert row["value"] == "40"
    assert (await ledger.recompute()).changed == 0


async def test_a_value_without_parts_is_named_once_the_plan_adds_parts_up(ledger: Ledger) -> None:
    units = ["UN01", "UN02", "UN03"]
    mean = an_indicator(
        owners=units, multiplier=100, targets=[a_target(value=50)], aggregation={"units": "mean"}
    )
    await ledger.load(a_document(mean))
    for unit in units[:2]:
        await ledger.report(45, unit=unit, numerator="45", denominator="100")
    await ledger.report(90, unit="UN03")
    await ledger.follow()
    assert (await ledger.row())["value"] == "60"
    await ledger.load(a_document(mean | {"aggregation": {"units": "ratio_of_sums"}}))
    await ledger.follow()
    row = await ledger.row()
    assert (row["state"], row["met"], row["value"]) == ("not_assessable", None, None)
    assert row["reason_code"] == "parts_lacking"
    assert "单位3（2025）" in row["reason"]
    assert (await ledger.recompute()).changed == 0
    await ledger.report(90, unit="UN03", numerator="90", denominator="100")
    await ledger.follow()
    assert (await ledger.row())["value"] == "60"
    assert (await ledger.recompute()).changed == 0


async def test_a_quarter_without_parts_is_named_where_quarters_are_added_up(
    ledger: Ledger,
) -> None:
    quarterly = an_indicator(frequency="quarterly", multiplier=100, targets=[a_target(value=50)])
    await ledger.load(a_document(quarterly))
    await ledger.report(45, period="2025-Q1", numerator="45", denominator="100")
    await ledger.report(90, period="2025-Q2")
    await ledger.load(a_document(quarterly | {"aggregation": {"periods": "ratio_of_sums"}}))
    await ledger.follow()
    row = await ledger.row()
    assert (row["state"], row["reason_code"]) == ("not_assessable", "parts_lacking")
    assert "单位1（2025-Q2）" in row["reason"]
    assert (await ledger.row(period="2025-Q2"))["value"] == "90"  # it stands for itself there
    assert (await ledger.recompute()).changed == 0
