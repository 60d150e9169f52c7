"""Starts a child process so that it gets no signals of our terminal and does not outlive us."""

import ctypes
import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from signal import Signals
from typing import Any

from services.console.embedded.account import Account, identity

_PR_SET_PDEATHSIG = 1


def child_options(account: Account | None, *, death_signal: Signals) -> dict[str, Any]:
    """Return the arguments of a subprocess that runs as `account` and dies with us.

    A session of its own keeps the terminal's Ctrl-C away, because only the supervisor decides in
    which order things stop. On Linux the kernel sends `death_signal` when the supervisor ends,
    however that happens; elsewhere a killed supervisor leaves its children behind.
    """
    options = identity(account)
    options |= {"start_new_session": True, "stdin": subprocess.DEVNULL}
    if sys.platform == "linux":
        options["preexec_fn"] = _bound_to_parent(death_signal)
    return options


def _bound_to_parent(death_signal: Signals) -> Callable[[], None]:
    """Return the function that the child runs between fork and exec, after switching its user.

    Switching the user clears the death signal, so it must be set afterwards. The library is loaded
    here, before the fork: the child only calls it.
    """
    libc = ctypes.CDLL(None)
    return partial(_die_with, os.getpid(), libc.prctl, death_signal)


def _die_with(parent: int, prctl: Callable[[int, int], int], death_signal: Signals) -> None:
    prctl(_PR_SET_PDEATHSIG, death_signal)
    # If the supervisor ended between the fork and prctl, no signal will ever come.
    if os.getppid() != parent:
        os._exit(1)
