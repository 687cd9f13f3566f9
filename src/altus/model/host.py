"""Hosts: the physical servers, as they describe themselves (row C2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from altus.common.errors import Conflict, InvalidInput
from altus.model.cpu import CpuOffer
from altus.model.migration_slots import MOST_AT_ONCE
from altus.model.pool import DEFAULT_POOL
from altus.model.resource import Resource


class HostState(StrEnum):
    """`enrolling` until its agent has been heard for the first time; `up`, or `maintenance` once nothing runs there,
    while its event stream is alive; `unreachable` when it has been silent for 5 s."""

    ENROLLING = "enrolling"
    UP = "up"
    MAINTENANCE = "maintenance"
    UNREACHABLE = "unreachable"

    @property
    def words(self) -> str:
        """What a sentence says that a host is."""
        return "in maintenance" if self is HostState.MAINTENANCE else self.value


TRANSITIONS: dict[HostState, frozenset[HostState]] = {
    HostState.ENROLLING: frozenset({HostState.UP}),
    HostState.UP: frozenset({HostState.MAINTENANCE, HostState.UNREACHABLE}),
    HostState.MAINTENANCE: frozenset({HostState.UP, HostState.UNREACHABLE}),
    HostState.UNREACHABLE: frozenset({HostState.UP, HostState.MAINTENANCE}),
}
"""Where a host may go from each state; the store lets it go nowhere else."""


class Acceleration(StrEnum):
    """How guests run here: found by running one, not by looking at /dev/kvm."""

    KVM = "kvm"
    TCG = "tcg"


@dataclass(frozen=True, kw_only=True)
class CpuFacts:
    """`virtualization` is vmx, svm or empty; `nested_paging` is ept, npt or empty."""

    model: str
    vendor: str
    sockets: int
    cores: int
    threads: int
    flags: tuple[str, ...]
    virtualization: str
    nested_paging: str


@dataclass(frozen=True, kw_only=True)
class NumaNode:
    """One node; `memory` in bytes."""

    id: int
    cpus: tuple[int, ...]
    memory: int


@dataclass(frozen=True, kw_only=True)
class HostDisk:
    """A block device; `size` in bytes."""

    name: str
    size: int
    model: str
    rotational: bool


@dataclass(frozen=True, kw_only=True)
class HostNic:
    """A network device; `speed` in Mbit/s (0: unknown), `sriov_total` the virtual functions it can have."""

    name: str
    mac: str
    speed: int
    link: bool
    driver: str
    sriov_total: int
    numa_node: int


@dataclass(frozen=True, kw_only=True)
class HostFacts:
    """What a host found out about itself; `memory` in bytes; `versions` of kernel, libvirt, qemu, ovs, ovn, altus.

    `guest_cpus` is what it can give guests as they run there; None while its hypervisor has not told. `warnings` are
    sentences for its administrator, such as why KVM is not used.
    """

    hostname: str
    cpu: CpuFacts
    memory: int
    numa: tuple[NumaNode, ...]
    iommu: bool
    disks: tuple[HostDisk, ...]
    nics: tuple[HostNic, ...]
    acceleration: Acceleration
    acceleration_reason: str
    datapath: str
    versions: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    guest_cpus: CpuOffer | None = None


@dataclass(frozen=True, kw_only=True)
class Host(Resource):
    """A host as the manager knows it; `address` is where its agent listens. With `maintenance` it is given
    nothing to run, which outlasts its silence and restarts. `tags` are for
    placement; `reserved_vcpus` (threads) and `reserved_memory` (bytes) are the host's own. `migrations` is how many VMs
    may move from or to it at once. `boot_id` is another one after each of its boots."""

    state: HostState = HostState.ENROLLING
    maintenance: bool = False
    address: str = ""
    pool_id: str = DEFAULT_POOL
    tags: tuple[str, ...] = ()
    reserved_vcpus: int = 0
    reserved_memory: int = 0
    migrations: int = MOST_AT_ONCE
    facts: HostFacts | None = None
    seen_at: datetime | None = None
    boot_id: str = ""

    @property
    def answering(self) -> HostState:
        """Its state when its agent is heard (again); one that is up is put into maintenance by its task only."""
        return HostState.MAINTENANCE if self.maintenance and self.state is not HostState.UP else HostState.UP


def split_address(address: str) -> tuple[str, int]:
    """Name or IP address, and port, of host:port; `InvalidInput` (`host.address_invalid`)."""
    host, colon, port = address.rpartition(":")
    name = host.strip("[]")
    if not colon or not port.isdecimal() or not 0 < int(port) < 65536 or not name or not name.isascii() or " " in name:
        raise InvalidInput(f"{address[:64]!r} is not host:port.", code="host.address_invalid",
                           hint="Set `address` in the agent's settings, such as 192.0.2.7:8441.")  # fmt: skip
    return name, int(port)


def require_transition(host: Host, state: HostState) -> None:
    """`Conflict` (`host.transition`) unless the host may go into this state, or is in it."""
    if state is not host.state and state not in TRANSITIONS[host.state]:
        raise Conflict(f"Host {host.name} is {host.state.words} and cannot become {state}.", code="host.transition",
                       hint="See `altus host show`.", state=host.state)  # fmt: skip
