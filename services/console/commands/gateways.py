"""`wufei gateway check`: calls an installation as a partner, and reports its answers."""

import os
import ssl
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from pydantic_core import to_json
from rich.cells import set_cell_size

from services.console.calling import in_header
from services.console.errors import ConsoleError
from services.console.gateway_check.cases import LET_IN, Case, Maker, cases
from services.console.language import terminal_language
from services.core.gateways.errors import SignatureWrong, SmNotInstalled
from services.core.gateways.profiles import PROFILES
from services.core.gateways.signing import Call
from services.core.gateways.sm_envelope import SmKeys, is_point, opened
from services.core.kit.clock import Clock
from services.core.kit.text import Language, Text

SECRET = "WUFEI_PARTNER_SECRET"  # noqa: S105 (the variable's name)
SM_KEY = "WUFEI_PARTNER_SM_KEY"

_PRIVATE_BYTES, _POINT_BYTES = 32, 65

_SIGNATURE = "signature-"
_OK = 200
_WEAK = Text(
    "签名方式 {profile} 不保护全部请求内容：内容被改可能不会被发现，靠网段和 TLS 保护",
    "The profile {profile} does not sign all of a request: what is altered may not be seen:"
    " networks and TLS protect it",
)


def check(arguments: Namespace) -> int:
    """Run every case and print its answer; 1 if one is wrong."""
    secret = os.environ.get(SECRET, "").strip()
    if not secret:
        raise ConsoleError(f"give the partner's secret in {SECRET}")
    language: Language = arguments.language or terminal_language()
    profile = PROFILES[arguments.profile]
    maker = Maker(
        profile,
        in_header(arguments.partner, "--partner"),
        secret.encode(),
        arguments.operation,
        arguments.plan,
        Clock.true_now,
        _sm_keys(arguments, secret) if profile.envelope else None,
    )
    faults = played = 0
    with _client(arguments) as client:
        for case in cases(profile):
            played += 1
            faults += not _play(client, case, maker, language)
    if not profile.signs_all:
        print(_WEAK.format(profile=profile.name).in_(language))
    said = Text("共 {all} 项，{faults} 项不符", "{all} cases, {faults} not right")
    print(said.format(all=played, faults=faults).in_(language))
    return 1 if faults else 0


def _sm_keys(arguments: Namespace, secret: str) -> SmKeys:
    """Return the partner's keys for sealing and opening envelopes."""
    private = _of_hex(os.environ.get(SM_KEY, ""))
    public = _of_hex(arguments.sm_public_key or "")
    try:
        good = len(private) == _PRIVATE_BYTES and len(public) == _POINT_BYTES and is_point(public)
    except SmNotInstalled as error:
        raise ConsoleError(error.title.en) from error
    if not good:
        raise ConsoleError(
            f"give the partner's private key of SM2 in {SM_KEY}, in hexadecimal digits, and the"
            " installation's public one (own_sm_public_key) by --sm-public-key"
        )
    return SmKeys(arguments.partner, secret, private, public)


def _of_hex(text: str) -> bytes:
    try:
        return bytes.fromhex(text.strip())
    except ValueError:
        return b""


@contextmanager
def _client(arguments: Namespace) -> Iterator[httpx.Client]:
    try:
        trusted = ssl.create_default_context(cafile=arguments.ca_file)
    except (OSError, ssl.SSLError) as error:
        raise ConsoleError(f"cannot read certificates from {arguments.ca_file}: {error}") from error
    address = arguments.url.rstrip("/")
    try:
        with httpx.Client(base_url=address, verify=trusted, trust_env=False, timeout=30) as client:
            yield client
    except httpx.TransportError as error:
        raise ConsoleError(f"no answer from {address}: {error}") from error
    except httpx.InvalidURL as error:
        raise ConsoleError(f"this is no address ({error})") from error


def _play(client: httpx.Client, case: Case, maker: Maker, language: Language) -> bool:
    """Send the requests of a case, print the last answer; return whether it is right."""
    answered = [_answered(client, call, maker.sm_keys) for call in case.make(maker)]
    *before, last = answered
    right = last in case.expected and all(one == LET_IN for one in before)
    mark = (Text("通过", "ok") if right else Text("不符", "FAULT")).in_(language)
    name = set_cell_size(case.name.in_(language), 34)
    expected = set_cell_size(", ".join(case.expected), 24)
    print(f"{set_cell_size(mark, 7)}{name}{expected}{', '.join(answered)}")
    return right


def _answered(client: httpx.Client, call: Call, sm_keys: SmKeys | None) -> str:
    """Return the problem code of an answer, or that the request was let in."""
    address = call.path + (f"?{call.query}" if call.query else "")
    answer = client.request(call.method, address, content=call.body, headers=dict(call.headers))
    try:
        said = answer.json()
        data = said["data"] or {}
        if sm_keys is not None and (said["code"] == _OK or "signData" in data):
            data = opened(to_json({"data": data}), sm_keys).data
        problem = data.get("problem") if said["code"] != _OK else None
    except SignatureWrong:
        return "not in our envelope"
    except (ValueError, KeyError, TypeError, AttributeError):
        return f"HTTP {answer.status_code}"
    if problem is None or answer.status_code != _OK:
        return LET_IN if answer.status_code == _OK else f"HTTP {answer.status_code}"
    # A request that the operation itself refuses has passed the signature check.
    told = str(problem)
    refused = told.startswith(_SIGNATURE) or told in _NOT_LET_IN
    return told if refused else LET_IN


_NOT_LET_IN = frozenset({"interface-not-allowed", "network-not-allowed", "rate-limited"}) | {
    "unauthenticated",
    "forbidden",
}
