"""A client that works without a network: it keeps what it writes, and loses none of it.

It needs Python 3.11 and nothing else. What it knows and what it has to send is in one SQLite file;
each step is one local transaction, so it may be killed at any point and goes on where it was.

    python offline_client.py phone.db report U08 UN15 2025 40.65
    python offline_client.py phone.db sync https://wufei.example.gov.cn 410183-2025 $KEY

Four rules make it safe:

1. A write gets its id and the time of the device when it is made, and keeps both until it is
   answered. It is sent again as it is: the ledger takes it in once.
2. A write names the version that the person saw, not the newest one.
3. An answer is taken in whole: writes that were answered leave the outbox in the same transaction
   in which results, changes and the position are stored.
4. What was refused, and what is in conflict, is shown until a person has looked at it.
"""

import json
import os
import sqlite3
import sys
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

MOST_WRITES, MOST_BYTES = 500, 4_000_000
LISTS = ("obligations", "todo", "alerts", "conflicts", "milestone_conflicts", "refused")
REPORT = ("percent", "narrative", "problems", "next_steps", "expected_date")

Json = dict[str, Any]
Ask = Callable[[str, str, Json | None], Json]
"""Sends METHOD, path and body, and returns the answer's body; raises where there is none."""

_TABLES = """
CREATE TABLE IF NOT EXISTS outbox (
    turn INTEGER PRIMARY KEY, subject TEXT NOT NULL, write TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS thing (
    kind TEXT, id TEXT, body TEXT NOT NULL, PRIMARY KEY (kind, id));
CREATE TABLE IF NOT EXISTS seen (id TEXT PRIMARY KEY, version INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS alias (id TEXT PRIMARY KEY, known TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS list (name TEXT PRIMARY KEY, digest TEXT NOT NULL, items TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS result (id TEXT PRIMARY KEY, write TEXT NOT NULL, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS position (number INTEGER NOT NULL);
"""


