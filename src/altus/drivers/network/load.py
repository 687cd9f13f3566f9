"""Which network drivers there are."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from altus.common.errors import InvalidInput
from altus.drivers.network.base import NetworkDriver
from altus.drivers.network.fake import FakeNetworks
from altus.drivers.network.ovn.driver import OvnNetworks


def _ovn() -> NetworkDriver:
    driver = OvnNetworks()
    driver.start()
    return driver


DRIVERS: Mapping[str, Callable[[], NetworkDriver]] = {"ovn": _ovn, "fake": FakeNetworks}
"""Name → how to make it, with the defaults of a host. Needs a running event loop."""


def load_network(name: str) -> NetworkDriver:
    """The driver of this name, at work; `InvalidInput` (`network.driver_unknown`) for others."""
    make = DRIVERS.get(name)
    if make is None:
        raise InvalidInput(f"There is no network driver {name[:64]!r}.", code="network.driver_unknown",
                           hint=f"There are: {', '.join(DRIVERS)}.")  # fmt: skip
    return make()
