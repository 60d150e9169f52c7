"""Which files of core know the database: by their role, or each named here by its path."""

from pathlib import Path

from tests.support.source_tree import CORE, calling, modules, named, packages_of, slices

ROLES = {"models", "queries", "service", "statements"}
"""Names of files that know the database in every slice."""

WRITERS = {
    "alerts/digests": "what a unit is told once a day",
    "alerts/evaluation": "findings into what is told",
    "alerts/findings": "the one pass over what is open and what was told of it",
    "alerts/following": "when plans are evaluated, whole or in part",
    "alerts/late": "what is late of every kind, in one statement of many parts",
    "alerts/notices": "what was decided into its tables, with its events",
    "assessments/writing": "many assessments at once: begun, or changed",
    "audit/linking": "what was committed into the chain, and its daily head",
    "audit/proving": "reads a chain and what it covers, and writes nothing",
    "audit/walking": "goes along a chain past the sessions, and writes nothing",
    "connectors/dispatch": "batches claimed under a lease, on record before anything leaves",
    "connectors/following": "figures put into the queue, and out of it again",
    "connectors/lifecycle": "items sent again, and what a superior says that it holds",
    "connectors/retention": "requests that are too old to be kept",
    "connectors/settling": "what came of a batch: receipts by item, the silence",
    "drops/lifecycle": "file drops made, closed, and told to write a file again",
    "events/reading": "the cursor of a reader locked, moved on and announced",
    "evidence/resting": "files that something else rests upon stay",
    "gateways/counted": "how partners called, added to what is kept",
    "identity/changing": "keys changed, and given another secret",
    "identity/issuer_keys": "what foreign issuers publish, as it was fetched",
    "identity/token_keys": "keys that tokens are signed with, made and withdrawn",
    "imports/writing": "blocks of a file tried and written",
    "milestones/assigning": "a new one, and what was assigned changed",
    "milestones/changes": "a change with its history and its event",
    "milestones/conditions": "what a caller may see, as SQL for the slices above too",
    "milestones/extending": "more time, decided and put into force",
    "milestones/following": "what follows from a published plan and a changed calendar",
    "obligations/writing": "what is owed, many rows at once, each with its history",
    "observations/following": "conflicts raised, changed and closed where sources differ",
    "packages/lifecycle": "other installations registered, and changed",
    "packages/writing": "packages on their way to a disc",
    "papers/composing": "what the ledger says into a paper, read and never written",
    "people/accounts": "accounts linked, and let go",
    "people/admitting": "attempts judged and counted, under a lock",
    "people/posts": "made, and handed over",
    "people/provider_reception": "let in by an app, or linked to one",
    "people/providers": "apps that say who comes, set up, changed and ended",
    "people/sessions": "begun, gone on with, ended",
    "people/signing_in": "what is open to whoever proves who they are",
    "people/users": "entered, invited, ended, erased",
    "plan/assigning": "targets that the superior assigns, with the document that says so",
    "plan/loading": "a document into its tables",
    "plan/opening": "a period that is to be opened, and until when it is due",
    "registers/lifecycle": "what becomes of a row by hand",
    "registers/measures/following": "figures reckoned anew where rows changed",
    "registers/rekeying": "a plan loaded where the rows that stand keep their keys",
    "registers/undated": "days of rows that an earlier release confirmed",
    "scoring/comparing": "two boards and what happened between them",
    "scoring/counting": "what counts, added up over the units in one statement",
    "scoring/drawing": "boards brought up to date",
    "scoring/duties": "reads who owes what, and who reported a part of it",
    "scoring/foreseeing": "boards as they would be, read and never written",
    "scoring/inputs": "the log into what is scored",
    "scoring/plans_followed": "plans read once and kept while the log is followed",
    "scoring/snapshots": "results into their table",
    "submissions/batch/previews": "batches that were tried, kept to be committed",
    "submissions/batch/writing": "many submissions at once, each with its history and its event",
    "submissions/bulk": "one verb on many, each decided by itself",
    "submissions/creation": "the one-statement write of a new one",
    "sync/milestone_writes": "what devices report of milestones, one after the other",
    "sync/row_writes": "what devices say in rows of registers, decided together",
    "webhooks/dispatch": "deliveries claimed under a lease, in one statement",
    "webhooks/lifecycle": "endpoints tested, enabled, disabled, deleted",
    "webhooks/planning": "the log into deliveries, in one statement a stretch",
    "webhooks/queue_stats": "reads how deliveries stand, in statements of its own",
    "webhooks/recovery": "what was not delivered made due again",
    "webhooks/retention": "what is too old",
    "webhooks/settling": "their outcomes, many in one statement",
}
"""Files beside those that know it, below core, and what each is about. A name that one slice may
use this way is pure in the others."""

DATABASE = {"sqlalchemy", "asyncpg"}

OPENERS = {
    # A proof hashes, or asks an app, between two short transactions: ADR 0043.
    "people/admitting",
    "people/provider_reception",
    "people/provider_tokens",
    "people/signing_in",
    # What may be undone without the rest: a savepoint in the transaction of whoever calls, and
    # the one of a database that is not ours.
    "exchange/service",
    "submissions/creation",
}
"""All of the slices that open a transaction, or a session for a read; else the doors do."""


def _path(module: Path) -> str:
    return str(module.relative_to(CORE).with_suffix(""))


def _knows_the_database(module: Path) -> bool:
    return bool(packages_of(module) & DATABASE)


def test_core_leaves_the_commit_to_the_doors() -> None:
    assert calling(".commit", modules(CORE)) == []


def test_core_leaves_transactions_to_the_doors() -> None:
    opening = {
        _path(one)
        for one in slices()
        if calling(".transaction", [one]) or calling(".sessions", [one])
    }
    assert opening == OPENERS


def test_what_has_no_role_with_the_database_is_pure() -> None:
    others = [one for one in slices() if one.stem not in ROLES and _path(one) not in WRITERS]
    assert named(one for one in others if _knows_the_database(one)) == []


def test_every_writer_is_still_one() -> None:
    known = {_path(one) for one in slices() if _knows_the_database(one)}
    assert sorted(WRITERS.keys() - known) == []
