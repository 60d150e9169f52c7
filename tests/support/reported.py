"""Values that units have just reported, each for a period of its own."""

from collections.abc import Iterator
from itertools import count
from typing import Any

from tests.support.api import XINMI, Door, a_submission

PATH = f"/plans/{XINMI}/submissions"
_months: Iterator[int] = count()


def a_period() -> str:
    """Return a period that no other test of this module uses."""
    year, month = divmod(next(_months), 12)
    return f"{2021 + year}-{month + 1:02}"


def begin_anew() -> None:
    """Let a module whose ledger is empty begin with the first period: there are six years."""
    global _months  # noqa: PLW0603 (one for the process, as the periods are one for the module)
    _months = count()


async def reported(door: Door, **changes: object) -> dict[str, Any]:
    """Return a submission that the unit in charge has just handed in."""
    async with await door.as_("reporter", "UN15") as unit:
        answer = await unit.post(PATH, json=a_submission(**{"period": a_period(), **changes}))
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def assessed(door: Door) -> None:
    """Let a unit that leads one indicator alone have all of its weight assessed."""
    body = a_submission(indicator_code="G11", organization_code="UN09", period="2025", value="1")
    async with await door.as_("reporter", "UN09") as unit, await door.as_("office") as office:
        made = await unit.post(PATH, json=body)
        await office.post(f"/submissions/{made.json()['id']}/approve")
    await door.react()
