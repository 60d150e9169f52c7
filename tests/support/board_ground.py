"""A board with something on it: values of most indicators, and 36 months behind them."""

from decimal import Decimal
from typing import Any

from tests.support.api import XINMI, Door, xinmi
from tests.support.owner import as_owner

SHARES = ("1.02", "0.97", "1.10", "0.80", "1", "0.62", "1.3", "0.9")
"""How much of its target an indicator has reached, in turn."""

MONTHS = [f"{year}-{month:02}" for year in (2023, 2024, 2025) for month in range(1, 13)]


async def a_full_board(door: Door, url: str) -> None:
    """Report and approve values in two halves, the first of them last month."""
    numbered = [
        (one, target.value)
        for one in xinmi().indicators
        for target in one.targets[-1:]
        if target.value is not None and one.direction != "qualitative"
    ]
    async with (
        await door.as_("integrator") as _,
        door.client(await door.new_key("integrator", scopes=ALL)) as system,
        await door.as_("office") as office,
    ):
        half = len(numbered) // 2
        await _reported(system, office, numbered[:half], 0)
        await door.react()
        await as_owner(
            url,
            "UPDATE score_snapshot SET computed_at = computed_at - interval '45 days',"
            " local_date = local_date - 45",
        )
        await _reported(system, office, numbered[half:], half)
        await door.react()


ALL = ["plan:read", "submissions:read", "submissions:write"]


async def _reported(system: Any, office: Any, numbered: Any, first: int) -> None:
    plan = xinmi()
    members = {one.code: one.members for one in plan.organizations}
    for place, (one, target) in enumerate(numbered, start=first):
        unit = (members.get(one.owners[0]) or one.owners)[0] if one.owners else "UN01"
        value = (Decimal(target) * Decimal(SHARES[place % len(SHARES)])).quantize(Decimal("0.01"))
        body = {
            "indicator_code": one.code,
            "organization_code": unit,
            "period": "2025",
            "value": f"{value}",
            "data_status": "provisional" if place % 9 == 4 else "final",
        }
        made = await system.post(f"/plans/{XINMI}/submissions", json=body)
        if made.status_code == 201:
            await office.post(f"/submissions/{made.json()['id']}/approve")


async def months_behind(door: Door, url: str) -> None:
    """Plant the scoreboards of 36 months: alike but for scores, the last year by method 2."""
    periods = "', '".join(MONTHS)
    await as_owner(
        url,
        f"""
        INSERT INTO plan_period (city_code, plan_code, period, state, due_date, opened_at, version)
        SELECT '410183', '{XINMI}', month, 'closed', date '2026-01-15', now(), 1
        FROM unnest(ARRAY['{periods}']) AS month;
        INSERT INTO score_snapshot
        SELECT (jsonb_populate_record(s, jsonb_build_object(
            'period', k.month, 'sequence', 1,
            'method_version', CASE WHEN k.place > 24 THEN '2' ELSE '1' END,
            'board', jsonb_set(jsonb_set(s.board, '{{overall,score}}',
                to_jsonb(CAST(k.score AS text))), '{{overall,display}}',
                to_jsonb(CAST(k.score AS text)))))).*
        FROM score_snapshot AS s, (
            SELECT month, place, 61.5 + place * 0.75 + 6 * (place * 7 % 5) * 0.35 AS score
            FROM unnest(ARRAY['{periods}']) WITH ORDINALITY AS k(month, place)
        ) AS k
        WHERE s.period = '2025' AND s.basis = 'approved' AND s.sequence = (
            SELECT max(sequence) FROM score_snapshot
            WHERE period = '2025' AND basis = 'approved');
        """,
    )
    await door.forget_everything()
