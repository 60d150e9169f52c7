"""Tunes Python's cyclic garbage collector, which our processes rarely need.

Rows, reports and sheets are trees, so reference counting frees them. A cyclic collection that a
batch of ten thousand rows triggers walks through all of them, repeatedly, and frees next to
nothing.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_ALLOCATED = 50_000
"""Net allocations of containers before generation 0 is collected; 700 by default."""

_YOUNGER = 20
"""Collections of one generation before the next older one is collected."""


@contextmanager
def loading() -> Iterator[None]:
    """Disable collection while modules load: their objects stay, and walking them takes time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def collect_seldom() -> None:
    """Freeze the objects that exist after the start, and collect less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_ALLOCATED, _YOUNGER, _YOUNGER)
