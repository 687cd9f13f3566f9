"""Virtual machines: what an administrator wants, what a host is told, and what is observed."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from altus.common.units import GIB, MIB
from altus.model.cpu import AUTO_CPU, GuestCpu
from altus.model.disk_limits import DiskLimits
from altus.model.label import Label
from altus.model.migration import MigrationFacts
from altus.model.network import NicLimit, PortSpec
from altus.model.placement import VmPlacement
from altus.model.resource import Resource, utc_now

MAX_VCPUS = 128
MIN_MEMORY = 64 * MIB
MAX_MEMORY = 1024 * GIB
MAX_DISKS = 26
MAX_NICS = 8


class VmState(StrEnum):
    """`creating`, `deleting` and `failed` are the database's; the others are observed on a host.

    `unknown` means that the VM's host does not answer; `failed` that its creation could not be finished or undone.
    """

    CREATING = "creating"
    STOPPED = "stopped"
    RUNNING = "running"
    PAUSED = "paused"
    SUSPENDED = "suspended"
    CRASHED = "crashed"
    UNKNOWN = "unknown"
    DELETING = "deleting"
    FAILED = "failed"

    @property
    def keeps_guest(self) -> bool:
        """Whether there is a guest, which may stand still: what it told about itself still counts."""
        return self in (VmState.RUNNING, VmState.PAUSED, VmState.SUSPENDED)


class PowerIntent(StrEnum):
    """What the VM's owner last asked for."""

    RUNNING = "running"
    STOPPED = "stopped"
    PAUSED = "paused"
    SUSPENDED = "suspended"


class Firmware(StrEnum):
    """How the guest boots."""

    BIOS = "bios"
    UEFI = "uefi"


class DiskBus(StrEnum):
    """How the guest sees a disk."""

    VIRTIO = "virtio"
    SCSI = "scsi"
    SATA = "sata"

    @property
    def hot(self) -> bool:
        """Whether disks can be added and removed while the guest runs."""
        return self is not DiskBus.SATA


class NicModel(StrEnum):
    """How the guest sees a NIC."""

    VIRTIO = "virtio"
    E1000E = "e1000e"


class NicLink(StrEnum):
    """Whether the guest finds a cable plugged in."""

    UP = "up"
    DOWN = "down"


class BootDevice(StrEnum):
    """What the firmware may boot from."""

    DISK = "disk"
    CDROM = "cdrom"
    NETWORK = "network"


@dataclass(frozen=True, kw_only=True)
class VmDisk:
    """A volume as the VM's disk; the first one is the one it boots from."""

    volume_id: str
    bus: DiskBus = DiskBus.VIRTIO
    limits: DiskLimits = field(default_factory=DiskLimits)


@dataclass(frozen=True, kw_only=True)
class VmNic:
    """A NIC: `id` is also the id of its port on the network; `address` is the one DHCP gives it. `security_groups` are
    the ids of those it is a member of. `limit_in` is for what the VM gets, `limit_out` for what it sends."""

    id: str
    network_id: str
    mac: str
    address: str
    model: NicModel = NicModel.VIRTIO
    security_groups: tuple[str, ...] = ()
    limit_in: NicLimit | None = None
    limit_out: NicLimit | None = None
    link: NicLink = NicLink.UP

    @property
    def port(self) -> PortSpec:
        """The network driver's view of it."""
        return PortSpec(id=self.id, network_id=self.network_id, mac=self.mac, address=self.address,
                        security_groups=self.security_groups, limit_in=self.limit_in,
                        limit_out=self.limit_out)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class VmHardware:
    """The machine itself; `memory` in bytes. `cdrom_image_id` is an ISO; `kernel_image_id` an image with a kernel of
    its own from which the VM boots directly. `cpu_model` is what was asked for: a model, or `auto` for what the pool
    gives."""

    vcpus: int = 1
    memory: int = 512 * MIB
    firmware: Firmware = Firmware.BIOS
    boot: tuple[BootDevice, ...] = (BootDevice.DISK, BootDevice.CDROM, BootDevice.NETWORK)
    disks: tuple[VmDisk, ...] = ()
    nics: tuple[VmNic, ...] = ()
    cdrom_image_id: str | None = None
    kernel_image_id: str | None = None
    cpu_model: str = AUTO_CPU


@dataclass(frozen=True, kw_only=True)
class CloudInit:
    """What the guest is told at its first boot (NoCloud). May hold secrets: stored encrypted, never logged."""

    user_data: str = ""
    ssh_keys: tuple[str, ...] = ()
    password: str = field(default="", repr=False)


@dataclass(frozen=True, kw_only=True)
class GuestFilesystem:
    """A mounted file system in the guest; sizes in bytes."""

    mountpoint: str
    type: str
    total: int
    used: int


@dataclass(frozen=True, kw_only=True)
class GuestFacts:
    """What the guest agent told."""

    agent_version: str = ""
    hostname: str = ""
    os_name: str = ""
    kernel: str = ""
    addresses: tuple[str, ...] = ()
    filesystems: tuple[GuestFilesystem, ...] = ()
    observed_at: datetime = field(default_factory=utc_now)


@dataclass(frozen=True, kw_only=True)
class Vm(Resource):
    """A virtual machine: intent (`hardware`, `intent`) and the last observation (`state`, `guest`), whose `order` on
    its host is `observed`. While it moves from host to host it has memory and vCPUs on both: `other_host_id` is the one
    that it is not on. `cpu` is what it was given when it was made or last started, and keeps as long as it runs.
    `migration` tells how it last came from another host. `snapshot_id` is the snapshot that its disks stand on."""

    hardware: VmHardware
    state: VmState = VmState.CREATING
    intent: PowerIntent = PowerIntent.STOPPED
    host_id: str | None = None
    storage_id: str = ""
    description: str = ""
    tags: tuple[str, ...] = ()
    protected: bool = False
    restart_pending: bool = False
    guest: GuestFacts | None = None
    observed: int = 0
    placement: VmPlacement = field(default_factory=VmPlacement)
    other_host_id: str | None = None
    cpu: GuestCpu | None = None
    migration: MigrationFacts | None = None
    snapshot_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class VmDefinition:
    """All that a host is told in order to define the VM: ids only, which the host resolves to its own files and ports.

    Written into the domain's metadata as well, so that a lost database can be rebuilt from hosts.
    """

    id: str
    name: str
    project_id: str
    label: Label
    revision: int
    storage_id: str
    hardware: VmHardware
    cpu: GuestCpu | None = None


@dataclass(frozen=True, kw_only=True)
class VmObservation:
    """What a host sees of a VM. `revision` is the one it was last defined with.

    `order` is the host's clock (nanoseconds since it booted) when it began to look: of two observations by one host the
    one with the higher order is newer, on whichever way it comes. The rest of it does not count it.
    """

    id: str
    name: str
    state: VmState
    revision: int = 0
    guest: GuestFacts | None = None
    order: int = field(default=0, compare=False)


class VmEventKind(StrEnum):
    """What happens to a VM on its host."""

    CHANGED = "changed"
    REMOVED = "removed"


@dataclass(frozen=True, kw_only=True)
class VmEvent:
    """Something happened to a VM, whoever did it; `observation` is None when it is gone from the host."""

    kind: VmEventKind
    vm_id: str
    reason: str
    observation: VmObservation | None = None
