"""The data that a batch was decided on, and which of it has changed since. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

from pydantic_core import from_json, to_json

from services.core.plan.state import PlanState
from services.core.submissions.batch.deciding import Decided


class Stood(NamedTuple):
    """The submission that a row found in its slot, and its version."""

    id: UUID
    version: int


@dataclass(frozen=True, slots=True)
class Grounds:
    """Everything that a batch was decided on, apart from its rows and its actor.

    `rows` have by index the submission in each row's slot, None: empty. `beside` are the
    submissions that a `replace` found in its scope apart from the rows, and `compared` those whose
    figures checks compared.
    """

    plan_version: int
    local_date: date
    periods: Mapping[str, str]
    rows: Mapping[int, Stood | None]
    beside: Mapping[UUID, int]
    compared: Mapping[UUID, int] = field(default_factory=dict)

    def to_json(self) -> bytes:
        """Serialise to JSON, for `from_json`."""
        return to_json(
            {
                "plan_version": self.plan_version,
                "local_date": self.local_date,
                "periods": self.periods,
                "rows": [[index, *(stood or ())] for index, stood in self.rows.items()],
                "beside": list(self.beside.items()),
                "compared": list(self.compared.items()),
            }
        )

    @classmethod
    def from_json(cls, written: bytes) -> "Grounds":
        """Read the output of `to_json`."""
        read: Any = from_json(written)
        return cls(
            read["plan_version"],
            date.fromisoformat(read["local_date"]),
            read["periods"],
            {
                index: Stood(UUID(stood[0]), stood[1]) if stood else None
                for index, *stood in read["rows"]
            },
            {UUID(one): version for one, version in read["beside"]},
            {UUID(one): version for one, version in read.get("compared", ())},
        )

    def moved(self, now: "Grounds") -> dict[str, object] | None:
        """Return what has changed since, for the error; None: nothing. Another day is no change."""
        periods = [
            {"period": code, "before": _state(self, code), "after": _state(now, code)}
            for code in sorted({*self.periods, *now.periods})
            if _state(self, code) != _state(now, code)
        ]
        items = [*self._rows_moved(now), *self._beside_moved(now)]
        # They may belong to units that the maker does not see, so only their number is returned.
        figures = sum(
            self.compared.get(one) != now.compared.get(one)
            for one in {*self.compared, *now.compared}
        )
        if self.plan_version == now.plan_version and not (periods or items or figures):
            return None
        versions = {"before": self.plan_version, "after": now.plan_version}
        changed = self.plan_version != now.plan_version
        return {
            "plan_version": versions if changed else None,
            "periods": periods,
            "items": items,
            "figures": figures,
        }

    def _rows_moved(self, now: "Grounds") -> Iterator[dict[str, object]]:
        for index in sorted({*self.rows, *now.rows}):
            before, after = self.rows.get(index), now.rows.get(index)
            if before != after:
                yield _moved(index, before, after)

    def _beside_moved(self, now: "Grounds") -> Iterator[dict[str, object]]:
        for one in sorted({*self.beside, *now.beside}):
            before, after = self.beside.get(one), now.beside.get(one)
            if before != after:
                yield _moved(
                    None,
                    None if before is None else Stood(one, before),
                    None if after is None else Stood(one, after),
                )


def grounds_of(
    decided: Sequence[Decided],
    periods: Mapping[str, str],
    compared: Mapping[UUID, int],
    plan: PlanState,
    today: date,
) -> Grounds:
    """Return the data that rows were decided on."""
    beside = [one.before for one in decided if one.index is None and one.before is not None]
    return Grounds(
        plan.version,
        today,
        periods,
        {one.index: _stood(one) for one in decided if one.index is not None},
        {row["id"]: row["version"] for row in beside},
        compared,
    )


def _stood(decided: Decided) -> Stood | None:
    row = decided.before
    return None if row is None else Stood(row["id"], row["version"])


def _state(grounds: Grounds, period: str) -> str:
    return grounds.periods.get(period, "planned")


def _moved(index: int | None, before: Stood | None, after: Stood | None) -> dict[str, object]:
    return {
        "index": index,
        "before": None if before is None else before._asdict(),
        "after": None if after is None else after._asdict(),
    }
