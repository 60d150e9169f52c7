"""Password hashing with Argon2id (RFC 9106), in a bounded pool of threads.

No database connection is held meanwhile. The threads yield to everything else in the process, and
callers beyond the queue are told to retry later.
"""

import asyncio
import logging
import os
import threading
import unicodedata
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import TypeVar

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from services.core.kit.outage import cause_in_words
from services.core.people.errors import SignInBusy

logger = logging.getLogger("wufei.people")

ITERATIONS, LANES, KIBIBYTES = 2, 1, 19 * 1024
"""The minimum of OWASP's password storage cheat sheet: 19 MiB, two passes, one lane."""

_SALT_BYTES = 16
_HASH_BYTES = 32
_NICENESS = 10
_RETRY_AFTER_SECONDS = 3

_Made = TypeVar("_Made")


def hashed(password: str) -> str:
    """Return the hash of a password with a new salt, as a PHC string."""
    made = Argon2id(
        salt=os.urandom(_SALT_BYTES),
        length=_HASH_BYTES,
        iterations=ITERATIONS,
        lanes=LANES,
        memory_cost=KIBIBYTES,
    )
    return made.derive_phc_encoded(_bytes(password))


def is_hash_of(kept: str, password: str) -> bool:
    """Return whether a hash belongs to a password."""
    try:
        Argon2id.verify_phc_encoded(_bytes(password), kept)
    except InvalidKey:
        return False
    return True


def _bytes(password: str) -> bytes:
    """Return the bytes to hash, normalised to NFC: accented letters can be typed in two ways."""
    return unicodedata.normalize("NFC", password).encode("utf-8", "replace")


def _yield_to_others() -> None:
    # On Linux niceness is per thread; other systems do not support this.
    try:
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
    except (OSError, AttributeError) as error:
        logger.warning(
            "passwords do not yield",
            extra={
                "cause": cause_in_words(error),
                "next": "this thread hashes at the priority of all others: many who sign in at once"
                " make other answers slower",
            },
        )


class Hasher:
    """Hashes in at most `threads` threads; at most `queue` callers wait for one of them."""

    def __init__(self, *, threads: int, queue: int) -> None:
        self._threads = ThreadPoolExecutor(
            threads, thread_name_prefix="passwords", initializer=_yield_to_others
        )
        self._most = threads + queue
        self._under_way = self._waiting = 0
        # More turns than threads, so that no thread idles while a user is looked up.
        self._turns = asyncio.Semaphore(2 * threads + 2)
        # A dummy hash: unknown users are verified against it, so that timing does not reveal them.
        self._nobodys = hashed(os.urandom(_SALT_BYTES).hex())

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for a turn to look up a user and verify the password.

        Each user is looked up only when their turn comes, so that a crowd of sign-ins takes
        neither all connections nor the event loop from everything else.

        Raises:
            SignInBusy: the queue is full.
        """
        if self._waiting >= self._most:
            raise SignInBusy(extra={"retry_after": _RETRY_AFTER_SECONDS})
        self._waiting += 1
        try:
            async with self._turns:
                yield
        finally:
            self._waiting -= 1

    async def made(self, password: str) -> str:
        """Return the hash of a new password.

        Raises:
            SignInBusy: the queue is full.
        """
        return await self._in_thread(lambda: hashed(password))

    async def is_right(self, kept: str | None, password: str) -> bool:
        """Return whether a hash belongs to a password; `kept` None: False, after the same time.

        Raises:
            SignInBusy: the queue is full.
        """
        tried = await self._in_thread(lambda: is_hash_of(kept or self._nobodys, password))
        return tried and kept is not None

    async def is_one_of(self, kept: list[str], password: str) -> bool:
        """Return whether one of some hashes belongs to a password.

        Raises:
            SignInBusy: the queue is full.
        """
        return await self._in_thread(lambda: any(is_hash_of(one, password) for one in kept))

    async def _in_thread(self, work: Callable[[], _Made]) -> _Made:
        if self._under_way >= self._most:
            raise SignInBusy(extra={"retry_after": _RETRY_AFTER_SECONDS})
        self._under_way += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._under_way -= 1

    def close(self) -> None:
        """Shut the threads down, and cancel what waits."""
        self._threads.shutdown(wait=False, cancel_futures=True)
