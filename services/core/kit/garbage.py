"""Tunes Python's cyclic garbage collector, which our processes rarely need.

Rows, reports and sheets are trees, so reference counting frees them. A cyclic collection that a
batch of ten thousand rows triggers walks through all of them, repeatedly, and frees next to
nothing.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_ALLOCATED = 50_000
"""Containers made and not freed until the young are looked at; 700 by default."""

_YOUNGER = 20
"""Collections of one age until those who outlived them are looked at, too."""


@contextmanager
def loading() -> Iterator[None]:
    """Collect nothing while modules are loaded: what they make stays, and walking it takes time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def collect_seldom() -> None:
    """Leave what the start has made out of every collection to come, and collect less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_ALLOCATED, _YOUNGER, _YOUNGER)
