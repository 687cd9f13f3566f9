"""Which hypervisors there are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from altus.common.errors import InvalidInput
from altus.drivers.hypervisor.base import Hypervisor
from altus.drivers.hypervisor.fake import FakeHypervisor
from altus.drivers.hypervisor.libvirt.driver import LibvirtHypervisor


@dataclass(frozen=True, kw_only=True)
class HypervisorOptions:
    """What a driver is made of: its folder on this host and, for libvirt, whom to connect to."""

    state_dir: Path
    uri: str = "qemu:///system"


DRIVERS: dict[str, Callable[[HypervisorOptions], Hypervisor]] = {
    "libvirt": lambda options: LibvirtHypervisor(options.state_dir, options.uri),
    "fake": lambda options: FakeHypervisor(options.state_dir / "fake-hypervisor.db"),
}


def load_hypervisor(name: str, options: HypervisorOptions) -> Hypervisor:
    """The driver called `name`; `InvalidInput` (`driver.unknown`) if there is none."""
    try:
        make = DRIVERS[name]
    except KeyError:
        raise InvalidInput(f"There is no hypervisor driver {name!r}.", code="driver.unknown",
                           hint=f"Use one of: {', '.join(DRIVERS)}.") from None  # fmt: skip
    return make(options)
