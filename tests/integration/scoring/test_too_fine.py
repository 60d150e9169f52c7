"""A value of a period that is finer than an indicator is reported in counts on no board."""

from datetime import date

import pytest

from tests.integration.scoring.ledger import Ledger
from tests.unit.scoring.builders import a_document, a_target, an_indicator

ANNUAL = an_indicator("R01", targets=[a_target(value=50)])
QUARTERLY = an_indicator("R02", frequency="quarterly", targets=[a_target(value=50)])
HALF = an_indicator("R03", frequency="half_yearly", targets=[a_target("rising", None)])
MONTHLY = an_indicator("R04", frequency="monthly", targets=[a_target(value=50)])


@pytest.mark.parametrize(
    ("code", "period"),
    [
        ("R01", "2025-H1"),
        ("R01", "2025-Q1"),
        ("R01", "2025-03"),
        ("R02", "2025-03"),
        ("R03", "2025-Q1"),
        ("R03", "2025-03"),
    ],
)
@pytest.mark.parametrize("opened", [False, True])
async def test_a_value_of_a_finer_period_is_on_no_board(
    ledger: Ledger, code: str, period: str, opened: bool
) -> None:
    await ledger.load(a_document(ANNUAL, QUARTERLY, HALF, MONTHLY))
    if opened:
        await ledger.move(period, "open", due_date=date(2026, 3, 31))
    await ledger.report(60, indicator="R04", period="2025-03")
    await ledger.report(60, indicator=code, period=period)
    await ledger.follow()
    for each in (period, "2025-H1", "2025"):
        row = await ledger.row(code, each)
        assert (row["value"], row["met"], row["attainment"]) == (None, None, None)
        assert row["state"] in {"not_opened", "not_due"}
    own = await ledger.row(code, period)
    assert own["reason_code"] == ("less_often" if opened else "not_opened")
    assert (await ledger.row("R04"))["value"] == "60"
    assert (await ledger.recompute()).changed == 0
