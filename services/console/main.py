"""The program `wufei`: reads the command line; a command's own module is loaded only then."""

import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from importlib import import_module

from services.console.errors import ConsoleError

_COMMANDS = {
    "up": ("up:run", "start everything on this machine and keep it running"),
    "api": ("doors:run_api", "serve HTTP (DATABASE_URL, REDIS_URL, WUFEI_HOST, WUFEI_PORT)"),
    "worker": ("doors:run_worker", "do the work that waits (DATABASE_URL, REDIS_URL)"),
    "migrate": ("migrate:run", "bring the database to this version's schema"),
    "doctor": ("doctor:run", "look at every part and say what is wrong"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    chosen = _parser().parse_args(arguments)
    module, function = chosen.function.split(":")
    try:
        command = getattr(import_module(f"services.console.{module}"), function)
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
        command = commands.add_parser(name, help=summary, description=summary)
        command.set_defaults(function=function)
    return parser
