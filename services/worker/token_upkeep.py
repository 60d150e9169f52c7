"""Keeps the keys of tokens: ours are made before they sign, and go after their last token."""

import asyncio
import logging

from services.core.identity.actor import system
from services.core.identity.token_keys import keep_signing_keys
from services.core.kit.clock import Clock
from services.core.kit.database import Database
from services.core.kit.outage import cause_in_words, is_away
from services.core.kit.sealing import Seal
from services.worker.interruption import traceback_of

logger = logging.getLogger("wufei.worker")

_EVERY_SECONDS = 60.0


class TokenUpkeep:
    """Looks after the keys once a minute; several workers may."""

    def __init__(self, database: Database, clock: Clock, *, seal: Seal | None) -> None:
        self._database = database
        self._clock = clock
        self._seal = seal

    async def run(self) -> None:
        """Look after them for ever."""
        while True:
            await self.look_after()
            await asyncio.sleep(_EVERY_SECONDS)

    async def look_after(self) -> None:
        """Make and withdraw signing keys where it is time to; a fault holds up nothing else."""
        if self._seal is None:
            return
        now = self._clock.true_now()
        try:
            async with self._database.transaction() as session:
                changed = await keep_signing_keys(
                    session, seal=self._seal, actor=system("worker"), now=now
                )
        except Exception as error:
            logger.warning(
                "token keys not kept",
                extra={
                    "cause": cause_in_words(error),
                    "next": "retrying in a minute; the present key goes on signing meanwhile",
                },
                exc_info=None if is_away(error) else traceback_of(error),
            )
        else:
            if changed:
                logger.info("token keys kept")
