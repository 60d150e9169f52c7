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
"""A submission as the table's columns name it."""

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
"""The columns that somebody writes, with what it rests upon. Whether a value is final is a mark on
it and no word."""

_COMPUTED = frozenset({"value", "not_applicable_reason"})
"""What a ratio computes of its two parts, so that nobody wrote it."""


@dataclass(frozen=True, slots=True)
class Authors:
    """Everybody who wrote something or handed it in: their keys or persons, and their units.

    A key of the whole plan has no unit.
    """

    keys: tuple[UUID, ...] = ()
    organizations: tuple[str, ...] = ()

    def with_(self, actor: Actor) -> "Authors":
        """Return the authors once this actor is one of them too."""
        unit = actor.organization_code
        return self.and_(Authors((actor.author_id,), () if unit is None else (unit,)))

    def and_(self, others: "Authors") -> "Authors":
        """Return these authors and others, each once."""
        return Authors(
            tuple(dict.fromkeys((*self.keys, *others.keys))),
            tuple(dict.fromkeys((*self.organizations, *others.organizations))),
        )

    def without(self, others: "Authors") -> "Authors":
        """Return those of these authors that are none of the others."""
        return Authors(
            tuple(key for key in self.keys if key not in others.keys),
            tuple(unit for unit in self.organizations if unit not in others.organizations),
        )

    def include(self, actor: Actor) -> bool:
        """Return whether the actor, or another key of its unit, is one of them.

        A person is one under whichever post.
        """
        return actor.author_id in self.keys or actor.organization_code in self.organizations


NOBODY = Authors()


def authors_by(stamp: Mapping[str, Any]) -> Authors:
    """Return whoever a stamp names (`Actor.stamp`); nobody where the system itself did it."""
    unit = stamp.get("organization_code")
    found = () if stamp.get("id") is None else (UUID(stamp["id"]),)
    return Authors(found, () if unit is None else (unit,))


def authors_kept(authors: Authors) -> dict[str, list[str]]:
    """Return authors as a column of JSON keeps them."""
    return {
        "keys": [str(key) for key in authors.keys],
        "organizations": list(authors.organizations),
    }


def authors_read(kept: Mapping[str, Any]) -> Authors:
    """Return the authors that `authors_kept` wrote."""
    return Authors(tuple(UUID(key) for key in kept["keys"]), tuple(kept["organizations"]))


@dataclass(frozen=True, slots=True)
class Authorship:
    """Who wrote or handed in the present revision, and by column who wrote what stands there."""

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
    """Return who may not decide on the present revision; null: whoever reported it, alone."""
    if row["authors"] is not None:
        return Authors(tuple(row["authors"]), tuple(row["author_organizations"]))
    unit = row["reported_by_organization"]
    return Authors((row["reported_by"],), () if unit is None else (unit,))


def authorship_of(row: SubmissionRow) -> Authorship:
    """Return who wrote what; where nobody kept it apart, every author wrote all of it."""
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
    # A process of an older release keeps who signed, and not which words are theirs.
    return Authorship(known.revision.and_(everybody.without(known.authors)), words)


def after_writing(
    row: SubmissionRow, wanted: Mapping[str, Any], actor: Actor, beside: Authors = NOBODY
) -> Authorship:
    """Return who wrote what once the actor has put `wanted` into a row and signed it.

    `beside` are others whose words these are.
    """
    before = authorship_of(row)
    after = {**row, **wanted}

    def wrote(name: str) -> Authors:
        if name not in before.words:
            return beside.with_(actor)
        if after[name] == row[name]:
            return before.words[name]
        # Whoever adds a file or takes one away leaves those of others.
        return (before.words[name] if name == "files" else NOBODY).and_(beside).with_(actor)

    words = {name: wrote(name) for name in _written(after)}
    return Authorship(before.revision.with_(actor).and_(beside), words)


def taken_over(row: SubmissionRow) -> Authorship:
    """Return who wrote what as a correction begins: it is nobody's yet, its words are."""
    return Authorship(Authors(), authorship_of(row).words)


def columns_of(authorship: Authorship) -> dict[str, Any]:
    """Return who wrote what as the table keeps it."""
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
    """Return the columns in which a row says something that somebody wrote."""
    computed = _COMPUTED if row["numerator"] is not None else frozenset()
    return [name for name in _WORDS if row[name] is not None and name not in computed]


def _kept(authors: Authors) -> dict[str, list[str]]:
    return {
        "keys": [str(key) for key in authors.keys],
        "organizations": list(authors.organizations),
    }


def _read(kept: Mapping[str, Any]) -> Authors:
    return Authors(tuple(UUID(key) for key in kept["keys"]), tuple(kept["organizations"]))
