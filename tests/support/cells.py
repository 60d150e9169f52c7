"""Named cells (无废细胞) of Xinmi's plan as the tests keep them: a school, kept by UN15."""

from typing import Any

import httpx

from tests.support.api import XINMI
from tests.support.evidence import PDF, added
from tests.support.registers import credit_code

CELLS = f"/plans/{XINMI}/registers/CELL"
CELL_ROWS = f"{CELLS}/rows"
CELL_KEEPER = "UN15"
CELL_LEAD = "UN05"


def a_cell(**values: Any) -> dict[str, Any]:
    """Return a cell that applies, to be written, with changes; None leaves a column out."""
    said = {
        "place_code": credit_code(),
        "place": "新密市示例小学",
        "category": "school",
        "stage": "applied",
        **values,
    }
    kept = {name: value for name, value in said.items() if value is not None}
    return {"organization_code": CELL_KEEPER, "values": kept}


async def added_cell(client: httpx.AsyncClient, rows: str = CELL_ROWS, **values: Any) -> str:
    """Write a cell and return its path."""
    answer = await client.post(rows, json=a_cell(**values))
    assert answer.status_code == 201, answer.text
    return str(answer.headers["Location"].removeprefix("/v1"))


async def with_files(client: httpx.AsyncClient, path: str, *names: str) -> list[str]:
    """Add files to a row; return their ids."""
    made = []
    for name in names:
        answer = await added(client, path.lstrip("/"), PDF + name.encode(), name)
        assert answer.status_code == 201, answer.text
        made.append(str(answer.json()["id"]))
    return made
