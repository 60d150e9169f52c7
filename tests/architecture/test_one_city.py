"""Every statement names one city: how that is judged, and which few are meant to span."""

import ast
import re
from pathlib import Path

import pytest

from services.core.kit.database import Base
from tests.support.one_city import judge
from tests.support.statements_sent import KEPT_EVERYWHERE, SPANNING, TABLES, StatementsSent

ROOT = Path(__file__).resolve().parents[2]

BOUND = [
    "SELECT * FROM alert WHERE city_code = $1",
    "SELECT * FROM alert WHERE CAST($1 AS text) = city_code AND (state = 'x' OR level = 1)",
    "SELECT * FROM alert AS a JOIN plan AS p USING (city_code) WHERE p.city_code = $1",
    (
        "SELECT * FROM alert AS a LEFT JOIN plan AS p ON p.city_code = a.city_code"
        " WHERE a.city_code = $1"
    ),
    (
        "SELECT (SELECT p.code FROM plan AS p WHERE p.city_code = $1 LIMIT 1)"
        " FROM alert AS a WHERE a.city_code = $1"
    ),
    (
        "SELECT * FROM plan AS p CROSS JOIN LATERAL (SELECT * FROM alert AS a"
        " WHERE a.city_code = p.city_code LIMIT 1) AS one WHERE p.city_code = $1"
    ),
    (
        "WITH p AS (SELECT city_code FROM plan WHERE city_code = $1)"
        " SELECT * FROM alert AS a JOIN p ON a.city_code = p.city_code"
    ),
    (
        "SELECT * FROM alert WHERE city_code = (SELECT $1) AND id IN ("
        " SELECT id FROM milestone WHERE city_code = $1)"
    ),
    (
        "SELECT * FROM (SELECT $1 AS city UNION ALL SELECT $1) AS c JOIN alert AS a"
        " ON a.city_code = c.city"
    ),
    "INSERT INTO log_head (city_code, position) VALUES ($1, 0)",
    "INSERT INTO log_head SELECT $1, max(position) FROM event_position WHERE city_code = $1",
    (
        "UPDATE alert AS a SET state = 'x' FROM plan AS p"
        " WHERE p.city_code = a.city_code AND p.city_code = $1 RETURNING a.id"
    ),
    "DELETE FROM alert AS a USING plan AS p WHERE a.city_code = $1 AND p.city_code = $1",
    (
        "WITH RECURSIVE up(city, x) AS (SELECT city_code, code FROM plan WHERE city_code = $1"
        " UNION ALL SELECT p.city_code, p.code FROM plan AS p JOIN up ON up.city = p.city_code)"
        " SELECT * FROM up"
    ),
    "SELECT now()",
]

UNBOUND = [
    "SELECT * FROM alert",
    "SELECT * FROM alert WHERE city_code = $1 OR state = 'x'",
    "SELECT * FROM alert WHERE city_code = ANY($1)",
    "SELECT * FROM alert WHERE city_code IN ($1, $2)",
    "SELECT * FROM alert WHERE NOT city_code = $1",
    "SELECT * FROM alert AS a JOIN plan AS p ON p.city_code = a.city_code",
    "SELECT * FROM alert AS a JOIN plan AS p ON p.code = a.plan_code WHERE a.city_code = $1",
    (
        "SELECT * FROM alert AS a LEFT JOIN plan AS p"
        " ON p.city_code = a.city_code AND a.city_code = $1"
    ),
    "SELECT * FROM alert AS a FULL JOIN plan AS p ON p.city_code = $1 AND a.city_code = $1",
    "SELECT (SELECT code FROM plan LIMIT 1) FROM alert WHERE city_code = $1",
    (
        "SELECT (SELECT p.code FROM plan AS p WHERE p.city_code = a.city_code LIMIT 1)"
        " FROM alert AS a WHERE a.city_code = $1"
    ),
    (
        "SELECT * FROM alert AS a WHERE a.city_code = $1 AND (a.level = 1 OR EXISTS ("
        " SELECT FROM plan AS p WHERE p.city_code = a.city_code AND p.code = a.plan_code))"
    ),
    "SELECT * FROM (SELECT * FROM alert) AS a WHERE a.city_code = $1",
    "WITH every AS (SELECT * FROM alert) SELECT * FROM every WHERE city_code = $1",
    (
        "SELECT * FROM (SELECT $1 AS city UNION ALL SELECT code FROM unnest($2::text[]) AS u(code))"
        " AS c JOIN alert AS a ON a.city_code = c.city"
    ),
    "SELECT * FROM alert WHERE city_code = $1 UNION SELECT * FROM alert",
    "SELECT * FROM alert WHERE city_code = $1 ORDER BY (SELECT max(position) FROM log_head)",
    "INSERT INTO log_head (city_code, position) SELECT unnest($1::text[]), 0",
    "INSERT INTO log_head SELECT city_code, 0 FROM plan WHERE city_code > $1",
    "UPDATE alert SET state = (SELECT max(state) FROM milestone) WHERE city_code = $1",
    "UPDATE alert AS a SET state = 'x' FROM plan AS p WHERE p.city_code = $1",
    "DELETE FROM alert WHERE id = $1",
    "WITH gone AS (DELETE FROM alert RETURNING id) SELECT $1",
    "COPY alert FROM STDIN",
]


