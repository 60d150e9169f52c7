"""Collects the stable codes of all refusals from the error classes."""

import pkgutil
from collections.abc import Iterator, Mapping
from importlib import import_module
from inspect import cleandoc
from typing import Any

import services.core
from services.api.problems import HTTP_PROBLEMS, STATUS
from services.core.kit.errors import DomainError

_OURS = ("services.core.", "services.api.")

_BEFORE_A_REQUEST = (
    "The answer ends the connection, and is in both languages where the headers that came so far do"
    " not say which."
)

_HTTP_MEANINGS: Mapping[int, str] = {
    400: "What was sent is no HTTP/1.1 message, or broke off; mend the program that sends it."
    f" {_BEFORE_A_REQUEST}",
    404: "Nothing is served at this address, to anybody.",
    405: "The address exists and takes other methods; `Allow` lists them.",
    431: "The address, headers and trailers together are longer than 64 KiB; send less of them."
    f" {_BEFORE_A_REQUEST}",
    500: "The fault is the server's and stands in its log; `instance` names the request.",
}


def problem_codes() -> list[dict[str, Any]]:
    """Return every code once, with its status, its titles and its meaning; by status.

    The meaning is the docstring of the error class: a sentence for callers, who know the members
    and headers of a response and nothing of this program.
    """
    codes = {
        code: {
            "code": code,
            "status": status,
            "title": title.en,
            "title_zh": title.zh,
            "description": _HTTP_MEANINGS[status],
        }
        for status, (code, title) in HTTP_PROBLEMS.items()
    }
    for error in _errors():
        # A subclass that only narrows another shares its code; the wider class comes first.
        codes.setdefault(
            error.code,
            {
                "code": error.code,
                "status": STATUS[error.kind],
                "title": error.title.en,
                "title_zh": error.title.zh,
                "description": " ".join(cleandoc(error.__doc__ or "").split()),
            },
        )
    return sorted(codes.values(), key=lambda one: (one["status"], one["code"]))


def _errors() -> Iterator[type[DomainError]]:
    """Yield the error classes of core and the API that were imported so far."""
    for module in pkgutil.walk_packages(services.core.__path__, "services.core."):
        import_module(module.name)
    waiting = [DomainError]
    while waiting:
        found = sorted(waiting.pop(0).__subclasses__(), key=lambda one: one.__qualname__)
        for error in found:
            if error.__module__.startswith(_OURS) and hasattr(error, "code"):
                yield error
        waiting.extend(found)
