"""Statements with named parameters, as the driver gets them."""

import pytest

from services.core.kit.named_sql import NamedSql


def test_a_name_is_one_number_however_often_it_is_used() -> None:
    statement = NamedSql("SELECT :b::text, :a WHERE x = :b AND y = ANY(:a::text[])")
    assert statement.sql == "SELECT $1::text, $2 WHERE x = $1 AND y = ANY($2::text[])"
    assert statement.with_values(a=1, b=2) == (statement.sql, 2, 1)


def test_what_is_no_parameter_stays_as_it_is() -> None:
    statement = NamedSql(r"SELECT x ->> 'a', ':b' || '\:c', y % 2 FROM t WHERE z = :z")
    assert statement.names == ("z",)
    assert "y % 2" in statement.sql


@pytest.mark.parametrize("values", [{"a": 1}, {"a": 1, "b": 2, "c": 3}, {"a": 1, "c": 2}])
def test_a_statement_and_its_values_must_agree(values: dict[str, object]) -> None:
    with pytest.raises(TypeError, match="differ in"):
        NamedSql("SELECT :a, :b").with_values(**values)