@pytest.mark.parametrize("statement", BOUND)
def test_a_statement_that_names_its_city_for_every_table_passes(statement: str) -> None:
    assert judge(statement, TABLES).unbound == ()


@pytest.mark.parametrize("statement", UNBOUND)
def test_a_statement_that_leaves_one_table_without_a_city_is_found(statement: str) -> None:
    assert judge(statement, TABLES).unbound != ()


STEADY = [
    "UPDATE plan_period SET opened_at = now() WHERE city_code = $1 AND opened_at < now()",
    "UPDATE plan_period SET opened_at = greatest(opened_at, now()) WHERE city_code = $1",
    "UPDATE plan_period SET version = extract(epoch FROM now() - opened_at) WHERE city_code = $1",
    "UPDATE plan_period SET opened_at = now() + make_interval(secs => $2) WHERE city_code = $1",
    "DELETE FROM plan_period WHERE city_code = $1 AND opened_at < now() - interval '1 day'",
    "INSERT INTO stored_reply SELECT $1, gen_random_uuid(), clock_timestamp()",
    (
        "INSERT INTO log_head VALUES ($1, 0) ON CONFLICT (city_code)"
        " DO UPDATE SET position = log_head.position + excluded.position"
    ),
    (
        "WITH given AS (SELECT now() + make_interval(secs => d) AS at FROM unnest($2) AS r(d))"
        " UPDATE plan_period AS p SET opened_at = CASE WHEN p.state = 'open' THEN given.at END"
        " FROM given WHERE p.city_code = $1"
    ),
    (
        "UPDATE plan_period AS p SET state = 'x' WHERE city_code = $1 AND EXISTS ("
        " SELECT FROM plan_version AS v WHERE v.city_code = $1"
        " AND coalesce(v.loaded_at, now()) < now())"
    ),
    "SELECT coalesce(opened_at, now()), clock_timestamp() FROM plan_period WHERE city_code = $1",
    "SELECT pg_notify($1, $2)",
]

# Each was sent to a cluster, which refused it by a sentence of which the judge's has a part.
REFUSED = [
    (
        (
            "UPDATE plan_period SET opened_at = CASE WHEN state = 'x' THEN now() END"
            " WHERE city_code = $1"
        ),
        "CASE or COALESCE",
    ),
    (
        (
            "UPDATE plan_period SET state = 'x' WHERE city_code = $1 AND"
            " coalesce(opened_at, CURRENT_TIMESTAMP) < $2"
        ),
        "CASE or COALESCE",
    ),
    ("UPDATE plan_period SET opened_at = clock_timestamp() WHERE city_code = $1", "volatile"),
    ("DELETE FROM plan_period WHERE city_code = $1 AND random() < 1", "volatile"),
    ("UPDATE worker_heartbeat SET beat_at = beat_at - interval '1 hour'", "depends on a column"),
    (
        (
            "UPDATE plan_period SET opened_at = now() + make_interval(secs => version)"
            " WHERE city_code = $1"
        ),
        "depends on a column",
    ),
    (
        "DELETE FROM plan_period WHERE city_code = $1 AND opened_at + interval '1 day' < now()",
        "depends on a column",
    ),
    (
        (
            "UPDATE webhook_delivery SET next_attempt_at = statement_timestamp()"
            " + (position - $2) * $3::interval WHERE city_code = $1"
        ),
        "depends on a column",
    ),
    (
        (
            "UPDATE webhook_delivery AS d SET next_attempt_at = given.at FROM ("
            " SELECT p, now() + make_interval(secs => p) AS at FROM unnest($2::bigint[]) AS r(p)"
            ") AS given WHERE d.city_code = $1 AND d.position = given.p"
        ),
        "depends on a column",
    ),
    (
        (
            "UPDATE plan_period SET state = 'x' WHERE city_code = $1 AND EXISTS ("
            " SELECT FROM plan_version AS v WHERE v.city_code = $1"
            " AND v.loaded_at < clock_timestamp())"
        ),
        "volatile",
    ),
    ("UPDATE plan_period SET state = 'x' WHERE city_code = $1 RETURNING now()", "RETURNING"),
    (
        "WITH a AS (DELETE FROM plan_period WHERE city_code = $1 RETURNING now()) SELECT * FROM a",
        "RETURNING",
    ),
    (
        (
            "INSERT INTO log_head VALUES ($1, 0) ON CONFLICT (city_code)"
            " DO UPDATE SET position = extract(epoch FROM now())"
        ),
        "DO UPDATE",
    ),
    (
        (
            "WITH a AS (UPDATE log_head SET position = 1 WHERE city_code = $1 RETURNING position)"
            " SELECT pg_notify('log', position::text) FROM a"
        ),
        "pg_notify",
    ),
]