def uuid7() -> str:
    """Return a new UUIDv7: 48 bits of milliseconds, then random ones (RFC 9562)."""
    number = (time.time_ns() // 1_000_000) << 80 | int.from_bytes(os.urandom(10), "big")
    number = number & ~(0xF << 76) | 7 << 76
    return str(uuid.UUID(int=number & ~(0x3 << 62) | 2 << 62))


def cleaned(said: Any) -> Any:
    """Return what was said without half characters and U+0000, which the ledger cannot keep."""
    if not isinstance(said, str):
        return said
    whole = said.replace("\0", "").encode("utf-16-le", "surrogatepass")
    return whole.decode("utf-16-le", "replace")


class OfflineClient:
    """What a device knows of a plan, and what it has still to send."""

    def __init__(self, path: str) -> None:
        """Open the store at `path`, and make it where there is none."""
        self._store = sqlite3.connect(path, isolation_level=None)
        self._store.executescript(_TABLES)

    def report(self, indicator: str, unit: str, period: str, **said: Any) -> str:
        """Write down a new submission and return its id; `draft=True` keeps it a draft."""
        place = {"indicator_code": indicator, "organization_code": unit, "period": period}
        return self._write("submission.create", "submission_id", uuid7(), data={**place, **said})

    def edit(self, submission: str, **said: Any) -> None:
        """Write down a change; what is not named stays as it is, and None clears."""
        self._write("submission.edit", "submission_id", submission, data=said)

    def submit(self, submission: str) -> None:
        """Write down that it is handed in."""
        self._write("submission.submit", "submission_id", submission)

    def withdraw(self, submission: str) -> None:
        """Write down that it is taken back."""
        self._write("submission.withdraw", "submission_id", submission)

    def progress(self, milestone: str, **said: Any) -> None:
        """Write down how far a milestone is; what is not named stays as the person saw it.

        A report is sent in full: as the ledger told it last, with what was written here since.
        """
        known = self.things("milestone")[milestone]
        report = {name: known[name] for name in REPORT}
        for write in self.waiting():
            if write["kind"] == "milestone.progress" and write["milestone_id"] == milestone:
                report |= write["data"]
        self._write("milestone.progress", "milestone_id", milestone, data={**report, **said})

    def waiting(self) -> list[Json]:
        """Return what has still to be sent, in the order in which it was written."""
        rows = self._store.execute("SELECT write FROM outbox ORDER BY turn")
        return [json.loads(write) for (write,) in rows]

    def things(self, kind: str) -> dict[str, Json]:
        """Return every `submission` or `milestone` as the ledger told it last, by id."""
        rows = self._store.execute("SELECT id, body FROM thing WHERE kind = ?", (kind,))
        return {name: json.loads(body) for name, body in rows}

    def listed(self, name: str) -> list[Json]:
        """Return one of `LISTS` as it was told last."""
        row = self._store.execute("SELECT items FROM list WHERE name = ?", (name,)).fetchone()
        return [] if row is None else json.loads(row[0])

    def results(self) -> dict[str, Json]:
        """Return what became of each write that was not simply applied, by its id."""
        rows = self._store.execute("SELECT id, body FROM result")
        return {name: json.loads(body) for name, body in rows}

    def looked_at(self, write: str) -> None:
        """Forget what became of a write, once a person has seen it."""
        self._store.execute("DELETE FROM result WHERE id = ?", (write,))

    def sync(self, ask: Ask, plan: str) -> None:
        """Send what waits and hear what changed, until nothing is left of either.

        Where the network fails, it raises what `ask` raised; nothing is lost, call it again.
        """
        if self._position() is None:
            self._begin(ask, plan)
        more = True
        while more:
            writes = self._next_writes()
            body = {"plan": plan, "writes": writes, "known": self._known()}
            answer = ask("POST", "/v1/sync", {**body, "position": self._position()})
            with self._transaction():
                self._take_in(writes, answer)
                if answer["begin_anew"]:
                    self._store.execute("DELETE FROM position")
            if answer["begin_anew"]:
                self._begin(ask, plan)
            more = answer["has_more"] or bool(self.waiting())

    def _begin(self, ask: Ask, plan: str) -> None:
        """Copy the lists once. What changes while they are read comes after the position.

        So it is at first, and when the ledger says `begin_anew`.
        """
        start = ask("POST", "/v1/sync", {"plan": plan})["position"]
        with self._transaction():
            self._store.execute("DELETE FROM thing")
            self._store.execute("DELETE FROM seen")
            for kind in ("submission", "milestone"):
                for one in _pages(ask, f"/v1/plans/{plan}/{kind}s?page_size=500"):
                    if one["state"] not in {"withdrawn", "cancelled"}:
                        self._keep(kind, one)
            self._store.execute("DELETE FROM position")
            self._store.execute("INSERT INTO position VALUES (?)", (start,))

    def _write(self, kind: str, named: str, subject: str, **more: Json) -> str:
        alias = self._store.execute("SELECT known FROM alias WHERE id = ?", (subject,)).fetchone()
        subject = subject if alias is None else alias[0]
        write = {"id": uuid7(), "kind": kind, named: subject}
        for part, said in more.items():
            write[part] = {name: cleaned(one) for name, one in said.items()}
        write["claimed_at"] = datetime.fromtimestamp(time.time(), UTC).isoformat()
        seen = self._store.execute("SELECT version FROM seen WHERE id = ?", (subject,)).fetchone()
        if seen is not None:
            write["base_version"] = seen[0]
        self._store.execute(
            "INSERT INTO outbox (subject, write) VALUES (?, ?)", (subject, json.dumps(write))
        )
        return subject

    def _next_writes(self) -> list[Json]:
        """Return as many writes as one call takes; those on one thing are not torn apart."""
        rows = self._store.execute("SELECT subject, write FROM outbox ORDER BY turn").fetchall()
        chosen = dict.fromkeys(subject for subject, _ in rows[:MOST_WRITES])
        kept = [write for subject, write in rows if subject in chosen]
        while not _fit(kept) and len(chosen) > 1:
            chosen.popitem()
            kept = [write for subject, write in rows if subject in chosen]
        while not _fit(kept):
            kept.pop()
        return [json.loads(write) for write in kept]

    def _take_in(self, writes: list[Json], answer: Json) -> None:
        for write, result in zip(writes, answer["results"], strict=True):
            self._take_result(write, result)
        for kind in ("submission", "milestone"):
            for one in answer[f"{kind}s"]:
                self._keep(kind, one)
        for gone in answer["tombstones"]:
            self._store.execute(
                "DELETE FROM thing WHERE kind = ? AND id = ?", (gone["kind"], gone["id"])
            )
        for name in LISTS:
            if (told := answer[name]) is not None:
                kept = (name, told["digest"], json.dumps(told["items"]))
                self._store.execute("INSERT OR REPLACE INTO list VALUES (?, ?, ?)", kept)
        self._store.execute("UPDATE position SET number = ?", (answer["position"],))

    def _take_result(self, write: Json, result: Json) -> None:
        subject, sent = write.get("submission_id") or write["milestone_id"], write["id"]
        self._store.execute("DELETE FROM outbox WHERE json_extract(write, '$.id') = ?", (sent,))
        if result["outcome"] in {"conflict", "refused"}:
            kept = (sent, json.dumps(write), json.dumps(result))
            self._store.execute("INSERT OR REPLACE INTO result VALUES (?, ?, ?)", kept)
        if result["outcome"] == "merged" and write["kind"] == "submission.edit":
            self._based_on(subject, result["version"], set(write["data"]))
        if result["outcome"] == "applied":
            self._based_on(subject, result["version"])
            if write["kind"] == "milestone.progress":
                self._says(subject, write["data"])
        if result["subject_id"] != subject:
            self._is_really(subject, result["subject_id"])

    def _based_on(self, subject: str, version: int, ours: set[str] | None = None) -> None:
        """Let what was written meanwhile stand on our own change.

        Where that was merged, others changed something too: then `ours` are the members that only
        we have changed, and what says anything else stands on what the person saw.
        """
        if ours is None:
            self._store.execute("INSERT OR REPLACE INTO seen VALUES (?, ?)", (subject, version))
        for turn, text in self._store.execute(
            "SELECT turn, write FROM outbox WHERE subject = ?", (subject,)
        ).fetchall():
            said = set(json.loads(text).get("data", ()))
            if ours is None or (said and said <= ours):
                based = json.dumps(json.loads(text) | {"base_version": version})
                self._store.execute("UPDATE outbox SET write = ? WHERE turn = ?", (based, turn))

    def _says(self, milestone: str, report: Json) -> None:
        """Let a milestone say what was reported of it: a report that follows begins with that."""
        body = json.dumps({**self.things("milestone").get(milestone, {}), **report})
        self._store.execute("UPDATE thing SET body = ? WHERE id = ?", (body, milestone))

    def _is_really(self, subject: str, known: str) -> None:
        """Let what is written be of the submission that the place has already."""
        self._store.execute("INSERT OR REPLACE INTO alias VALUES (?, ?)", (subject, known))
        self._store.execute(
            "UPDATE outbox SET subject = ?, write = json_set(write, '$.submission_id', ?)"
            " WHERE subject = ?",
            (known, known, subject),
        )

    def _keep(self, kind: str, one: Mapping[str, Any]) -> None:
        self._store.execute(
            "INSERT OR REPLACE INTO thing VALUES (?, ?, ?)", (kind, one["id"], json.dumps(one))
        )
        self._store.execute(
            "INSERT OR REPLACE INTO seen VALUES (?, ?)", (one["id"], one["version"])
        )

    def _known(self) -> dict[str, str]:
        return dict(self._store.execute("SELECT name, digest FROM list"))

    def _position(self) -> int | None:
        row = self._store.execute("SELECT number FROM position").fetchone()
        return None if row is None else row[0]

    def _transaction(self) -> "_Transaction":
        return _Transaction(self._store)


class _Transaction:
    """One local transaction: all of it, or nothing."""

    def __init__(self, store: sqlite3.Connection) -> None:
        self._store = store

    def __enter__(self) -> None:
        self._store.execute("BEGIN IMMEDIATE")

    def __exit__(self, failed: object, *_: object) -> None:
        self._store.execute("COMMIT" if failed is None else "ROLLBACK")


def _fit(writes: list[str]) -> bool:
    return len(writes) <= MOST_WRITES and sum(map(len, writes)) <= MOST_BYTES


def _pages(ask: Ask, path: str) -> Iterator[Json]:
    token = ""
    while True:
        page = ask("GET", f"{path}&page_token={token}" if token else path, None)
        yield from page["items"]
        token = page["next_page_token"]
        if token is None:
            return


def over_http(server: str, key: str) -> Ask:
    """Return what asks a server with a key; an answer that is no success raises `HTTPError`."""

    def ask(method: str, path: str, body: Json | None) -> Json:
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        asked = urllib.request.Request(server + path, data, headers, method=method)  # noqa: S310
        with urllib.request.urlopen(asked, timeout=60) as answer:  # noqa: S310
            found: Json = json.load(answer)
        return found

    return ask


def main(store: str, command: str, *said: str) -> None:
    """Report a value, send what waits, or show what is known."""
    client = OfflineClient(store)
    if command == "report":
        indicator, unit, period, value = said
        _say(client.report(indicator, unit, period, value=value))
    elif command == "sync":
        server, plan, key = said
        client.sync(over_http(server, key), plan)
    _say(f"{len(client.waiting())} to be sent, {len(client.things('submission'))} known")
    for write, result in client.results().items():
        disputed = result["conflict"]
        why = disputed["href"] if disputed else result["refusal"]["message_en"]
        _say(f"{write} {result['outcome']}: {why}")


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
