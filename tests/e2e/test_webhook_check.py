"""`wufei webhook check`: content with the receivers of the docs, and it finds each carelessness."""

import asyncio
import base64
import hashlib
import hmac
import json
import re
import ssl
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import HTTPServer, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import trustme
from pydantic_core import to_json

from services.console.commands.webhooks import SECRET
from services.console.main import main
from services.console.receiver_check.cases import cases
from services.core.webhooks.signing import SigningKey, new_key
from tests.support.receivers import LANGUAGES, sample, serving

KEY = new_key("v1")
NAMES = [case.name.en for case in cases(KEY)]
LATE = ["late: signed 301 s ago", "early: signed 301 s ahead"]
FORGED = NAMES[NAMES.index("a body with one byte changed") : NAMES.index("no id")]
TAKEN = [case.name.en for case in cases(KEY) if case.expected == "taken"]
REFUSED = [case.name.en for case in cases(KEY) if case.expected == "refused"]

_LINE = re.compile(r"(?P<mark>ok|FAULT|通过|不符) +(?P<name>.+?) {2,}(2xx|4xx)")


@pytest.fixture(autouse=True)
def _no_secret_about(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SECRET, raising=False)


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, list[str]]]:
    """Check a URL; return the exit code, all that was printed, and the names of what is wrong."""

    def check(url: str, *options: str, key: SigningKey = KEY) -> tuple[int, str, list[str]]:
        code = main(["webhook", "check", url, "--secret", key.text, "--language", "en", *options])
        printed = "".join(capsys.readouterr())
        lines = [found for line in printed.splitlines() if (found := _LINE.match(line))]
        return code, printed, [line["name"] for line in lines if line["mark"] == "FAULT"]

    return check


Told = Callable[..., tuple[int, str, list[str]]]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", ["v1", "v1a"])
async def test_the_receivers_of_the_docs_pass(
    language: str, kind: Any, tmp_path: Path, told: Told
) -> None:
    key = new_key(kind)
    known = key.public_text or key.text
    async with serving(language, tmp_path, {SECRET: known}) as receiver:
        code, printed, wrong = await asyncio.to_thread(told, receiver.url, key=key)
        assert (code, wrong) == (0, []), printed
        assert printed.splitlines()[-1] == f"{len(NAMES)} cases, 0 not right"
        await receiver.says("repeated id=.*", times=2)
        code, printed, wrong = await asyncio.to_thread(told, receiver.url)
    assert (code, wrong) == (1, TAKEN), printed


