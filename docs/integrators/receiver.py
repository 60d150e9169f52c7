#!/usr/bin/env python3
"""A receiver of Wufei's webhooks that verifies; needs nothing but Python's standard library.

`wufei_messages.py` belongs beside it.

    export WUFEI_WEBHOOK_SECRET='whsec_…'     # or whpk_…; several, separated by spaces
    python3 receiver.py serve --port 9000     # receive; what is remembered is in receiver.db
    python3 receiver.py verify ID TIMESTAMP SIGNATURE < body    # one delivery that was kept
    python3 receiver.py catch-up              # read the feed (WUFEI_URL, WUFEI_KEY)
    python3 receiver.py catch-up --follow     # and go on reading: where no webhook gets through

Put what your system does into `handle`. It runs in the transaction that remembers the event's
id, so an event that comes twice works once. `whpk_…` also needs the package `cryptography`.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import re
import sqlite3
import sys
import threading
import time
import urllib.error
import urllib.request
from contextlib import closing
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from wufei_messages import (
    Event,
    Key,
    Refused,
    check_time,
    event_of,
    read_delivery,
    read_keys,
    verify,
)

MOST_BYTES = 1024 * 1024
MOST_REMEMBERED = 100_000
"""Bounds of what a stranger can make us read, try and keep."""

READ_WITHIN = 10
"""Seconds for a whole body; we owe an answer within 15."""

CATCH_UP_EVERY = 600


log = logging.getLogger("receiver")


# --- 1. Your part ---------------------------------------------------------------------------


def handle(_transaction: sqlite3.Connection, event: Event, *, late: bool) -> None:
    """Do with an event what your system does. Yours to write; an exception makes Wufei retry.

    `late`: something newer of the same subject was handled before, so do not let this one
    overwrite it. Types that you do not know are not a fault: pass over them. Keep it short, or
    only store the event here and work it off elsewhere.
    """
    log.info(
        "handled position=%s type=%s id=%s%s",
        *(event.position, event.type, event.id, " late" if late else ""),
    )


# --- 2. What is remembered ------------------------------------------------------------------


class Ledger:
    """The ids that were handled, the newest position of each subject, how far the feed was read."""

    def __init__(self, file: str, most: int = MOST_REMEMBERED) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._database = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
        self._database.executescript(
            """
            PRAGMA journal_mode = WAL;
            CREATE TABLE IF NOT EXISTS seen (number INTEGER PRIMARY KEY, id TEXT UNIQUE);
            CREATE TABLE IF NOT EXISTS subject (name TEXT PRIMARY KEY, position INTEGER);
            CREATE TABLE IF NOT EXISTS feed (one INTEGER PRIMARY KEY, position INTEGER);
            INSERT OR IGNORE INTO feed VALUES (1, 0);
            """
        )

    def take(self, event: Event) -> bool:
        """Handle an event if it is new, and remember it with what was done; return if it was."""
        with self._lock, self._database as transaction:
            transaction.execute("BEGIN IMMEDIATE")
            added = transaction.execute("INSERT OR IGNORE INTO seen (id) VALUES (?)", (event.id,))
            if not added.rowcount:
                return False
            oldest = int(added.lastrowid or 0) - self._most
            transaction.execute("DELETE FROM seen WHERE number <= ?", (oldest,))
            handle(transaction, event, late=self._is_late(transaction, event))
            return True

    @staticmethod
    def _is_late(transaction: sqlite3.Connection, event: Event) -> bool:
        newest = transaction.execute(
            "SELECT position FROM subject WHERE name = ?", (event.subject,)
        )
        if any(position > event.position for (position,) in newest.fetchall()):
            return True
        place = (event.subject, event.position)
        transaction.execute("INSERT OR REPLACE INTO subject VALUES (?, ?)", place)
        return False

    @property
    def feed_position(self) -> int:
        """The position up to which the feed was read: nothing up to it can be missing."""
        with self._lock:
            return int(self._database.execute("SELECT position FROM feed").fetchone()[0])

    @feed_position.setter
    def feed_position(self, position: int) -> None:
        with self._lock:
            self._database.execute("UPDATE feed SET position = max(position, ?)", (position,))

    def begin_anew(self, position: int) -> None:
        """Go on from a position, an earlier one too: what came after it came to nothing."""
        with self._lock, self._database as transaction:
            transaction.execute("UPDATE feed SET position = ?", (position,))
            transaction.execute("DELETE FROM subject WHERE position > ?", (position,))

    def close(self) -> None:
        """Close the file."""
        self._database.close()


# --- 3. The feed ----------------------------------------------------------------------------


def catch_up(url: str, key: str, ledger: Ledger, *, wait: int = 0) -> None:
    """Read the feed from where it was read to, until there is no more now.

    What came by webhook already is passed over by its id. `wait` seconds are waited for the
    first event.
    """
    more = True
    while more:
        after = ledger.feed_position
        try:
            answer = _ask(f"{url}/v1/events?after={after}&limit=1000&wait={wait}", key, wait + 30)
        except urllib.error.HTTPError as error:
            _meet(error, ledger)
            continue
        for item in answer["items"]:
            ledger.take(event_of(item, item["data"]))
        ledger.feed_position = answer["last_position"]
        more = answer["has_more"]
    log.info("feed read to position=%s", ledger.feed_position)


def _ask(url: str, key: str, seconds: int) -> Any:
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {key}"})  # noqa: S310
    with urllib.request.urlopen(request, timeout=seconds) as answer:  # noqa: S310 (our setting)
        return json.load(answer, parse_float=Decimal)


def _meet(error: urllib.error.HTTPError, ledger: Ledger) -> None:
    """Go on after a refusal where one can."""
    if error.code == 410:  # noqa: PLR2004
        # What lies between is kept no more: read the things themselves anew, then go on here.
        # After a restore of an older backup, here is before the position that was read to.
        oldest = json.load(error)["oldest_position"]
        log.warning("feed gap: nothing before position=%s is kept; copy anew", oldest)
        ledger.begin_anew(oldest - 1)
    elif error.code in (429, 503):
        pause = error.headers.get("Retry-After", "")
        time.sleep(min(int(pause), 3600) if pause.isdecimal() else 30)
    else:
        raise error


def _keep_catching_up(url: str, key: str, ledger: Ledger, *, wait: int, pause: int) -> None:
    while True:
        try:
            catch_up(url, key, ledger, wait=wait)
        except Exception:
            log.exception("the feed could not be read; again in a while")
            time.sleep(30)
        time.sleep(pause)


# --- 4. The door ----------------------------------------------------------------------------


class Door(BaseHTTPRequestHandler):
    """Takes POSTs at any path. Terminate TLS in front of it, with your usual web server."""

    keys: list[Key]
    ledger: Ledger

    protocol_version = "HTTP/1.1"
    timeout = READ_WITHIN

    def do_POST(self) -> None:
        """Answer 204 to what is right, handled now or before; never 500."""
        try:
            self._take()
        except Refused as refused:
            self._answer(refused.status, str(refused))
        except OSError:
            self.close_connection = True
        except Exception:
            # Ours to mend; 503 tells Wufei to come again.
            log.exception("an event could not be handled")
            self._answer(503, "try again later")
        else:
            self._answer(204)

    def _take(self) -> None:
        body = self._body()
        message_id = self.headers.get("webhook-id", "")
        timestamp = self.headers.get("webhook-timestamp", "")
        signatures = self.headers.get("webhook-signature", "")
        verify(self.keys, message_id, timestamp, signatures, body)
        check_time(timestamp, time.time())
        if not self.ledger.take(read_delivery(message_id, body)):
            log.info("repeated id=%s", message_id)

    def _body(self) -> bytes:
        """Return the raw bytes of the body: these are signed, not what a parser makes of them."""
        length = self.headers.get("Content-Length", "")
        if "Transfer-Encoding" in self.headers or not re.fullmatch(r"[0-9]{1,12}", length):
            raise Refused(411, "Content-Length is missing")
        if int(length) > MOST_BYTES:
            raise Refused(413, "the body is too large")
        body, until = b"", time.monotonic() + READ_WITHIN
        while len(body) < int(length):
            left = until - time.monotonic()
            if left <= 0:
                raise Refused(408, "the body is too slow")
            self.connection.settimeout(left)
            piece = self.rfile.read1(int(length) - len(body))
            if not piece:
                raise Refused(400, "the body breaks off")
            body += piece
        self.connection.settimeout(self.timeout)
        return body

    def _answer(self, status: int, reason: str = "") -> None:
        if reason:
            log.info("refused %s %s", status, reason)
            # What is left of the request is not read.
            self.close_connection = True
        self.send_response(status)
        if reason:
            self.send_header("Content-Type", "text/plain; charset=utf-8")
            self.send_header("Content-Length", str(len(reason)))
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(reason.encode())

    def _refuse_method(self) -> None:
        self._answer(405, "only POST is taken here")

    do_GET = do_HEAD = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _refuse_method  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say what the library says, where debugging is on."""
        log.debug(format, *args)


