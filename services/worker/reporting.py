"""The loop that reports to superiors: claims batches, sends them, settles the answers.

Newly queued figures wake it, and otherwise its own timer. All state is in Postgres: it may be
killed at any line or run beside others, with or without Redis.
"""

import asyncio
import logging
import random
import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from services.core.connectors import queries
from services.core.connectors.dispatch import ClaimedBatch, ClaimedItem, claim_batches
from services.core.connectors.outcomes import ItemFate, fate_of
from services.core.connectors.receipts import SuperiorAnswer, read_answer
from services.core.connectors.settling import ReportedBatch, settle_batch
from services.core.kit.city_scope import in_city
from services.core.kit.clock import Clock
from services.core.kit.database import Database
from services.core.kit.outage import cause_in_words
from services.core.kit.sealing import Seal
from services.core.webhooks.schedule import delivery_fate, pause_of
from services.core.webhooks.sending import Outcome
from services.worker.delivering import Terms
from services.worker.loops import keep_working
from services.worker.metrics import REPORTED_ITEMS, REPORTS
from services.worker.sender import Sender

logger = logging.getLogger("wufei.worker")

_LOOK_EVERY_SECONDS = 1.0
_PAUSE_SECONDS = 0.5
_MOST_UNDER_WAY = 32
_GRACE_SECONDS = 0.6
_NONCE_BYTES = 16

# Random jitter spreads retries; it protects no secret.
_chance = random.SystemRandom().random


