"""`wufei plan check FILE` and `wufei plan load FILE`."""

import asyncio
from argparse import Namespace
from pathlib import Path

from services.console.errors import ConsoleError
from services.console.ledger import open_ledger, told
from services.core.identity.actor import operator
from services.core.kit.errors import DomainError
from services.core.kit.exact_data import read_json, read_yaml
from services.core.plan.document import PlanDocument
from services.core.plan.loading import load_plan
from services.core.plan.rules import read_document


def check(arguments: Namespace) -> int:
    """Say every fault of a document with its path; needs no database."""
    document = _read(arguments.file)
    measures = sum(len(task.measures) for task in document.tasks)
    print(
        f"{arguments.file} is a plan without faults: {document.code}, {document.title}:"
        f" {len(document.indicators)} indicators, {len(document.tasks)} tasks,"
        f" {measures} measures, {len(document.organizations)} organizations,"
        f" {len(document.open_questions)} open questions"
    )
    return 0


def load(arguments: Namespace) -> int:
    """Load a document: a new plan, a new version, or nothing where it is the same."""
    return asyncio.run(_load(_read(arguments.file)))


async def _load(document: PlanDocument) -> int:
    async with open_ledger() as ledger, ledger.database.transaction() as session:
        loaded = await load_plan(
            session,
            document=document,
            actor=operator(document.city.code).stamp(),
            now=ledger.clock.now(),
        )
    print(f"{loaded.plan_code}: {loaded.outcome.replace('_', ' ')}, version {loaded.version}")
    return 0


def _read(file: Path) -> PlanDocument:
    try:
        body = file.read_bytes()
    except OSError as error:
        raise ConsoleError(f"cannot read {file}: {error.strerror}") from None
    try:
        return read_document(read_json(body) if file.suffix == ".json" else read_yaml(body))
    except DomainError as error:
        raise ConsoleError(f"{file}: {told(error)}") from None
