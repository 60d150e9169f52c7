"""Statements with named parameters, as the driver gets them."""

import pytest

from services.core.kit.statements import DriverStatement


def test_a_name_is_one_number_however_often_it_is_used() -> None:
    statement = DriverStatement("SELECT CAST(:b AS text), :a WHERE x = :b AND y = ANY(:a)")
    numbered = "SELECT CAST($1 AS text), $2 WHERE x = $1 AND y = ANY($2)"
    assert statement.bind({"a": 1, "b": 2}) == (numbered, 2, 1)


def test_what_is_no_parameter_stays_as_it_is() -> None:
    statement = DriverStatement(r"SELECT x ->> 'a', c::text, '12\:30', y % 2 WHERE z = :z")
    numbered = "SELECT x ->> 'a', c::text, '12:30', y % 2 WHERE z = $1"
    assert statement.bind({"z": 3}) == (numbered, 3)


@pytest.mark.parametrize("values", [{"a": 1}, {"a": 1, "b": 2, "c": 3}, {"a": 1, "c": 2}])
def test_a_statement_and_its_values_must_agree(values: dict[str, object]) -> None:
    with pytest.raises(KeyError, match=r"[bc]"):
        DriverStatement("SELECT :a, :b").bind(values)