class Server(ThreadingHTTPServer):
    """One thread for each connection."""

    daemon_threads = True
    request_queue_size = 128


# --- 5. The program -------------------------------------------------------------------------


def serve(arguments: argparse.Namespace) -> None:
    """Receive until ended, and read the feed at the start and now and then if there is a key."""
    Door.keys = read_keys(os.environ.get("WUFEI_WEBHOOK_SECRET", ""))
    Door.ledger = Ledger(arguments.state)
    with Server((arguments.host, arguments.port), Door) as server:
        log.info("listening on http://%s:%s/", *server.server_address[:2])
        url, key = os.environ.get("WUFEI_URL"), os.environ.get("WUFEI_KEY")
        if url and key:
            threading.Thread(
                target=_keep_catching_up,
                args=(url.rstrip("/"), key, Door.ledger),
                kwargs={"wait": 0, "pause": CATCH_UP_EVERY},
                daemon=True,
            ).start()
        server.serve_forever()


def read_feed(arguments: argparse.Namespace) -> None:
    """Read the feed once, or for ever."""
    url, key = os.environ["WUFEI_URL"].rstrip("/"), os.environ["WUFEI_KEY"]
    with closing(Ledger(arguments.state)) as ledger:
        if arguments.follow:
            _keep_catching_up(url, key, ledger, wait=30, pause=0)
        catch_up(url, key, ledger)


