"""The format of quotas in a plan: how many rows a register should have by category, unit, year."""

from typing import Annotated, Literal

from pydantic import Field

from services.core.plan.count_entries import ColumnCode
from services.core.plan.members import Entry
from services.core.plan.written import Code, Year

QuotaOver = Literal["told", "refused"]

MOST_QUOTA_NUMBERS = 5000
MOST_WANTED = 1_000_000


class QuotaNumber(Entry):
    """How many rows of a category are wanted by the end of a year: of a unit, or of the city."""

    year: Year
    choice: Code
    unit: Code | None = None
    wanted: Annotated[int, Field(ge=0, le=MOST_WANTED, strict=True)]


class RowQuota(Entry):
    """How many rows are wanted (下达任务), by the choices of the column `by`.

    The measure `measure`, a count, says which rows count. Where no number is stated for the city
    it is the sum of its units'. What goes beyond is `told`, or its confirmation `refused`.
    """

    by: ColumnCode
    measure: Code
    over: QuotaOver = "told"
    numbers: Annotated[tuple[QuotaNumber, ...], Field(max_length=MOST_QUOTA_NUMBERS)] = ()
