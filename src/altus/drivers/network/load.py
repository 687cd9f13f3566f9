"""Which network drivers there are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from ipaddress import IPv4Interface
from pathlib import Path

from altus.common.errors import InvalidInput
from altus.drivers.network.base import NetworkDriver
from altus.drivers.network.fake import FakeNetworks
from altus.drivers.network.ovn.driver import OvnNetworks
from altus.drivers.network.ovn.names import OvnSettings
from altus.drivers.network.ovn.remote import Tls


def _ovn(northbound: str = OvnSettings.northbound, local: str = OvnSettings.local, southbound: str | None = None,
         encap_address: str | None = None, uplink: str = OvnSettings.uplink, transit: str = str(OvnSettings.transit),
         tls_key: str = "", tls_certificate: str = "", tls_ca: str = "") -> NetworkDriver:  # fmt: skip
    tls = Tls(key=Path(tls_key), certificate=Path(tls_certificate), ca=Path(tls_ca)) if tls_key else None
    driver = OvnNetworks(OvnSettings(northbound=northbound, local=local, southbound=southbound, uplink=uplink,
                                     encap_address=encap_address, transit=IPv4Interface(transit),
                                     tls=tls))  # fmt: skip
    driver.start()
    return driver


def _fake(path: str | None = None) -> NetworkDriver:
    return FakeNetworks(Path(path) if path else None)


DRIVERS: Mapping[str, Callable[..., NetworkDriver]] = {"ovn": _ovn, "fake": _fake}
"""Name → how to make it. Options are text: those of `OvnSettings`, with the files `tls_key`, `tls_certificate` and
`tls_ca`; `path` for the fake."""


def load_network(name: str, options: Mapping[str, str] | None = None) -> NetworkDriver:
    """The driver of this name, at work; `InvalidInput` (`network.driver_unknown`, `network.option_invalid`) for others.
    Needs a running event loop."""
    make = DRIVERS.get(name)
    if make is None:
        raise InvalidInput(f"There is no network driver {name[:64]!r}.", code="network.driver_unknown",
                           hint=f"There are: {', '.join(DRIVERS)}.")  # fmt: skip
    try:
        return make(**(options or {}))
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"The network driver {name} cannot be made like this: {error}.",
                           code="network.option_invalid", hint="Check the agent's settings.") from error  # fmt: skip
