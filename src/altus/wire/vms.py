"""Virtual machines on the public API."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from altus.common.units import MIB, format_size
from altus.model.cpu import AUTO_CPU, MODEL_PATTERN, GuestCpu
from altus.model.disk_limits import DiskLimits
from altus.model.label import Label
from altus.model.migration import BANDWIDTH, DOWNTIME, MODE_MEANING, MigrationFacts, MigrationMode, MigrationOptions
from altus.model.network import MAX_RATE, MIN_RATE, NicLimit
from altus.model.placement import Relation, VmPlacement
from altus.model.security_group import MAX_GROUPS
from altus.model.vm import (
    MAX_DISKS,
    MAX_MEMORY,
    MAX_NICS,
    MAX_VCPUS,
    MIN_MEMORY,
    BootDevice,
    DiskBus,
    Firmware,
    GuestFacts,
    NicLink,
    NicModel,
    PowerIntent,
    VmState,
)
from altus.model.volume import MAX_VOLUME_SIZE, MIN_VOLUME_SIZE
from altus.wire.base import ActionView, Flag, Name, Reference, ResourceView, Shape, Tag, Text, View, example, says
from altus.wire.disk_limits import DiskLimitsShape

_OPTIONS = MigrationOptions()
_SSH_KEY = r"^(ssh-(ed25519|rsa)|ecdsa-sha2-nistp(256|384|521)|sk-(ssh-ed25519|ecdsa-sha2-nistp256)@openssh\.com) [A-Za-z0-9+/=]+( [^\r\n]*)?$"  # noqa: E501
SshKey = Annotated[
    str,
    StringConstraints(pattern=_SSH_KEY, max_length=8192),
    says("must be a public key in one line, as in ~/.ssh/id_ed25519.pub"),
]
Vcpus = Annotated[int, Field(ge=1, le=MAX_VCPUS, strict=True)]
Memory = Annotated[
    int,
    Field(ge=MIN_MEMORY, le=MAX_MEMORY, multiple_of=MIB, strict=True),
    says(f"must be {format_size(MIN_MEMORY)} to {format_size(MAX_MEMORY)}, in whole MiB"),
]
DiskSize = Annotated[
    int,
    Field(ge=MIN_VOLUME_SIZE, le=MAX_VOLUME_SIZE, multiple_of=512, strict=True),
    says(f"must be {format_size(MIN_VOLUME_SIZE)} to {format_size(MAX_VOLUME_SIZE)}, in whole sectors of 512 bytes"),
]


Kilobits = Annotated[int, Field(ge=0, le=MAX_RATE, strict=True)]
Address = Annotated[str, StringConstraints(max_length=15)]
SecurityGroups = Annotated[list[Reference], Field(max_length=MAX_GROUPS)]


CpuModel = Annotated[str, StringConstraints(pattern=MODEL_PATTERN), says("must be the name of a CPU model, or auto")]
"""The name of a CPU model, or `auto` for what the pool gives."""


class DiskCreate(Shape):
    """A new disk (`size`, optionally `image`), or an existing volume (`volume`). `linked` clones of the image share its
    data until they write; otherwise all of it is copied."""

    volume: Reference | None = None
    image: Reference | None = None
    size: DiskSize | None = None
    linked: Flag = True
    bus: DiskBus = DiskBus.VIRTIO
    limits: DiskLimitsShape = DiskLimitsShape()

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if self.volume is not None and (self.image is not None or self.size is not None):
            raise ValueError("a disk is either an existing volume or a new one with image and size")
        if self.volume is None and self.image is None and self.size is None:
            raise ValueError("a new disk needs a size, an image, or both")
        return self


class NicCreate(Shape):
    """A NIC on a network, a member of security groups; in none of them it is not filtered. Without `address` it gets
    a free one."""

    network: Reference
    address: Address | None = None
    model: NicModel = NicModel.VIRTIO
    security_groups: SecurityGroups = []


class NicLimitShape(Shape):
    """How fast a NIC may be in one direction: `rate` in kbit/s (0: as fast as it can), and `burst` in kbit beyond it
    (0: as much as a second of the rate)."""

    model_config = example(rate=50000)

    rate: Kilobits
    burst: Kilobits = 0

    @model_validator(mode="after")
    def _rate_makes_sense(self) -> Self:
        if 0 < self.rate < MIN_RATE:
            raise ValueError(f"a rate is 0 or at least {MIN_RATE} kbit/s")
        return self


class NicEdit(Shape):
    """Fields to change; what is left out stays. It is effective at once; only another model a running guest gets at its
    next start. `limit_in` is for what the VM gets, `limit_out` for what it sends. On another network it keeps its MAC
    and gets `address`, or a free one."""

    model_config = example(security_groups=["web"], limit_out={"rate": 50000})

    security_groups: SecurityGroups | None = None
    limit_in: NicLimitShape | None = None
    limit_out: NicLimitShape | None = None
    link: NicLink | None = None
    model: NicModel | None = None
    network: Reference | None = None
    address: Address | None = None

    @model_validator(mode="after")
    def _address_of_network(self) -> Self:
        if self.address is not None and self.network is None:
            raise ValueError("an address needs the network that the NIC is to be on")
        return self


class DiskEdit(Shape):
    """All the limits that a disk has then, effective at once."""

    model_config = example(limits={"total_iops": {"rate": 500}})

    limits: DiskLimitsShape


class CloudInitCreate(Shape):
    """What the guest is told at its first boot (NoCloud)."""

    user_data: Annotated[str, StringConstraints(max_length=65536)] = ""
    ssh_keys: Annotated[list[SshKey], Field(max_length=32)] = []
    password: Annotated[str, StringConstraints(max_length=256)] = Field(default="", repr=False)


class GroupRuleShape(Shape):
    """Membership in a group of the VM's project, whose members run together or apart; preferred only unless `must`."""

    group: Tag
    relation: Relation
    must: Flag = True


