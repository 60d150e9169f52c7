"""`wufei connector check`: tests a superior's platform with batches of no items."""

import os
import ssl
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from rich.cells import set_cell_size

from services.console.calling import in_header
from services.console.connector_check.cases import Answered, ReportCase, ReportMaker, report_cases
from services.console.errors import ConsoleError
from services.console.language import terminal_language
from services.core.connectors.receipts import read_answer
from services.core.gateways.profiles import PROFILES
from services.core.kit.clock import Clock
from services.core.kit.text import Language, Text
from services.core.webhooks.addresses import TargetUrl, read_url
from services.core.webhooks.sending import Message, Outcome, OutcomeKind

SECRET = "WUFEI_SUPERIOR_SECRET"  # noqa: S105 (the variable's name)

_SUCCESS = range(200, 300)


def check(arguments: Namespace) -> int:
    """Run every case and print its answer; 1 if one is wrong."""
    secret = os.environ.get(SECRET, "").strip()
    if not secret:
        raise ConsoleError(f"give the superior's secret in {SECRET}")
    if not isinstance(read_url(arguments.url), TargetUrl):
        raise ConsoleError(f"this is no address that can be called: {arguments.url}")
    language: Language = arguments.language or terminal_language()
    profile = PROFILES[arguments.profile]
    maker = ReportMaker(
        profile,
        in_header(arguments.app_id, "--app-id"),
        in_header(arguments.interface, "--interface"),
        arguments.url,
        secret.encode(),
        Clock.true_now,
    )
    faults = played = 0
    with _client(arguments) as client:
        for case in report_cases(profile):
            played += 1
            faults += not _play(client, case, maker, language)
    said = Text("共 {all} 项，{faults} 项不符", "{all} cases, {faults} not right")
    print(said.format(all=played, faults=faults).in_(language))
    return 1 if faults else 0


@contextmanager
def _client(arguments: Namespace) -> Iterator[httpx.Client]:
    try:
        trusted = ssl.create_default_context(cafile=arguments.ca_file)
    except (OSError, ssl.SSLError) as error:
        raise ConsoleError(f"cannot read certificates from {arguments.ca_file}: {error}") from error
    try:
        with httpx.Client(verify=trusted, trust_env=False, timeout=30) as client:
            yield client
    except httpx.TransportError as error:
        raise ConsoleError(f"no answer from {arguments.url}: {error}") from error


def _play(client: httpx.Client, case: ReportCase, maker: ReportMaker, language: Language) -> bool:
    """Send the requests of a case, print the last answer; return whether it is right."""
    answers = [_answered(client, message) for message in case.make(maker)]
    (*before, (last, shown)) = answers
    right = last == case.expected and all(one == "taken" for one, _ in before)
    mark = (Text("通过", "ok") if right else Text("不符", "FAULT")).in_(language)
    name = set_cell_size(case.name.in_(language), 30)
    print(f"{set_cell_size(mark, 7)}{name}{set_cell_size(case.expected, 10)}{last}  {shown}")
    return right


def _answered(client: httpx.Client, message: Message) -> tuple[Answered, str]:
    """Return whether a request passed the signature check, and the evidence."""
    answer = client.post(message.url, content=message.body, headers=dict(message.headers))
    status = answer.status_code
    kind: OutcomeKind = "delivered" if status in _SUCCESS else "status"
    outcome = Outcome(kind, 0, status_code=status, body=answer.content)
    read = read_answer(outcome, ())
    taken = read.outcome.kind == "delivered"
    return ("taken" if taken else "refused"), f"HTTP {status}, {read.outcome.kind}"
