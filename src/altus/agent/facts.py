"""The host's facts and its repositories' usage: gathered at the start, looked at again now and then."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable

import structlog

from altus.agent.drivers import HostDrivers
from altus.agent.inventory.facts import Found, describe
from altus.common.errors import AltusError
from altus.model.host import HostFacts
from altus.model.storage import StorageKind, StorageUsage
from altus.wire.agent import FactsChanged, HostMessage, StoragesChanged, StorageSeen

_LOOK_AGAIN = 30.0
_TRY_AGAIN = 3.0
_log = structlog.get_logger(__name__)


class FactsKeeper:
    """What the host says about itself. `look` reads the hardware (blocking)."""

    def __init__(self, host: HostDrivers, look: Callable[[], Found], publish: Callable[[HostMessage], None]) -> None:
        self._host = host
        self._look = look
        self._publish = publish
        self._facts: HostFacts | None = None
        self._storages: list[StorageSeen] = []
        self._warnings: dict[str, str] = {}
        self._ready = asyncio.Event()
        self._away: list[str] = []

    async def run(self) -> None:
        """Keep them until cancelled."""
        while True:
            await self.refresh()
            await asyncio.sleep(_TRY_AGAIN if self._away else _LOOK_AGAIN)

    async def current(self) -> tuple[HostFacts, list[StorageSeen]]:
        """Facts and repositories, as soon as they were gathered once."""
        await self._ready.wait()
        if self._facts is None:
            raise RuntimeError("ready without facts")
        return self._facts, self._storages

    @property
    def storages(self) -> list[StorageSeen]:
        """Repositories as last seen."""
        return self._storages

    def warn(self, topic: str, sentence: str) -> None:
        """Show a warning on the host; an empty sentence takes the topic's warning away."""
        old = self._warnings.pop(topic, "")
        if sentence:
            self._warnings[topic] = sentence
        if sentence != old and self._facts is not None:
            kept = tuple(warning for warning in self._facts.warnings if warning != old)
            self._set(dataclasses.replace(self._facts, warnings=(*kept, sentence) if sentence else kept))

    async def refresh(self) -> None:
        """Look at everything again and publish what changed."""
        found = await asyncio.to_thread(self._look)
        self._away = []
        try:
            hypervisor = await self._host.hypervisor.capabilities()
        except AltusError as error:
            hypervisor = None
            self._away.append(f"The hypervisor cannot tell what it can do: {error.message}")
        try:
            network = await self._host.network.capabilities()
        except AltusError as error:
            network = None
            self._away.append(f"The network does not answer: {error.message}")
        facts = describe(found, hypervisor, network, before=self._facts)
        storages = [await self._storage(index) for index in range(len(self._host.repositories))]
        warnings = (*facts.warnings, *self._away, *self._warnings.values())
        self._set(dataclasses.replace(facts, warnings=warnings))
        if storages != self._storages and self._ready.is_set():
            self._publish(StoragesChanged(storages=storages))
        self._storages = storages
        self._ready.set()

    def _set(self, facts: HostFacts) -> None:
        if facts != self._facts and self._ready.is_set():
            self._publish(FactsChanged(facts=facts))
        self._facts = facts

    async def _storage(self, index: int) -> StorageSeen:
        repository = self._host.repositories[index]
        usage: StorageUsage | None = None
        shared = False
        try:
            shared = (await repository.driver.capabilities()).shared
            usage = await repository.driver.usage()
        except AltusError as error:
            self._away.append(f"Storage {repository.name} cannot be read: {error.message}")
        return StorageSeen(id=repository.id, name=repository.name, kind=StorageKind(repository.kind), shared=shared,
                           usage=usage)  # fmt: skip
