"""The authors of a submission's revision. Pure.

Nobody may decide on their own words, and a correction carries words of the revision before it.
So the authors of a revision are those who wrote or handed it in, and those who wrote the words
that it still carries.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from services.core.identity.actor import Actor

SubmissionRow = Mapping[str, Any]
"""A submission as a row, by the table's column names."""

_WORDS = (
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
"""The columns that somebody writes, evidence included. Whether a value is final is a flag and does
not make anybody an author."""

_COMPUTED = frozenset({"value", "not_applicable_reason"})
"""Columns that are computed from a ratio's two parts, and therefore have no author."""


@dataclass(frozen=True, slots=True)
class Authors:
    """Everybody who wrote or handed in something: their keys or persons, and their units.

    A key of the whole plan has no unit.
    """

    keys: tuple[UUID, ...] = ()
    organizations: tuple[str, ...] = ()

    def with_(self, actor: Actor) -> "Authors":
        """Return the authors including this actor."""
        unit = actor.organization_code
        return self.and_(Authors((actor.author_id,), () if unit is None else (unit,)))

    def and_(self, others: "Authors") -> "Authors":
        """Return the union of these authors and others."""
        return Authors(
            tuple(dict.fromkeys((*self.keys, *others.keys))),
            tuple(dict.fromkeys((*self.organizations, *others.organizations))),
        )

    def without(self, others: "Authors") -> "Authors":
        """Return these authors except the others."""
        return Authors(
            tuple(key for key in self.keys if key not in others.keys),
            tuple(unit for unit in self.organizations if unit not in others.organizations),
        )

    def include(self, actor: Actor) -> bool:
        """Return whether the actor, or another key of its unit, is among the authors.

        A person counts as the same author under any post.
        """
        return actor.author_id in self.keys or actor.organization_code in self.organizations


NOBODY = Authors()


def authors_by(stamp: Mapping[str, Any]) -> Authors:
    """Return the author named by a stamp (`Actor.stamp`); nobody if the system itself acted."""
    unit = stamp.get("organization_code")
    found = () if stamp.get("id") is None else (UUID(stamp["id"]),)
    return Authors(found, () if unit is None else (unit,))


def authors_kept(authors: Authors) -> dict[str, list[str]]:
    """Return authors as stored in a JSON column."""
    return {
        "keys": [str(key) for key in authors.keys],
        "organizations": list(authors.organizations),
    }


def authors_read(kept: Mapping[str, Any]) -> Authors:
    """Read authors that `authors_kept` wrote."""
    return Authors(tuple(UUID(key) for key in kept["keys"]), tuple(kept["organizations"]))


@dataclass(frozen=True, slots=True)
class Authorship:
    """Who wrote or handed in the present revision, and for each column who wrote its content."""

    revision: Authors
    words: Mapping[str, Authors]

    @property
    def authors(self) -> Authors:
        """Return everybody who may not decide on the revision."""
        found = self.revision
        for wrote in self.words.values():
            found = found.and_(wrote)
        return found


def authors_of(row: SubmissionRow) -> Authors:
    """Return who may not decide on the present revision; null: only the person who reported it."""
    if row["authors"] is not None:
        return Authors(tuple(row["authors"]), tuple(row["author_organizations"]))
    unit = row["reported_by_organization"]
    return Authors((row["reported_by"],), () if unit is None else (unit,))


def authorship_of(row: SubmissionRow) -> Authorship:
    """Return who wrote each column; if that is not stored, every author wrote all of it."""
    kept = row["authorship"]
    if kept is None:
        everybody = authors_of(row)
        return Authorship(everybody, dict.fromkeys(_written(row), everybody))
    everybody = authors_of(row)
    words = {
        name: _read(kept["words"][name]) if name in kept["words"] else everybody
        for name in _written(row)
    }
    known = Authorship(_read(kept["revision"]), words)
    # A process of an older release stores the signers, but not which words are theirs.
    return Authorship(known.revision.and_(everybody.without(known.authors)), words)


def after_writing(
    row: SubmissionRow, wanted: Mapping[str, Any], actor: Actor, beside: Authors = NOBODY
) -> Authorship:
    """Return the authorship after the actor has written `wanted` into a row and signed it.

    `beside` are further authors of these words.
    """
    before = authorship_of(row)
    after = {**row, **wanted}

    def wrote(name: str) -> Authors:
        if name not in before.words:
            return beside.with_(actor)
        if after[name] == row[name]:
            return before.words[name]
        # Adding or removing a file leaves the files of others in place.
        return (before.words[name] if name == "files" else NOBODY).and_(beside).with_(actor)

    words = {name: wrote(name) for name in _written(after)}
    return Authorship(before.revision.with_(actor).and_(beside), words)


def taken_over(row: SubmissionRow) -> Authorship:
    """Return the authorship of a new correction: nobody signed it yet, its words have authors."""
    return Authorship(Authors(), authorship_of(row).words)


def columns_of(authorship: Authorship) -> dict[str, Any]:
    """Return an authorship as columns of the table."""
    authors = authorship.authors
    return {
        "authors": list(authors.keys),
        "author_organizations": list(authors.organizations),
        "authorship": {
            "revision": _kept(authorship.revision),
            "words": {name: _kept(wrote) for name, wrote in authorship.words.items()},
        },
    }


def _written(row: SubmissionRow) -> list[str]:
    """Return the columns of a row that have content that somebody wrote."""
    computed = _COMPUTED if row["numerator"] is not None else frozenset()
    return [name for name in _WORDS if row[name] is not None and name not in computed]


def _kept(authors: Authors) -> dict[str, list[str]]:
    return {
        "keys": [str(key) for key in authors.keys],
        "organizations": list(authors.organizations),
    }


def _read(kept: Mapping[str, Any]) -> Authors:
    return Authors(tuple(UUID(key) for key in kept["keys"]), tuple(kept["organizations"]))