@contextmanager
def listening(door: type, server: type[HTTPServer] = ThreadingHTTPServer) -> Iterator[HTTPServer]:
    """Let a receiver listen in a thread."""
    with server(("127.0.0.1", 0), door) as listener:
        thread = threading.Thread(target=listener.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield listener
        finally:
            listener.shutdown()
            thread.join()


def url_of(listener: HTTPServer, scheme: str = "http") -> str:
    return f"{scheme}://127.0.0.1:{listener.server_address[1]}/hook"


@pytest.fixture
def module(tmp_path: Path) -> Iterator[Any]:
    """The receiver in Python, to be made careless in one way."""
    loaded = sample()
    loaded.Door.keys = loaded.read_keys(KEY.text)
    loaded.Door.ledger = loaded.Ledger(str(tmp_path / "receiver.db"))
    yield loaded
    loaded.Door.ledger.close()


class Careless:
    """Ways to make the receiver of the docs careless; each changes it as its name says."""

    def __init__(self, module: Any) -> None:
        self.module = module
        self.messages: Any = sys.modules[module.verify.__module__]
        self.door = module.Door
        self.take = module.Door._take

    def verifies_nothing(self) -> None:
        self.door._take = lambda door: door.rfile.read(int(door.headers["Content-Length"]))

    def ignores_the_time(self) -> None:
        self.module.check_time = lambda *_: None

    def looks_at_the_past_only(self) -> None:
        def check(timestamp: str, now: float) -> None:
            if int(now) - int(timestamp) > 300:
                raise self.module.Refused(400, "late")

        self.module.check_time = check

    def tolerates_too_little(self) -> None:
        self.messages.TOLERANCE = 60

    def looks_at_the_first_signature_only(self) -> None:
        self.messages.MOST_SIGNATURES = 1

    def wants_every_signature_to_fit(self) -> None:
        right = self.module.verify

        def verify(keys: Any, message_id: str, timestamp: str, header: str, body: bytes) -> None:
            for word in header.split(" "):
                right(keys, message_id, timestamp, word, body)

        self.module.verify = verify

    def writes_the_body_anew(self) -> None:
        right = self.module.verify

        def verify(keys: Any, message_id: str, timestamp: str, header: str, body: bytes) -> None:
            try:
                body = to_json(json.loads(body))
            except ValueError:
                raise self.module.Refused(400, "no JSON") from None
            right(keys, message_id, timestamp, header, body)

        self.module.verify = verify

    def takes_the_id_from_the_body(self) -> None:
        right = self.module.verify

        def verify(keys: Any, message_id: str, timestamp: str, header: str, body: bytes) -> None:
            found = re.search(rb'"id": ?"([0-9a-f-]{36})"', body)
            right(keys, found[1].decode() if found else message_id, timestamp, header, body)

        self.module.verify = verify
        self.module.read_delivery = lambda _, body: self._event(body)

    def _event(self, body: bytes) -> Any:
        message = json.loads(body)
        return self.module.event_of({**message, **message["data"]}, message["data"])

    def compares_the_beginning_only(self) -> None:
        def fits(key: Any, content: bytes, signature: str) -> bool:
            whole = base64.b64encode(hmac.digest(key.raw, content, hashlib.sha256)).decode()
            return signature != "" and whole.startswith(signature)

        self.module.Key.fits = fits

    def takes_nothing_for_a_signature(self) -> None:
        right = self.module.Key.fits
        self.module.Key.fits = lambda key, content, given: given == "" or right(key, content, given)

    def ignores_the_version(self) -> None:
        right = self.module.verify

        def verify(keys: Any, message_id: str, timestamp: str, header: str, body: bytes) -> None:
            words = [f"v1,{word.partition(',')[2]}" for word in header.split(" ")]
            right(keys, message_id, timestamp, " ".join(words), body)

        self.module.verify = verify

    def fails_at_what_it_cannot_read(self) -> None:
        self.door._take = self._trusting
        self.door.do_POST = self._failing

    def _trusting(self, door: Any) -> None:
        int(door.headers["webhook-timestamp"])
        base64.b64decode(door.headers["webhook-signature"].split(",")[-1], validate=True)
        self.take(door)

    @staticmethod
    def _failing(door: Any) -> None:
        try:
            type(door)._take(door)
        except (ValueError, TypeError, AttributeError, IndexError):
            door._answer(500, "Traceback (most recent call last)")
        except Exception as error:  # noqa: BLE001 (what the door itself refuses)
            door._answer(getattr(error, "status", 500), str(error))
        else:
            door._answer(204)

    def parses_before_it_verifies(self) -> None:
        right = self.module.verify

        def verify(keys: Any, message_id: str, timestamp: str, header: str, body: bytes) -> None:
            json.loads(body)
            right(keys, message_id, timestamp, header, body)

        self.module.verify = verify

    def fails_at_unknown_types(self) -> None:
        def handle(_: object, event: Any, **__: object) -> None:
            if event.type.startswith("wufei."):
                raise LookupError(event.type)

        self.module.handle = handle

    def refuses_repeats(self) -> None:
        right = self.module.Ledger.take

        def take(ledger: Any, event: Any) -> bool:
            if not right(ledger, event):
                raise self.module.Refused(409, "known")
            return True

        self.module.Ledger.take = take

    def refuses_what_comes_late(self) -> None:
        def handle(_: object, __: object, *, late: bool) -> None:
            if late:
                raise self.module.Refused(409, "late")

        self.module.handle = handle

    def takes_small_bodies_only(self) -> None:
        self.module.MOST_BYTES = 100_000

    def says_gone_to_what_is_forged(self) -> None:
        right = self.door._answer
        self.door._answer = lambda door, status, reason="": right(
            door, 410 if status == 401 else status, reason
        )

    def sends_elsewhere(self) -> None:
        right = self.door._answer
        self.door._answer = lambda door, status, reason="": right(
            door, 302 if status == 204 else status, reason or "elsewhere"
        )

    def breaks_down_for_good(self) -> None:
        right = self.door._take

        def take(door: Any) -> None:
            if int(door.headers["Content-Length"]) > self.module.MOST_BYTES:
                self.door._take = lambda _: 1 / 0
            right(door)

        self.door._take = take


@pytest.mark.parametrize(
    ("way", "expected"),
    [
        ("verifies_nothing", REFUSED),
        ("ignores_the_time", LATE),
        ("looks_at_the_past_only", LATE[1:]),
        ("tolerates_too_little", ["clocks 240 s apart, both ways"]),
        ("looks_at_the_first_signature_only", [NAMES[1], NAMES[3]]),
        ("wants_every_signature_to_fit", NAMES[1:4]),
        ("writes_the_body_anew", [NAMES[4], "a body with one byte changed", NAMES[24]]),
        ("takes_the_id_from_the_body", ["another id", "no id", "signed, but no event"]),
        ("compares_the_beginning_only", ["only the beginning of the signature"]),
        ("takes_nothing_for_a_signature", ["an empty signature"]),
        ("ignores_the_version", ["only signatures of unknown versions"]),
        (
            "fails_at_what_it_cannot_read",
            [
                FORGED[4],
                FORGED[6],
                "no timestamp",
                "timestamps that are none",
                "signatures that are none",
            ],
        ),
        ("parses_before_it_verifies", ["signed, but no event", "forged, and hard to parse"]),
        ("fails_at_unknown_types", ["several types of events, one unknown"]),
        ("refuses_repeats", ["the same id three times"]),
        ("refuses_what_comes_late", ["an older position after a newer one"]),
        ("takes_small_bodies_only", ["a body of 256 KiB"]),
        ("says_gone_to_what_is_forged", [*FORGED, "signatures that are none", NAMES[24]]),
        ("sends_elsewhere", TAKEN),
        ("breaks_down_for_good", NAMES[-2:]),
    ],
)
def test_each_carelessness_is_found(way: str, expected: list[str], module: Any, told: Told) -> None:
    getattr(Careless(module), way)()
    with listening(module.Door) as listener:
        code, printed, wrong = told(url_of(listener))
    assert (code, wrong) == (1, expected), printed
    assert KEY.text not in printed


def test_one_that_does_one_thing_at_a_time_is_found(module: Any, told: Told) -> None:
    with listening(module.Door, HTTPServer) as listener:
        code, printed, wrong = told(url_of(listener), "--timeout", "1")
    assert (code, wrong) == (1, ["another while one is slow"]), printed
    assert "one slow connection keeps all others waiting" in printed


@pytest.mark.parametrize(
    ("way", "meaning"),
    [
        ("verifies_nothing", "anybody who reaches the URL can invent events"),
        ("says_gone_to_what_is_forged", "410 disables the endpoint at once"),
        ("sends_elsewhere", "redirects are not followed"),
        ("fails_at_unknown_types", "the receiver failed by itself"),
        ("fails_at_what_it_cannot_read", "it fails at what is to be refused"),
    ],
)
def test_what_is_wrong_is_explained(way: str, meaning: str, module: Any, told: Told) -> None:
    getattr(Careless(module), way)()
    with listening(module.Door) as listener:
        assert meaning in told(url_of(listener))[1]


def test_where_nobody_listens_the_rest_is_not_played(module: Any, told: Told) -> None:
    with listening(module.Door) as listener:
        url = url_of(listener)
    code, printed, wrong = told(url)
    assert (code, wrong) == (1, ["signed with v1"])
    assert "nothing listens there" in printed


def test_who_never_answers_is_given_up(module: Any, told: Told) -> None:
    awake = threading.Event()
    Careless(module).door._take = lambda _: awake.wait(30)
    with listening(module.Door) as listener:
        code, printed, wrong = told(url_of(listener), "--timeout", "0.3")
        awake.set()
    assert (code, wrong) == (1, ["signed with v1"])
    assert "answer within 15 s" in printed


def test_https_is_trusted_by_its_authority_only(module: Any, told: Told, tmp_path: Path) -> None:
    authority, ours = trustme.CA(), tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(ours)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with listening(module.Door) as listener:
        listener.socket = context.wrap_socket(
            listener.socket, server_side=True, do_handshake_on_connect=False
        )
        untrusted = told(url_of(listener, "https"))
        trusted = told(url_of(listener, "https"), "--ca-file", str(ours))
    assert (untrusted[0], untrusted[2]) == (1, ["signed with v1"])
    assert "check the certificate" in untrusted[1]
    assert (trusted[0], trusted[2]) == (0, [])


@pytest.mark.parametrize(("lang", "said"), [("zh_CN.UTF-8", "项不符"), ("C.UTF-8", "not right")])
def test_it_speaks_the_language_of_the_terminal(
    lang: str,
    said: str,
    module: Any,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in ("LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", lang)
    monkeypatch.setenv(SECRET, f" {KEY.text}\n")
    with listening(module.Door) as listener:
        assert main(["webhook", "check", url_of(listener)]) == 0
    assert said in capsys.readouterr().out


@pytest.mark.parametrize(
    ("url", "secret", "said"),
    [
        ("ftp://127.0.0.1/hook", KEY.text, "url-scheme"),
        ("http://user@127.0.0.1/hook", KEY.text, "url-userinfo"),
        ("http://127.0.0.1:1/hook", "", "WUFEI_WEBHOOK_SECRET"),
        ("http://127.0.0.1:1/hook", "sesame", "WUFEI_WEBHOOK_SECRET"),
        ("http://127.0.0.1:1/hook", new_key("v1a").public_text, "whsec_… or whsk_…"),
    ],
    ids=["scheme", "userinfo", "no secret", "no key", "public key"],
)
def test_what_cannot_be_played_is_said(
    url: str, secret: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["webhook", "check", url, "--secret", secret]) == 1
    printed = "".join(capsys.readouterr())
    assert said in printed
    assert secret == "" or secret not in printed
