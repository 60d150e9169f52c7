"""Who wrote what a revision says: together, apart, and as the table keeps it."""

from typing import Any
from uuid import UUID

from services.core.submissions.authorship import (
    NOBODY,
    Authors,
    Authorship,
    after_writing,
    authors_by,
    authors_of,
    authorship_of,
    columns_of,
    taken_over,
)
from tests.unit.submissions.builders import an_actor

ONE, TWO = Authors((UUID(int=1),), ("UN01",)), Authors((UUID(int=2),), ("UN02",))
ACTOR, OTHER = an_actor("reporter", "UN15", 3), an_actor("office", None, 4)
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
        "files",
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


def test_whoever_adds_a_file_or_takes_one_away_leaves_those_of_others() -> None:
    row = {**EMPTY, "files": [1], **columns_of(Authorship(ONE, {"files": ONE}))}
    more = after_writing(row, {"files": [1, 2]}, ACTOR)
    assert more.words == {"files": ONE.with_(ACTOR)}
    row = {**row, "files": [1, 2], **columns_of(more)}
    assert after_writing(row, {"files": [2]}, OTHER).words == {
        "files": ONE.with_(ACTOR).with_(OTHER)
    }
    assert after_writing(row, {"files": None}, OTHER).words == {}
    assert taken_over(row).authors == ONE.with_(ACTOR)


def test_a_stamp_names_an_author_and_the_system_is_none() -> None:
    assert authors_by(ACTOR.stamp()) == NOBODY.with_(ACTOR)
    assert authors_by({"kind": "system", "name": "observations"}) == NOBODY
