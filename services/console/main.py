"""The program `wufei`: reads the command line, and imports only the module of that command."""

import sys
from argparse import ArgumentParser, ArgumentTypeError, _SubParsersAction
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import TypeAlias, get_args
from uuid import UUID

from services.console.errors import ConsoleError
from services.core.gateways.profiles import PROFILES, PlainProfileName
from services.core.identity.rules import ROLES, SCOPES
from services.core.kit.garbage import loading

_Commands: TypeAlias = "_SubParsersAction[ArgumentParser]"

_COMMANDS = {
    "up": ("up:run", "start everything on this machine and keep it running"),
    "api": ("doors:run_api", "serve HTTP (DATABASE_URL, REDIS_URL, WUFEI_HOST, WUFEI_PORT)"),
    "worker": ("doors:run_worker", "do the work that waits (DATABASE_URL, REDIS_URL)"),
    "migrate": ("migrate:run", "bring the database to this version's schema"),
    "demo": ("demo:run", "walk a month of the plan on a set clock, with demonstration data"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code."""
    chosen = _parser().parse_args(arguments)
    module, function = chosen.function.split(":")
    try:
        with loading():
            command = getattr(import_module(f"services.console.commands.{module}"), function)
        code: int = command(chosen)
    except ConsoleError as error:
        print(f"wufei: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return code


def _parser() -> ArgumentParser:
    parser = ArgumentParser(prog="wufei", description="The ledger of a zero-waste city's plan.")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name, (function, summary) in _COMMANDS.items():
        _add(commands, name, function, summary)
    wall = _add(
        commands, "row-security", "row_security:run", "row-level security by city in PostgreSQL"
    )
    wall.add_argument("what", choices=("on", "off", "show"))
    doctor = _add(commands, "doctor", "doctor:run", "say what is wrong, and what to do")
    doctor.add_argument("--language", choices=("zh-CN", "en"), help="default: LANG's")
    _add_plan(_group(commands, "plan", "check and load plan documents"))
    _add_key(_group(commands, "key", "make, list and revoke keys"))
    _add_webhook(_group(commands, "webhook", "try receivers of webhooks"))
    _add_gateway(_group(commands, "gateway", "try an installation as a partner's gateway"))
    _add_connector(_group(commands, "connector", "try a superior's platform"))
    _add_simulate(_group(commands, "simulate", "try how much a machine takes"))
    _add(
        _group(commands, "secrets", "keys that secrets are sealed with"),
        "rotate",
        "secrets:rotate",
        "seal everything anew with the first key of WUFEI_SECRET_KEY, while all goes on",
    )
    _add_import(commands)
    _add_export(commands)
    _add_audit(_group(commands, "audit", "verify and export the audit"))
    _add_package(_group(commands, "package", "carry figures to where no network leads"))
    _add_drop(_group(commands, "drop", "drop events as numbered files"))
    _add_exchange(_group(commands, "exchange", "exchange tables of a front-end server"))
    _add_verify(commands)
    _add(
        _group(commands, "files", "the store of files"),
        "own",
        "files:own_store",
        "let this database drop files from the store: after a restore, once it is to go on",
    )
    scores = _group(commands, "score", "recompute scores")
    recompute = _add(scores, "recompute", "scores:recompute", "recompute every score from the log")
    recompute.add_argument("--plan", help="code of one plan; default: all")
    return parser


def _up_to(greatest: int) -> Callable[[str], int]:
    """Return a parser of numbers that fit a database column."""

    def number(said: str) -> int:
        written = said.isascii() and said.isdecimal() and len(said) <= len(str(greatest))
        if not written or int(said) > greatest:
            raise ArgumentTypeError(f"must be a whole number from 0 to {greatest}")
        return int(said)

    return number


_number, _position = _up_to(2**31 - 1), _up_to(2**63 - 1)


def _add(commands: _Commands, name: str, function: str, summary: str) -> ArgumentParser:
    command: ArgumentParser = commands.add_parser(name, help=summary, description=summary)
    command.set_defaults(function=function)
    return command


def _group(commands: _Commands, name: str, summary: str) -> _Commands:
    group = commands.add_parser(name, help=summary, description=summary)
    return group.add_subparsers(metavar="ACTION", required=True)


def _add_plan(actions: _Commands) -> None:
    for name, summary in (
        ("check", "say every fault of a document; needs no database"),
        ("load", "load a document: a new plan, a new version, or nothing"),
    ):
        command = _add(actions, name, f"plans:{name}", summary)
        command.add_argument("file", type=Path)
        command.add_argument("--language", choices=("zh-CN", "en"), help="default: LANG's")


def _add_import(commands: _Commands) -> None:
    summary = "send a sheet, follow how it is judged, and with --yes have it written"
    command = _add(commands, "import", "imports:run", summary)
    command.add_argument("file", type=Path, help="an .xlsx workbook or CSV")
    command.add_argument("--plan", required=True, help="code of the plan, such as 410183-2025")
    command.add_argument("--period", help="of rows that do not say one, such as 2025-Q3")
    command.add_argument("--organization", help="of rows that do not say one, such as UN15")
    command.add_argument("--sheet", help="which sheet is read, where several are seen")
    command.add_argument("--register", help="code of the register whose rows they are")
    command.add_argument("--score-sheet", help="code of the score sheet by which it was found")
    command.add_argument("--draft", action="store_true", help="keep the values as drafts")
    command.add_argument("--yes", action="store_true", help="write the rows if none has a fault")
    command.add_argument("--marked", type=Path, help="where to put the copy with its faults")
    command.add_argument("--url", help="where the API is; default: WUFEI_URL, or this machine")
    command.add_argument("--language", choices=("zh-CN", "en"), help="default: LANG's")


def _add_export(commands: _Commands) -> None:
    summary = "fetch a list, a comparison or a form as CSV or XLSX, all of it or none"
    command = _add(commands, "export", "exports:run", summary)
    told = "such as submissions, scoreboard or templates/tasks; a path such as /alerts is no plan's"
    command.add_argument("what", help=told)
    command.add_argument("file", type=Path, help="where to; .csv, .xlsx or .zip says the form")
    command.add_argument("--plan", help="code of the plan, such as 410183-2025")
    command.add_argument(
        "--where", action="append", default=[], metavar="NAME=VALUE", help="may be repeated"
    )
    command.add_argument("--force", action="store_true", help="replace the file if it is there")
    command.add_argument("--url", help="where the API is; default: WUFEI_URL, or this machine")
    command.add_argument("--language", choices=("zh-CN", "en"), help="default: LANG's")


def _add_key(actions: _Commands) -> None:
    create = _add(actions, "create", "keys:create", "make a key; its secret is shown once")
    create.add_argument("--name", required=True)
    create.add_argument("--role", required=True, choices=ROLES)
    create.add_argument("--organization", help="code of the unit, such as UN15")
    create.add_argument("--plan", help="bind the key to one plan")
    create.add_argument("--city", help="code of the city; needed where there are several")
    create.add_argument("--scope", action="append", choices=SCOPES, help="may be repeated")
    _add(actions, "list", "keys:show_all", "list every key")
    revoke = _add(actions, "revoke", "keys:revoke", "revoke a key")
    revoke.add_argument("id", type=UUID)


def _add_webhook(actions: _Commands) -> None:
    summary = "play good, late, repeated and forged deliveries to a receiver; say what it does"
    check = _add(actions, "check", "webhooks:check", summary)
    check.add_argument("url", help="where the receiver listens; nothing else is called")
    check.add_argument("--secret", help="whsec_… or whsk_…; better in WUFEI_WEBHOOK_SECRET")
    check.add_argument("--timeout", type=float, default=15, help="seconds to wait for an answer")
    check.add_argument("--language", choices=("zh-CN", "en"), help="default: LANG's")
    check.add_argument("--ca-file", type=Path, help="certificates of the authorities to trust")


def _add_gateway(actions: _Commands) -> None:
    summary = "call good, late, replayed and altered requests as a partner; say what was answered"
    check = _add(actions, "check", "gateways:check", summary)
    check.add_argument("url", help="where the installation is; nothing else is called")
    check.add_argument("--partner", required=True, help="app_id of the partner")
    check.add_argument("--profile", choices=sorted(PROFILES), default="wufei-hmac")
    check.add_argument("--plan", required=True, help="code of the plan, such as 410183-2025")
    check.add_argument(
        "--sm-public-key", metavar="HEX", help="own_sm_public_key of the partner, for tif-sm"
    )
    check.add_argument(
        "--operation",
        choices=("list_indicators", "list_late", "get_scoreboard", "list_submissions"),
        default="list_indicators",
        help="which operation is called, that the partner may call",
    )
    check.add_argument("--language", choices=("zh-CN", "en"), help="default: LANG's")
    check.add_argument("--ca-file", type=Path, help="certificates of the authorities to trust")


def _add_connector(actions: _Commands) -> None:
    summary = "send batches of no items to a superior's platform; say what was answered"
    check = _add(actions, "check", "connectors:check", summary)
    check.add_argument("url", help="where reports go; nothing else is called")
    check.add_argument("--app-id", required=True, help="what the superior calls us")
    check.add_argument(
        "--profile", choices=sorted(get_args(PlainProfileName)), default="wufei-hmac"
    )
    check.add_argument("--interface", default="", help="where the profile names one")
    check.add_argument("--language", choices=("zh-CN", "en"), help="default: LANG's")
    check.add_argument("--ca-file", type=Path, help="certificates of the authorities to trust")


def _add_audit(actions: _Commands) -> None:
    summary = "say whether any row of the audit was altered, removed, added or swapped"
    check = _add(actions, "verify", "audit:verify", summary)
    check.add_argument("--city", help="code of one city; default: all")
    check.add_argument("--file", type=Path, help="an export; needs no database")
    for name, meta, told in (
        ("--public-key", "HEX", "a key that may have signed, beside those of WUFEI_SECRET_KEY"),
        ("--head", "NUMBER:HEX", "a head that was noted elsewhere"),
    ):
        check.add_argument(name, action="append", metavar=meta, help=f"{told}; may be repeated")
    check.add_argument("--language", choices=("zh-CN", "en"), help="default: LANG's")
    export = _add(actions, "export", "audit:export", "write the audit of a city into a file")
    export.add_argument("--city", help="code of the city, where there are several")
    export.add_argument(
        "--after", type=_position, default=0, help="only what comes after this number"
    )
    export.add_argument("--out", type=Path, help="a new file; default: the terminal")


def _add_package(actions: _Commands) -> None:
    peer = _add(actions, "peer", "packages:peer", "register another installation, or change it")
    peer.add_argument("--own", required=True, help="what it calls us, such as xinmi")
    peer.add_argument("--key", type=UUID, help="id of the key as which its packages are written")
    secret = peer.add_mutually_exclusive_group()
    secret.add_argument("--secret-file", type=Path, help="holds the shared secret whsec_…")
    secret.add_argument("--new-secret", action="store_true", help="make one; it is shown once")
    told = "whpk_… that it signs with; may be repeated"
    peer.add_argument("--public-key", action="append", metavar="KEY", help=told)
    export = _add(actions, "export", "packages:export", "make packages of all that is new")
    for command in (peer, export):
        command.add_argument("--plan", required=True, help="code of the plan")
        command.add_argument("--peer", required=True, help="what we call the other installation")
    export.add_argument("--out", type=Path, default=Path(), help="folder; default: this one")
    which = export.add_mutually_exclusive_group()
    which.add_argument("--number", type=_number, help="write this one again, as it was")
    told = "carry all that counts anew, what was refused too"
    which.add_argument("--whole", action="store_true", help=told)
    take = _add(actions, "import", "packages:take", "take packages in, by their numbers")
    take.add_argument("--receipts", type=Path, help="folder; default: beside each package")
    for command in (export, take):
        command.add_argument("--dry-run", action="store_true", help="say it, and keep nothing")
    back = _add(actions, "receipt", "packages:receipt", "close packages by their receipts")
    for command in (take, back):
        command.add_argument("files", type=Path, nargs="+", metavar="FILE")
    listed = _add(actions, "list", "packages:show", "list packages, and what is not answered")
    for command in (peer, export, take, back, listed):
        command.add_argument("--city", help="code of the city, where there are several")
        command.add_argument("--language", choices=("zh-CN", "en"), help="default: LANG's")


def _add_drop(actions: _Commands) -> None:
    create = _add(actions, "create", "drops:create", "drop what happens from now on")
    create.add_argument("--owner", required=True, type=UUID, help="id of the key that hears it")
    create.add_argument("--plan", help="code of one plan; default: every one")
    create.add_argument("--type", action="append", help="type of event; may be repeated")
    close = _add(actions, "close", "drops:close", "drop no more")
    reopen = _add(actions, "open", "drops:reopen", "go on where a closed one was left")
    reopen.add_argument("--owner", type=UUID, help="id of another key that hears from now on")
    again = _add(actions, "again", "drops:again", "have a file written once more")
    again.add_argument("number", type=_number)
    for command in (create, close, reopen, again):
        command.add_argument("--folder", required=True, help="such as exchange")
    listed = _add(actions, "list", "drops:show", "list file drops, and how far they are")
    for command in (create, close, reopen, again, listed):
        command.add_argument("--city", help="code of the city, where there are several")


def _add_exchange(actions: _Commands) -> None:
    opened = _add(actions, "open", "exchange:open_", "have a plan exchanged, or change its key")
    key = opened.add_mutually_exclusive_group()
    key.add_argument("--key", type=UUID, help="id of the key as which rows are written")
    key.add_argument("--no-key", action="store_true", help="take nothing any more")
    run = _add(actions, "run", "exchange:run", "write out what is new, take what waits")
    summary = "hold both tables against what was written and taken"
    check = _add(actions, "reconcile", "exchange:reconcile", summary)
    for command in (opened, run, check):
        command.add_argument("--plan", required=True, help="code of the plan")
        command.add_argument("--city", help="code of the city, where there are several")
        command.add_argument("--language", choices=("zh-CN", "en"), help="default: LANG's")


def _add_verify(commands: _Commands) -> None:
    summary = "say whether a file was altered, or one of a folder is missing; needs no database"
    command = _add(commands, "verify", "verify:run", summary)
    command.add_argument("path", type=Path, help="a package, a receipt, an export; or a folder")
    command.add_argument("--secret-file", type=Path, help="holds the shared secret whsec_…")
    told = "whpk_… or 64 digits of a key that may have signed; may be repeated"
    command.add_argument("--public-key", action="append", metavar="KEY", help=told)
    told = "take the keys that this installation publishes, at its address, such as https://…"
    command.add_argument("--keys-from", metavar="URL", help=told)
    told = "of a paper: say where the figure with this number comes from"
    command.add_argument("--figure", type=int, metavar="NUMBER", help=told)
    told = "of a PDF: the DOCX, XLSX or pack that was made with it"
    command.add_argument("--beside", type=Path, metavar="FILE", help=told)
    told = "of a paper: ask the API, with the key in WUFEI_KEY"
    command.add_argument("--online", action="store_true", help=told)
    command.add_argument("--url", help="where the API is; default: WUFEI_URL")
    command.add_argument("--plan", help="code of the plan, where the file does not say it")
    command.add_argument("--language", choices=("zh-CN", "en"), help="default: LANG's")


def _add_simulate(actions: _Commands) -> None:
    summary = "many cities at a chosen pace, in a system of its own; needs the source tree"
    country = _add(actions, "country", "simulate:country", summary)
    country.add_argument(
        "--cities",
        type=int,
        nargs="+",
        default=[1, 10, 100],
        metavar="N",
        help="how many, stage by stage; default: 1 10 100",
    )
    for name, default, meaning in (
        ("rate", 60, "requests a second of a working day"),
        ("seconds", 30, "length of a working day"),
        ("deadline-rate", 100, "reports a second before a deadline"),
        ("deadline-seconds", 60, "length of the rush before a deadline"),
    ):
        told = f"{meaning}; default: {default}"
        country.add_argument(f"--{name}", type=float, default=default, help=told)
    for name, default, meaning in (
        ("processes", 2, "API and worker processes, at most, that are compared"),
        ("submitters", 500, "who report before a deadline"),
    ):
        told = f"{meaning}; default: {default}"
        country.add_argument(f"--{name}", type=int, default=default, help=told)
    country.add_argument("--picture", type=Path, help="file for the tables as SVG")