class PlacementShape(Shape):
    """Tags that the VM's host must have or must not have, and the groups it belongs to."""

    model_config = example(required_tags=["ssd"], groups=[{"group": "web", "relation": "apart", "must": True}])

    required_tags: Annotated[list[Tag], Field(max_length=16)] = []
    forbidden_tags: Annotated[list[Tag], Field(max_length=16)] = []
    groups: Annotated[list[GroupRuleShape], Field(max_length=16)] = []

    @model_validator(mode="after")
    def _groups_once(self) -> Self:
        if len({rule.group for rule in self.groups}) != len(self.groups):
            raise ValueError("a group is named twice")
        return self


class VmCreate(Shape):
    """A new VM. `image` is short for a first disk made from it, with `disk_limits`; with neither image nor disks it
    boots from `cdrom` or the network. Memory and sizes in bytes."""

    model_config = example(name="web1", image="debian-12", vcpus=2, memory=1073741824, nics=[{"network": "lan"}])

    name: Name
    project: Reference | None = None
    label: Label = Label.OPEN
    description: Text = ""
    tags: Annotated[list[Tag], Field(max_length=64)] = []
    vcpus: Vcpus = 1
    memory: Memory = 512 * MIB
    cpu_model: CpuModel = AUTO_CPU
    firmware: Firmware = Firmware.BIOS
    boot: Annotated[list[BootDevice], Field(min_length=1, max_length=3)] = list(BootDevice)
    image: Reference | None = None
    disk_size: DiskSize | None = None
    disk_limits: DiskLimitsShape = DiskLimitsShape()
    linked: Flag = True
    disks: Annotated[list[DiskCreate], Field(max_length=MAX_DISKS)] = []
    nics: Annotated[list[NicCreate], Field(max_length=MAX_NICS)] = []
    cdrom: Reference | None = None
    storage: Reference | None = None
    cloud_init: CloudInitCreate = CloudInitCreate()
    placement: PlacementShape = PlacementShape()
    protected: Flag = False
    start: Flag = False


class VmAdopt(Shape):
    """A domain of the host, by UUID or name, that is to become a VM: called `name` or as it is called, with its NICs on
    `network`."""

    model_config = example(domain="0192f0c1-0000-7000-8000-000000000001", name="web1", network="lan")

    domain: str = Field(min_length=1, max_length=255)
    name: Name | None = None
    network: Reference | None = None
    project: Reference | None = None


