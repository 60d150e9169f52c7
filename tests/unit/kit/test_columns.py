"""The columns of a table by name, as a statement lists them."""

from services.core.kit.database import columns_of
from services.core.kit.operations import Operation


def test_columns_are_listed_by_name_but_for_those_that_are_left_out() -> None:
    names = [column.name for column in Operation.__table__.columns]
    assert columns_of(Operation, "o") == ", ".join(f"o.{name}" for name in names)
    some = [name for name in names if name not in {"request", "errors"}]
    listed = columns_of(Operation, "o", without=("request", "errors"))
    assert listed == ", ".join(f"o.{name}" for name in some)
