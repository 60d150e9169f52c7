#!/usr/bin/env python3
"""A superior's platform that stands in for a real one; needs nothing but Python's standard library.

    export WUFEI_SUPERIOR_SECRET='…'      # the secret that the connector was given
    python3 superior.py --port 9000 --app-id henan-1 --profile wufei-hmac
    python3 superior.py --port 9000 --app-id henan-1 --behave refuses,good

It takes reports at /report and questions at /receipts, proves their signatures, recognises an item
that comes twice by its id, and prints what it holds. `--behave` names what it does with one request
after the other, the last for ever:

    good        takes what is new, and answers every item with a receipt
    refuses     refuses two of a batch, and takes the rest
    twice       answers every item with the same receipt twice
    half        takes all, and has receipts for every second item only
    silent      takes all, and never answers
    broken      takes all, and breaks the connection
    fails       HTTP 500, nothing taken
    fails-late  HTTP 500 after all was taken
    throttles   HTTP 429, and asks for a pause of a second
    denies      HTTP 200 with `code` 300, nothing taken
    lies        receipts of items that nobody sent, receipts without a number, and two that disagree
    rewrites    takes all, and says that it holds another figure
    forgets     answers another receipt number each time an item comes
    babbles     HTTP 200 and no JSON
"""

from __future__ import annotations

import argparse
import hashlib
import hmac
import itertools
import json
import os
import sys
import threading
import time
from base64 import b64encode
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

WINDOW = 300
"""Seconds that a signed time may lie from ours."""

BEHAVIOURS = (
    *("good", "refuses", "twice", "half", "silent", "broken", "fails", "fails-late"),
    *("throttles", "denies", "lies", "rewrites", "forgets", "babbles"),
)
_TAKES_NOTHING = {"fails", "throttles", "denies", "babbles"}
_OTHER = "00000000-0000-7000-8000-000000000000"


class Refused(Exception):
    """A request that is not let in, and why."""


class Superior:
    """What the platform holds, whom it knows, and how it behaves."""

    def __init__(
        self, app_id: str, secret: str, *, profile: str = "wufei-hmac", behave: str = "good"
    ) -> None:
        self.app_id, self.secret, self.profile = app_id, secret.encode(), profile
        self.behave = behave.split(",")
        self.receipts: dict[str, dict[str, Any]] = {}
        self.held: dict[tuple[str, str, str], dict[str, Any]] = {}
        self.came: Counter[str] = Counter()
        self.requests: list[tuple[str, dict[str, Any]]] = []
        self.nonces: set[str] = set()
        self.refused_signatures = 0
        self.over = threading.Event()
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def turn(self) -> str:
        """Return how this request is treated."""
        with self._lock:
            return self.behave.pop(0) if len(self.behave) > 1 else self.behave[0]

    # --- Signatures ---------------------------------------------------------------------------

    def prove(self, method: str, address: str, headers: Any, body: bytes) -> None:
        """Let in what our partner signed, lately and once.

        Raises:
            Refused: something of that is not so.
        """
        try:
            if self.profile == "national":
                self._prove_national(headers)
            else:
                self._prove_whole(method, address, headers, body)
        except Refused:
            with self._lock:
                self.refused_signatures += 1
            raise

    def _prove_whole(self, method: str, address: str, headers: Any, body: bytes) -> None:
        """Prove `wufei-hmac`: method, path, query, body, time and nonce are signed."""
        at, nonce = headers.get("x-wufei-timestamp", ""), headers.get("x-wufei-nonce", "")
        parts = urlsplit(address)
        query = "&".join(sorted(one for one in parts.query.split("&") if one))
        digest = hashlib.sha256(body).hexdigest()
        text = f"{method}\n{parts.path}\n{query}\n{digest}\n{at}\n{nonce}"
        made = hmac.new(self.secret, text.encode(), "sha256").hexdigest()
        self._compare(made, headers.get("x-wufei-signature", ""))
        self._lately(headers.get("x-wufei-partner", ""), at, 1)
        self._once(nonce)

    def _prove_national(self, headers: Any) -> None:
        """Prove `national`: interface, requester and time are signed, and nothing else."""
        sid, rid = headers.get("gjzwfwpt_sid", ""), headers.get("gjzwfwpt_rid", "")
        at = headers.get("gjzwfwpt_rtime", "")
        made = hmac.new(self.secret, (sid + rid + at).encode(), "sha256").digest()
        self._compare(b64encode(made).decode(), headers.get("gjzwfwpt_sign", ""))
        self._lately(rid, at, 1000)

    @staticmethod
    def _compare(made: str, given: str) -> None:
        if not hmac.compare_digest(made.encode(), given.encode()):
            raise Refused("签名不符")

    def _lately(self, partner: str, at: str, unit: int) -> None:
        if partner != self.app_id:
            raise Refused("未知的对接方")
        if not at.isdigit() or abs(int(at) / unit - time.time()) > WINDOW:
            raise Refused("签名时间超出允许范围")

    def _once(self, nonce: str) -> None:
        with self._lock:
            if nonce in self.nonces:
                raise Refused("重复的请求")
            self.nonces.add(nonce)

    # --- What is reported ---------------------------------------------------------------------

    def take(self, items: list[dict[str, Any]], behaviour: str) -> list[dict[str, Any]]:
        """Take items, each once however often it comes, and return their receipts."""
        with self._lock:
            return [
                self._take(item, refuse=behaviour == "refuses" and place in {0, 1})
                for place, item in enumerate(items)
            ]

    def _take(self, item: dict[str, Any], *, refuse: bool) -> dict[str, Any]:
        item_id = item["item_id"]
        self.came[item_id] += 1
        if item_id not in self.receipts:
            self.receipts[item_id] = self._receipt(item, refuse=refuse)
        return dict(self.receipts[item_id])

    def _receipt(self, item: dict[str, Any], *, refuse: bool) -> dict[str, Any]:
        said = {"item_id": item["item_id"]}
        if refuse:
            return {**said, "status": "refused", "code": "E17", "message": "该报告期已封账"}
        place = (item["indicator"], item["organization"], item["period"])
        if item["op"] == "withdraw":
            self.held.pop(place, None)
        else:
            self.held[place] = item
        return {**said, "status": "accepted", "receipt": f"R-{next(self._numbers):06}"}

    def known(self, ids: list[str]) -> list[dict[str, Any]]:
        """Return what became of items; of one that never came that it is unknown."""
        with self._lock:
            return [
                dict(self.receipts.get(one, {"item_id": one, "status": "unknown"})) for one in ids
            ]


