"""`wufei plan check FILE` and `wufei plan load FILE`: validate a plan document, and load it."""

import asyncio
from argparse import Namespace
from pathlib import Path

from services.console.commands.plan_files import PlanFile, UnreadablePlan, read_plan_file
from services.console.errors import ConsoleError
from services.console.language import terminal_language
from services.console.ledger import open_ledger
from services.core.identity.actor import operator
from services.core.kit.city_scope import enter_city
from services.core.kit.text import Language, Text
from services.core.plan.document import PlanDocument
from services.core.registers.rekeying import load_plan_over_rows

_CLEAN = Text(
    "{file} 没有错误：{code}，{title}：{indicators} 项指标，{tasks} 项任务，{measures} 条措施，"
    "{organizations} 个单位，{questions} 个待核实事项",
    "{file} is a plan without faults: {code}, {title}: {indicators} indicators, {tasks} tasks,"
    " {measures} measures, {organizations} organizations, {questions} open questions",
)
_ENCODED = Text(
    "{file} 按 {encoding} 编码读取；接口只接受 UTF-8，发送前请另存为 UTF-8",
    "{file} was read as {encoding}; the API takes UTF-8 alone: save it as UTF-8 to send it",
)
_CANNOT_OPEN = Text("无法打开 {file}：{why}", "cannot read {file}: {why}")


def check(arguments: Namespace) -> int:
    """Print every fault of a document with its line and its path; needs no database."""
    language: Language = arguments.language or terminal_language()
    read = _read(arguments.file, language)
    document = read.document
    if read.encoding is not None:
        print(_ENCODED.format(file=arguments.file, encoding=read.encoding).in_(language))
    print(
        _CLEAN.format(
            file=arguments.file,
            code=document.code,
            title=document.title,
            indicators=len(document.indicators),
            tasks=len(document.tasks),
            measures=sum(len(task.measures) for task in document.tasks),
            organizations=len(document.organizations),
            questions=len(document.open_questions),
        ).in_(language)
    )
    return 0


def load(arguments: Namespace) -> int:
    """Load a document: as a new plan, a new version, or not at all if it is unchanged."""
    language: Language = arguments.language or terminal_language()
    return asyncio.run(_load(_read(arguments.file, language).document))


async def _load(document: PlanDocument) -> int:
    enter_city(document.city.code)
    async with open_ledger() as ledger, ledger.database.transaction() as session:
        loaded = await load_plan_over_rows(
            session,
            document=document,
            actor=operator(document.city.code).stamp(),
            now=ledger.clock.now(),
        )
    print(f"{loaded.plan_code}: {loaded.outcome.replace('_', ' ')}, version {loaded.version}")
    return 0


def _read(file: Path, language: Language) -> PlanFile:
    try:
        return read_plan_file(file, language)
    except OSError as error:
        raise ConsoleError(
            _CANNOT_OPEN.format(file=file, why=error.strerror).in_(language)
        ) from None
    except UnreadablePlan as error:
        raise ConsoleError(f"{file}: {error}") from None