def verify_one(arguments: argparse.Namespace) -> None:
    """Say whether the signature of a delivery fits the bytes on standard input."""
    keys = read_keys(os.environ.get("WUFEI_WEBHOOK_SECRET", ""))
    verify(keys, arguments.id, arguments.timestamp, arguments.signature, sys.stdin.buffer.read())
    age = int(time.time()) - int(arguments.timestamp)
    log.info("the signature fits; it was made %s seconds ago", age)


def main() -> int:
    """Run one of the three commands."""
    logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(message)s")
    parser = argparse.ArgumentParser(description="Receives Wufei's webhooks.")
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("serve", help="receive")
    command.add_argument("--host", default="127.0.0.1")
    command.add_argument("--port", type=int, default=9000)
    command.add_argument("--state", default="receiver.db")
    command.set_defaults(run=serve)
    command = commands.add_parser("catch-up", help="read the feed")
    command.add_argument("--follow", action="store_true", help="and wait for what comes")
    command.add_argument("--state", default="receiver.db")
    command.set_defaults(run=read_feed)
    command = commands.add_parser("verify", help="verify one delivery; its body comes by stdin")
    for name in ("id", "timestamp", "signature"):
        command.add_argument(name)
    command.set_defaults(run=verify_one)
    arguments = parser.parse_args()
    try:
        arguments.run(arguments)
    except Refused as refused:
        fault = f"refused {refused.status} {refused}"
    except (ValueError, KeyError, OSError) as error:
        fault = f"{type(error).__name__}: {error}"
    except KeyboardInterrupt:
        fault = "ended"
    else:
        return 0
    log.error("%s", fault)
    return 1


if __name__ == "__main__":
    sys.exit(main())