VEILED = [
    "DELETE FROM event_pending WHERE city_code = $1 AND event_id <= coalesce((SELECT $2), $3)",
    "SELECT FROM event_position AS p WHERE p.city_code = $1 AND coalesce($2, 0) < p.position",
    (
        "SELECT FROM reader_cursor AS c, LATERAL (SELECT FROM event_position AS p"
        " WHERE p.city_code = $1 AND p.position > coalesce(c.position, 0)) AS x"
        " WHERE c.city_code = $1"
    ),
]
OPEN = [
    "DELETE FROM event_pending WHERE city_code = $1 AND event_id <= least((SELECT $2), $3)",
    "SELECT FROM obligation AS o WHERE o.city_code = $1 AND o.due_date < coalesce($2, o.due_date)",
    "SELECT FROM obligation AS o WHERE o.city_code = $1 AND coalesce(o.epoch, 0) > 1",
]


@pytest.mark.parametrize("statement", VEILED)
def test_a_bound_that_no_index_helps_with_behind_row_level_security_is_found(
    statement: str,
) -> None:
    assert "COALESCE" in StatementsSent().judged(statement, ["410183", 1, 2])


@pytest.mark.parametrize("statement", OPEN)
def test_a_bound_that_an_index_helps_with_passes(statement: str) -> None:
    assert judge(statement, TABLES).refused == ()


@pytest.mark.parametrize("statement", STEADY)
def test_a_change_whose_values_every_node_finds_alike_passes(statement: str) -> None:
    assert judge(statement, TABLES).refused == ()


@pytest.mark.parametrize(("statement", "said"), REFUSED)
def test_a_change_that_a_cluster_refuses_is_found(statement: str, said: str) -> None:
    (refused,) = judge(statement, TABLES).refused
    assert said in refused
    assert refused in StatementsSent().judged(statement, ["410183", 1])


@pytest.mark.parametrize(
    ("statement", "given", "wrong"),
    [
        ("SELECT * FROM alert AS a, plan AS p WHERE a.city_code = $1 AND p.city_code = $2", 2, 1),
        ("INSERT INTO log_head (city_code, position) VALUES ($1, 0), ($2, 0)", 2, 1),
        ("SELECT * FROM alert WHERE city_code = $1 AND city_code = '410183'", 1, 1),
    ],
)
def test_two_parameters_are_one_city_where_their_values_are_the_same(
    statement: str, given: int, wrong: int
) -> None:
    sent = StatementsSent()
    assert sent.judged(statement, ["410183"] * given) == ""
    assert "several cities" in sent.judged(statement, ["410183"] * (given - 1) + ["410184"] * wrong)


def test_every_statement_that_spans_cities_has_its_reason_and_there_are_few() -> None:
    assert len(SPANNING) < 10
    for place, reason in SPANNING.items():
        module, name = place.split(":")
        tree = ast.parse((ROOT / f"{module.replace('.', '/')}.py").read_text(encoding="utf-8"))
        named = {node.name for node in tree.body if isinstance(node, ast.AsyncFunctionDef)}
        assert name in named, f"{place} is not there any more"
        assert reason


def test_the_script_for_a_cluster_distributes_what_is_judged() -> None:
    """Whatever has a `city_code` is distributed; the judge takes the same for the tenants'."""
    script = (ROOT / "deploy" / "citus" / "distribute.sql").read_text(encoding="utf-8")
    assert re.search(r"attname = 'city_code'", script)
    assert {name for name, table in Base.metadata.tables.items() if "city_code" in table.c} == set(
        TABLES
    )
    assert set(Base.metadata.tables) - set(TABLES) == KEPT_EVERYWHERE
