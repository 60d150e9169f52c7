"""`wufei doctor`: says what is wrong and what to do, in the reader's language."""

import asyncio
from argparse import Namespace

from services.console.doctor.examination import examine
from services.console.language import terminal_language
from services.console.settings import Settings
from services.core.kit.text import Language


def run(arguments: Namespace) -> int:
    """Print every finding; the exit code is 1 if one of them is a fault."""
    language: Language = arguments.language or terminal_language()
    return asyncio.run(_report(Settings.read(), language))


async def _report(settings: Settings, language: Language) -> int:
    good = True
    async for finding in examine(settings):
        print("\n".join(finding.lines(language)), flush=True)
        good = good and finding.good
    return 0 if good else 1