def told(behaviour: str, receipts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return receipts as this behaviour tells them."""
    if behaviour == "twice":
        return [one for each in receipts for one in (each, each)]
    if behaviour == "half":
        return receipts[::2]
    if behaviour == "lies":
        first, *rest = receipts
        contrary = {**first, "status": "refused", "code": "E00"}
        bare = [{**one, "receipt": None} for one in rest]
        return [{**first, "item_id": _OTHER}, first, contrary, *bare]
    if behaviour == "rewrites":
        return [{**one, "value": "0.01"} for one in receipts]
    if behaviour == "forgets":
        return [{**one, "receipt": f"N-{time.monotonic_ns()}"} for one in receipts]
    return receipts


class Handler(BaseHTTPRequestHandler):
    """Speaks for the platform that its server stands for."""

    protocol_version = "HTTP/1.1"
    server: Server

    def do_POST(self) -> None:
        """Answer a report or a question."""
        superior = self.server.superior
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        try:
            superior.prove("POST", self.path, self.headers, body)
        except Refused as refused:
            self._say(200, {"code": 401, "message": str(refused), "data": None})
            return
        said = json.loads(body)
        kind = urlsplit(self.path).path.strip("/")
        superior.requests.append((kind, said))
        behaviour = superior.turn()
        receipts = []
        if behaviour not in _TAKES_NOTHING:
            asked = said.get("item_ids")
            if asked is None:
                receipts = superior.take(said["items"], behaviour)
            else:
                receipts = superior.known(asked)
        self._answer(behaviour, receipts)

    def _answer(self, behaviour: str, receipts: list[dict[str, Any]]) -> None:
        if behaviour == "silent":
            self.server.superior.over.wait()
        elif behaviour == "broken":
            self.close_connection = True
        elif behaviour.startswith("fails"):
            self._say(500, {"code": 500, "message": "系统错误", "data": None})
        elif behaviour == "throttles":
            self._say(429, {"code": 429, "message": "请求过多", "data": None}, {"Retry-After": "1"})
        elif behaviour == "denies":
            self._say(200, {"code": 300, "message": "接口未开放", "data": None})
        elif behaviour == "babbles":
            self._send(200, "<html>系统升级中</html>".encode(), {})
        else:
            data = {"receipts": told(behaviour, receipts)}
            self._say(200, {"code": 200, "message": "成功", "data": data})

    def _say(
        self, status: int, answer: dict[str, Any], headers: dict[str, str] | None = None
    ) -> None:
        self._send(status, json.dumps(answer, ensure_ascii=False).encode(), headers or {})

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (its name there)
        """Say what was asked, where that is wanted."""
        if self.server.talks:
            super().log_message(format, *args)


class Server(ThreadingHTTPServer):
    """Serves one platform."""

    daemon_threads = True

    def __init__(self, superior: Superior, port: int, *, talks: bool = False) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.superior, self.talks = superior, talks


def main() -> None:
    """Stand in until Ctrl-C."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--port", type=int, default=9000)
    parser.add_argument("--app-id", required=True)
    parser.add_argument("--profile", choices=("wufei-hmac", "national"), default="wufei-hmac")
    parser.add_argument("--behave", default="good", help=", ".join(BEHAVIOURS))
    chosen = parser.parse_args()
    unknown = set(chosen.behave.split(",")) - set(BEHAVIOURS)
    if unknown:
        parser.error(f"--behave: {', '.join(sorted(unknown))}")
    secret = os.environ.get("WUFEI_SUPERIOR_SECRET", "")
    if not secret:
        parser.error("WUFEI_SUPERIOR_SECRET is not set")
    superior = Superior(chosen.app_id, secret, profile=chosen.profile, behave=chosen.behave)
    server = Server(superior, chosen.port, talks=True)
    where = f"http://127.0.0.1:{server.server_address[1]}"
    sys.stdout.write(f"stands in at {where}/report and {where}/receipts\n")
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        superior.over.set()
        held = json.dumps(list(superior.held.values()), ensure_ascii=False, indent=1)
        sys.stdout.write(f"{held}\n")


if __name__ == "__main__":
    main()