class Reporting:
    """Reports what is due, one batch per connector at a time; `wake` says that there may be some.

    `chance` returns a number in [0, 1) for the jitter of retries.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        seal: Seal,
        sender: Sender,
        terms: Terms | None = None,
        chance: Callable[[], float] = _chance,
    ) -> None:
        self._database = database
        self._clock = clock
        self._seal = seal
        self._sender = sender
        self._terms = terms or Terms()
        self._chance = chance
        self._woken = asyncio.Event()
        self._under_way: set[asyncio.Task[None]] = set()

    def wake(self) -> None:
        """Look for what is due now."""
        self._woken.set()

    async def run(self) -> None:
        """Report until cancelled; then let requests under way finish briefly, and settle them."""
        try:
            await keep_working(
                self.begin_due,
                "reporting to superiors",
                every=_LOOK_EVERY_SECONDS,
                pause=_PAUSE_SECONDS,
                woken=self._woken,
            )
        finally:
            await self._end()

    async def begin_due(self) -> int:
        """Claim what is due in every city and begin to send it; return the number of batches."""
        begun = 0
        async with self._database.sessions() as session:
            cities = await queries.cities_reporting(session)
        for city_code in cities:
            if len(self._under_way) >= _MOST_UNDER_WAY:
                break
            # The task that reports a batch inherits its city.
            with in_city(city_code):
                async with self._database.transaction() as session:
                    claimed = await claim_batches(
                        session,
                        city_code,
                        seal=self._seal,
                        lease_seconds=self._terms.lease_seconds,
                    )
                # After the commit, so that the batch is on record before anything leaves.
                for batch in claimed:
                    self._begin(batch)
            begun += len(claimed)
        return begun

    async def rest(self) -> None:
        """Wait until no request is under way."""
        while self._under_way:
            await asyncio.gather(*self._under_way)

    def _begin(self, batch: ClaimedBatch) -> None:
        task = asyncio.create_task(self._report(batch))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _report(self, batch: ClaimedBatch) -> None:
        """Send a batch and save the answer; if that fails, the lease expires and it is retried."""
        answer, secret_taken = await self._by_each_secret(batch)
        now = self._clock.true_now()
        fates = {one.id: self._fate(one, answer, now) for one in batch.items}
        pause = pause_of(answer.outcome, now)
        reported = ReportedBatch(batch, answer, fates, pause, secret_taken)
        try:
            async with self._database.transaction() as session:
                await settle_batch(
                    session,
                    reported,
                    now=self._clock.now(),
                    disabled_after=self._terms.disabled_after,
                )
        except Exception as error:  # noqa: BLE001 (the lease ends by itself)
            logger.warning(
                "receipts not saved",
                extra={
                    "city": batch.city_code,
                    "connector": str(batch.connector_id),
                    "cause": cause_in_words(error),
                    "next": "asked about or sent again under the same ids when the lease ends",
                },
            )
            return
        _counted(batch, answer)
        self.wake()

    async def _by_each_secret(self, batch: ClaimedBatch) -> tuple[SuperiorAnswer, bool | None]:
        """Send with one secret after the other, until the superior accepts one.

        Returns the answer, and whether the present secret was accepted; None: unknown.
        """
        if batch.target is None or batch.target.former_secret is None:
            answer = await self._answer(batch)
            return answer, True if answer.outcome.kind == "delivered" else None
        refused = False
        for target in batch.target.by_each_secret():
            answer = await self._answer(replace(batch, target=target))
            if not answer.knows_us_not:
                break
            # A request refused for its secret changed nothing, so it may be resent at once.
            refused = refused or not target.by_former
        if answer.outcome.kind != "delivered":
            return answer, None
        if not target.by_former:
            return answer, True
        if not refused:
            return answer, None
        logger.info(
            "reported by the former secret",
            extra={
                "city": batch.city_code,
                "connector": str(batch.connector_id),
                "cause": "the superior does not take the new one yet",
                "next": "the former one goes first; the new one is tried once an hour",
            },
        )
        return answer, False

    async def _answer(self, batch: ClaimedBatch) -> SuperiorAnswer:
        outcome = Outcome("fault", 0, said="the request could not be made")
        try:
            if batch.target is not None:
                message = batch.message(
                    now=self._clock.true_now(),
                    nonce=secrets.token_hex(_NONCE_BYTES),
                    traceparent=None,
                )
                outcome = await self._sender.send(message)
            else:
                logger.error(
                    "connector secret unreadable",
                    extra={
                        "city": batch.city_code,
                        "connector": str(batch.connector_id),
                        "cause": "it was sealed with a key that is not ours",
                        "next": "nothing is sent; tried again by the schedule",
                    },
                )
        except asyncio.CancelledError:
            outcome = Outcome("interrupted", 0, said="the worker was told to stop")
        except Exception as error:
            logger.exception(
                "report failed",
                extra={
                    "city": batch.city_code,
                    "connector": str(batch.connector_id),
                    "cause": cause_in_words(error),
                    "next": "tried again by the schedule",
                },
            )
        return read_answer(outcome, [one.id for one in batch.items])

    def _fate(self, item: ClaimedItem, answer: SuperiorAnswer, now: datetime) -> ItemFate:
        outcome = answer.outcome
        # A successful answer that does not mention this item counts as a failure for the schedule.
        silence = replace(outcome, kind="protocol") if outcome.kind == "delivered" else outcome
        fate = delivery_fate(
            silence,
            tries=item.tries + 1,
            manual=False,
            schedule=self._terms.schedule,
            chance=self._chance(),
            now=now,
        )
        receipt = answer.receipts.get(item.id)
        return fate_of(outcome, receipt, before=item.before, scheduled=fate)

    async def _end(self) -> None:
        """Let requests under way finish briefly; later ones are settled as interrupted."""
        if not self._under_way:
            return
        _, late = await asyncio.wait(self._under_way, timeout=_GRACE_SECONDS)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)


def _counted(batch: ClaimedBatch, answer: SuperiorAnswer) -> None:
    REPORTS.labels(batch.kind, answer.outcome.kind).inc()
    said = [one.status for one in answer.receipts.values()]
    for status in ("accepted", "refused"):
        REPORTED_ITEMS.labels(status).inc(said.count(status))
    silent = len(batch.items) - said.count("accepted") - said.count("refused")
    REPORTED_ITEMS.labels("unanswered").inc(silent)
