"""Password hashing (argon2id) off the event loop, with a bound on how much of it can be asked for at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from altus.common.errors import LimitExceeded
from altus.model.password import MAX_LENGTH, to_bytes

R = TypeVar("R")
_THREADS = 2
_MAX_WAITING = 64


class Hasher:
    """OWASP's least recommended cost: 19 MiB, two passes, one lane; about 20 ms."""

    def __init__(self) -> None:
        self._argon = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="altus-hash")
        self._waiting = 0
        self._nobody = self._argon.hash(b"of nobody")

    async def hash(self, password: str) -> str:
        """The hash to store, with its salt and cost."""
        return await self._run(lambda: self._argon.hash(to_bytes(password)))

    async def matches(self, stored: str | None, password: str) -> bool:
        """Whether it is the password of this hash. No hash, or a password too long to be one, costs the same as a wrong
        password, so that the time does not tell whether an account exists."""
        return await self._run(lambda: self._matches(stored, password))

    async def matches_any(self, stored: list[str], password: str) -> bool:
        """Whether it is the password of one of these hashes."""
        return await self._run(lambda: any(self._matches(one, password) for one in stored))

    def is_outdated(self, stored: str) -> bool:
        """Whether it was made at another cost than today's."""
        return self._argon.check_needs_rehash(stored)

    def close(self) -> None:
        """Let the threads end."""
        self._pool.shutdown()

    def _matches(self, stored: str | None, password: str) -> bool:
        usable = stored is not None and len(password) <= MAX_LENGTH
        try:
            self._argon.verify(stored or self._nobody, to_bytes(password[:MAX_LENGTH]))
        except (VerificationError, InvalidHashError):
            return False
        return usable

    async def _run(self, work: Callable[[], R]) -> R:
        if self._waiting >= _MAX_WAITING:
            raise LimitExceeded("Too many people are logging in right now.", code="login.busy",
                                hint="Try again in a few seconds.")  # fmt: skip
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        finally:
            self._waiting -= 1
