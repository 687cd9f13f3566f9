"""Noticing, without looking at everything, that somebody may have changed something."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from altus.agent.drivers import HostDrivers
from altus.common.errors import AltusError
from altus.wire.agent import HostMessage, HostTouched

_EVERY = 1.0
_log = structlog.get_logger(__name__)


class TouchWatcher:
    """Asks the drivers for their signs every second and publishes that one is another than before. What cannot be asked
    has none; its return is a change."""

    def __init__(self, drivers: HostDrivers, publish: Callable[[HostMessage], None], every: float = _EVERY) -> None:
        self._drivers = drivers
        self._publish = publish
        self._every = every

    async def run(self) -> None:
        """Until cancelled."""
        known: list[str] | None = None
        while True:
            signs = await self._signs()
            if known is not None and signs != known:
                self._publish(HostTouched())
            known = signs
            await asyncio.sleep(self._every)

    async def _signs(self) -> list[str]:
        storages = (repository.driver.sign for repository in self._drivers.repositories)
        signs = []
        for sign in (self._drivers.hypervisor.sign, self._drivers.network.sign, *storages):
            try:
                signs.append(await sign())
            except AltusError as error:
                _log.debug("no sign", error=error.message)
                signs.append("")
        return signs
