"""Derives an endpoint's health from a batch of outcomes: failing, warned about, or closed. Pure.

A failing endpoint stays so until a delivery succeeds, whatever other outcomes come between.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from services.core.webhooks.rules import EndpointState, StateReason
from services.core.webhooks.sending import FREE, Outcome

FAILING_AFTER = 3
"""Consecutive failures that make an endpoint failing."""

DISABLED_AFTER = timedelta(days=5)
"""The time without a success after which a failing endpoint is disabled."""

_WARNINGS = (90, 70, 50)
_WHOLE = 100
_GONE = 410


@dataclass(frozen=True, slots=True)
class Health:
    """An endpoint's health, as its row has it. `warned` is a percentage of `DISABLED_AFTER`."""

    state: EndpointState
    state_reason: StateReason | None
    failing_since: datetime | None
    warned: int
    consecutive_failures: int
    paused_until: datetime | None


@dataclass(frozen=True, slots=True)
class OutcomeTally:
    """Counts of the outcomes of one endpoint's messages in a batch."""

    successes: int = 0
    failures: int = 0
    gone: bool = False
    pause: float | None = None

    def with_(self, outcome: Outcome, pause: float | None) -> "OutcomeTally":
        """Return the tally with another outcome added, and the pause that it asks for."""
        delivered = outcome.kind == "delivered"
        failed = not delivered and outcome.kind not in FREE
        pauses = [each for each in (self.pause, pause) if each is not None]
        return OutcomeTally(
            successes=self.successes + delivered,
            failures=self.failures + failed,
            gone=self.gone or outcome.status_code == _GONE,
            pause=max(pauses, default=None),
        )

    @property
    def only_good(self) -> bool:
        """Whether it leaves a healthy endpoint unchanged."""
        return not self.failures and self.pause is None


def after(
    health: Health,
    tally: OutcomeTally,
    *,
    now: datetime,
    disabled_after: timedelta = DISABLED_AFTER,
) -> Health:
    """Return an endpoint's health after a batch; a disabled one stays as it is."""
    if health.state == "disabled":
        return health
    if tally.gone:
        return replace(_failed(health, tally, now), state="disabled", state_reason="gone")
    paused_until = health.paused_until
    if tally.pause is not None:
        until = now + timedelta(seconds=tally.pause)
        paused_until = max(until, paused_until or until)
    # One success is enough: a receiver that accepts something is alive, whatever it refused before.
    if tally.successes:
        return Health("active", None, None, 0, 0, paused_until)
    if not tally.failures:
        return replace(health, paused_until=paused_until)
    failed = replace(_failed(health, tally, now), paused_until=paused_until)
    # By time, not by number, because a busy endpoint fails a hundred times in a minute and a quiet
    # one once a week, and both get five days to be repaired.
    percent = _WHOLE * (now - (failed.failing_since or now)) / disabled_after
    if percent >= _WHOLE:
        return replace(failed, state="disabled", state_reason="failing")
    due = next((each for each in _WARNINGS if percent >= each), 0)
    return replace(failed, warned=max(due, failed.warned))


def told_of(health: Health) -> dict[str, object]:
    """Return the data of an event about the health of an endpoint or a connector.

    `percent` is the elapsed part of the time until it is disabled: that of a warning, or 100 if
    that time disabled it.
    """
    return {
        "percent": _WHOLE if health.state_reason == "failing" else health.warned,
        "failing_since": health.failing_since,
        "consecutive_failures": health.consecutive_failures,
    }


def _failed(health: Health, tally: OutcomeTally, now: datetime) -> Health:
    failures = health.consecutive_failures + tally.failures
    return replace(
        health,
        state="failing" if failures >= FAILING_AFTER else health.state,
        failing_since=health.failing_since or now,
        consecutive_failures=failures,
    )
