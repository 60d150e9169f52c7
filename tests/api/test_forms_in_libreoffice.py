"""Our workbooks opened, filled in and saved by LibreOffice, as a clerk's computer has it."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from services.core.sheets.sheet_file import SheetFile
from tests.support import forms, task_sheets
from tests.support.api import XINMI, Door, a_submission
from tests.support.batches import sent as batch_sent
from tests.support.imports import checked, confirmed, row_of, sent, work, xlsx_of
from tests.support.libreoffice import needs_libreoffice, saved_again

pytestmark = needs_libreoffice

NUMBERS = {"2021": 40.65, "2022": 0.1 + 0.2, "2023": 99.4321098765432, "2024": 0}
"""What a clerk types, as a program holds it."""

EXACT = {"2021": "40.65", "2022": "0.3", "2023": "99.4321098765432", "2024": "0"}
"""What is meant by it."""


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a profile of LibreOffice, which takes seconds to be made."""
    return tmp_path_factory.mktemp("libreoffice")


@pytest.mark.parametrize("period", NUMBERS)
async def test_a_form_filled_and_saved_by_it_equals_the_json_to_the_last_digit(
    door: Door, office: Path, period: str
) -> None:
    opened = await saved_again(office, (await forms.form(door, period=period)).content)
    said = {"本期值": NUMBERS[period], "数据来源": "年度报表"}
    back = await saved_again(office, forms.filled(opened, {"U08": said}))
    found = await checked(door, back)
    assert (found["is_form"], found["rows"], found["faults"], found["created"]) == (True, 1, 0, 1)
    await confirmed(door, found["id"])
    item = a_submission(period=period, value=EXACT[period], source="年度报表")
    assert (await batch_sent(door, [item])).json()["unchanged"] == 1


async def test_a_form_of_tasks_filled_and_saved_by_it_is_reported(door: Door, office: Path) -> None:
    made = await task_sheets.accepted(door)
    opened = await saved_again(office, (await forms.form(door, "tasks")).content)
    said = {"完成百分比": 62.5, "进展描述": "过半", "预计完成": "2026-12-20"}
    back = await saved_again(office, task_sheets.filled(opened, {made["id"]: said}))
    found = await checked(door, back)
    assert (found["faults"], found["updated"]) == (0, 1), found
    await confirmed(door, found["id"])
    now = await task_sheets.read(door, made["id"])
    assert (now["percent"], now["narrative"], now["expected_date"]) == (
        "62.5",
        "过半",
        "2026-12-20",
    )


async def _form_of_all(door: Door) -> bytes:
    return (await forms.form(door, period="2022")).content


async def _marked(door: Door) -> bytes:
    wrong = xlsx_of(row_of("U08", "2021", "很多"), row_of("U07", "2021", 3))
    answer = await sent(door, wrong)
    assert answer.status_code == 202, answer.text
    await work(door)
    async with await door.as_("reporter", "UN15") as unit:
        path = f"/imports/{answer.json()['request']['import_id']}/marked.xlsx"
        return (await unit.get(path)).content


def _read(path: str) -> Callable[[Door], Awaitable[bytes]]:
    async def read(door: Door) -> bytes:
        async with await door.as_("office") as caller:
            await caller.post(
                f"/plans/{XINMI}/submissions",
                json=a_submission(period="2020", value="-0.5", note="=1+1", source="@SUM(1)"),
            )
            answer = await caller.get(f"/plans/{XINMI}/{path}")
        assert answer.status_code == 200, answer.text
        return answer.content

    return read


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(_form_of_all, id="form"),
        pytest.param(_marked, id="marked copy"),
        pytest.param(_read("submissions.xlsx"), id="list"),
        pytest.param(_read("scoreboard.xlsx?period=2025"), id="scoreboard"),
        pytest.param(_read("indicators.xlsx"), id="indicators"),
        pytest.param(
            _read("registers/GREEN-FACTORY/form.xlsx?organization_code=UN22"), id="register"
        ),
    ],
)
async def test_every_cell_is_as_we_wrote_it(
    door: Door, office: Path, make: Callable[[Door], Awaitable[bytes]]
) -> None:
    content = await make(door)
    again = await saved_again(office, content)
    assert _cells(again) == _cells(content)


def _cells(content: bytes) -> dict[str, list[dict[int, str]]]:
    """Return every cell that says something, by sheet and row."""
    file = SheetFile(content)
    found = {}
    for entry in file.sheets:
        rows = file.table(entry).rows()
        said = [{at: cell.text for at, cell in row.cells.items() if cell.text} for row in rows]
        found[entry.name] = [row for row in said if row]
    return found
