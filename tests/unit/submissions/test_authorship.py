"""Who wrote what a revision says: together, apart, and as the table keeps it."""

from typing import Any
from uuid import UUID

from services.core.submissions.authorship import (
    Authors,
    Authorship,
    authors_of,
    authorship_of,
    columns_of,
)

ONE, TWO = Authors((UUID(int=1),), ("UN01",)), Authors((UUID(int=2),), ("UN02",))
EMPTY: dict[str, Any] = dict.fromkeys(
    (
        "value",
        "numerator",
        "denominator",
        "level",
        "not_applicable_reason",
        "note",
        "source",
        "justification",
    )
)


def test_authors_are_put_together_and_taken_apart_by_key_and_by_unit() -> None:
    both = Authors((UUID(int=1), UUID(int=2)), ("UN01", "UN02"))
    assert ONE.and_(TWO).and_(ONE) == both
    assert both.without(ONE) == TWO
    assert ONE.without(TWO) == ONE
    assert ONE.without(both) == Authors()


def test_who_wrote_what_is_read_as_it_was_kept() -> None:
    kept = Authorship(ONE, {"note": TWO})
    row = {**EMPTY, "note": "n", **columns_of(kept)}
    assert authorship_of(row) == kept
    assert authors_of(row) == ONE.and_(TWO)


def test_of_who_signed_under_an_older_release_the_unit_counts_too() -> None:
    row = {**EMPTY, "note": "n", **columns_of(Authorship(ONE, {"note": ONE}))}
    row |= {"authors": [UUID(int=1), UUID(int=2)], "author_organizations": ["UN01", "UN02"]}
    assert authorship_of(row) == Authorship(ONE.and_(TWO), {"note": ONE})