class VmEdit(Shape):
    """Fields to change; what is left out stays. Disks and NICs of a running guest come and go at once; what it cannot
    take up applies at its next start."""

    model_config = example(memory=2147483648, tags=["web"])

    name: Name | None = None
    description: Text | None = None
    tags: Annotated[list[Tag], Field(max_length=64)] | None = None
    protected: Flag | None = None
    vcpus: Vcpus | None = None
    memory: Memory | None = None
    cpu_model: CpuModel | None = None
    firmware: Firmware | None = None
    boot: Annotated[list[BootDevice], Field(min_length=1, max_length=3)] | None = None
    attach_volumes: Annotated[list[Reference], Field(max_length=MAX_DISKS)] = []
    detach_volumes: Annotated[list[Reference], Field(max_length=MAX_DISKS)] = []
    add_nics: Annotated[list[NicCreate], Field(max_length=MAX_NICS)] = []
    remove_nics: Annotated[list[Reference], Field(max_length=MAX_NICS)] = []


class VmClone(Shape):
    """A copy of a stopped VM under a new name; `linked` shares the source's data until either writes."""

    model_config = example(name="web2", linked=True)

    name: Name
    linked: Flag = False
    start: Flag = False


class VmStop(Shape):
    """Ask the guest to shut down; after `timeout` seconds fail, or cut the power (`force`)."""

    model_config = example(timeout=60, force=True)

    timeout: Annotated[float, Field(ge=0, le=3600, strict=True)] = 90.0
    force: Flag = False


class VmMigrate(Shape):
    """Let the running guest go on on another host; without `host` the most suitable one is chosen. Disks that only its
    host reaches are copied, to `storage` or to the most suitable one. `bandwidth` in MiB a second, `downtime` in
    milliseconds."""

    model_config = example(host="host2", bandwidth=200)

    host: Reference | None = None
    storage: Reference | None = None
    mode: MigrationMode = Field(default=_OPTIONS.mode, description=MODE_MEANING)
    bandwidth: int | None = Field(default=_OPTIONS.bandwidth, ge=BANDWIDTH.least, le=BANDWIDTH.most, strict=True,
                                  description=BANDWIDTH.meaning)  # fmt: skip
    downtime: int = Field(default=_OPTIONS.downtime, ge=DOWNTIME.least, le=DOWNTIME.most, strict=True,
                          description=DOWNTIME.meaning)  # fmt: skip

    @property
    def options(self) -> MigrationOptions:
        """How it is to move."""
        return MigrationOptions(mode=self.mode, bandwidth=self.bandwidth, downtime=self.downtime)


class VmRestart(Shape):
    """Restart the guest, politely or by reset (`force`)."""

    model_config = example(force=False)

    force: Flag = False


class VmDelete(Shape):
    """How a VM is deleted."""

    keep_volumes: Flag = False
    """Detach the disks instead of deleting them."""
    force: Flag = False
    """Cut a running VM's power first."""


class VmDiskView(View):
    """A disk of a VM."""

    volume_id: str
    bus: DiskBus
    limits: DiskLimits


class VmNicView(View):
    """A NIC of a VM; `address` is the one that its network's DHCP gives it, `security_groups` are ids.
    Limits are null where it is as fast as it can be."""

    id: str
    network_id: str
    mac: str
    address: str
    model: NicModel
    security_groups: list[str]
    limit_in: NicLimit | None
    limit_out: NicLimit | None
    link: NicLink


class VmView(ResourceView):
    """A VM: what is wanted (`intent`) and what was last observed (`state`, `guest`). `addresses` are the guest's own as
    its agent tells them. `restart_pending`: changed hardware which the running guest does not have yet. `cpu_model`
    is what was asked for, `cpu` what it was given when it was made or last started, and keeps as long as it runs.
    `migration` is how it last came from another host."""

    state: VmState
    intent: PowerIntent
    host_id: str | None
    storage_id: str
    description: str
    tags: list[str]
    protected: bool
    restart_pending: bool
    vcpus: int
    memory: int
    cpu_model: str
    cpu: GuestCpu | None
    firmware: Firmware
    boot: list[BootDevice]
    disks: list[VmDiskView]
    nics: list[VmNicView]
    cdrom_image_id: str | None
    addresses: list[str]
    guest: GuestFacts | None
    placement: VmPlacement
    migration: MigrationFacts | None
    snapshot_id: str | None
    allowed_actions: dict[str, ActionView]
