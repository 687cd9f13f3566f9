"""The hypervisor protocol. All calls are idempotent: asking for what is already so is success."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from altus.model.cpu import CpuOffer
from altus.model.domain import DomainFacts
from altus.model.host import Acceleration
from altus.model.image import DirectKernel
from altus.model.migration import MigrationFacts, MigrationOptions
from altus.model.network import NicAttachment
from altus.model.vm import CloudInit, GuestFacts, VmDefinition, VmEvent, VmObservation
from altus.model.volume import DiskSource


@dataclass(frozen=True, kw_only=True)
class HypervisorCapabilities:
    """What this hypervisor can do here, and why not more."""

    acceleration: Acceleration
    acceleration_reason: str
    versions: dict[str, str]
    uefi: bool
    guest_cpus: CpuOffer


@dataclass(frozen=True, kw_only=True)
class VmAttachments:
    """The definition's ids resolved on this host, in the order of `hardware.disks` and `hardware.nics`.

    `seed` is None for a VM that is defined again and keeps the seed it has.
    """

    disks: Sequence[DiskSource]
    nics: Sequence[NicAttachment]
    kernel: DirectKernel | None = None
    cdrom: DiskSource | None = None
    seed: CloudInit | None = None


class ByteStream(Protocol):
    """A two-way stream of bytes: a serial console or a VNC connection."""

    async def read(self) -> bytes:
        """The next bytes; empty at the end."""
        ...

    async def write(self, data: bytes) -> None:
        """Send all of `data`."""
        ...

    async def close(self) -> None:
        """End it; twice is fine."""
        ...


class MigrationChannel(StrEnum):
    """What the hypervisors of two hosts tell each other on connections of their own, while a VM moves."""

    CONTROL = "control"
    MEMORY = "memory"
    DISKS = "disks"


class Report(Protocol):
    """Told the share done (0.0 to 1.0) and what is being done; `committed`: it cannot be broken off any more."""

    def __call__(self, share: float, text: str, committed: bool = False) -> None:
        """Take note."""
        ...


@dataclass(frozen=True, kw_only=True)
class Move:
    """How a VM comes to another host.

    `reach` connects to the other host's `Migrations.stream`. `switch` leads the VM's packets there: it is awaited when
    the VM does not run here any more and before it runs there; with post-copy, which lets it run there by itself, at
    about the same time. `report` is told how far it is. `stop` breaks the move off, as long as that is possible.
    `gone`: the other host was given up for ever and is not asked any more. `copies`: its disks come over too, into the
    empty ones that it is defined with there.
    """

    reach: Callable[[MigrationChannel], Awaitable[ByteStream]]
    switch: Callable[[], Awaitable[None]]
    report: Report
    stop: asyncio.Event
    options: MigrationOptions = field(default_factory=MigrationOptions)
    gone: bool = False
    copies: bool = False


class Migrations(Protocol):
    """VMs that run on on another host; both have this hypervisor."""

    async def leave(self, vm_id: str, move: Move) -> MigrationFacts:
        """Let the running VM go on on the other host, where it must be defined; what an interrupted call left is gone
        on from. Afterwards it is `stopped` here. At no time does it run on both: there it runs only when it has ended
        here. `Conflict` (`vm.not_running`) if it runs on neither, `Cancelled` (`vm.migration_stopped`) or what went
        wrong; then it runs on here, or `settle` sees to that. `Failed` (`vm.post_copy_failed`) if post-copy broke: its
        memory is on two hosts, and no guest any more."""
        ...

    async def settle(self, vm_id: str, move: Move) -> bool:
        """Let a migration that was broken off end: the VM goes on here if it is here at all, else there. What post-copy
        tore apart ends on both. It is fine if it runs on neither or if there was none. The other host is asked unless
        the VM is active here. Whether the other one has it: it runs there or, of one whose disks were copied, it may
        have run there and ended, so that only the disks there are as its guest left them."""
        ...

    async def stream(self, vm_id: str, channel: MigrationChannel) -> ByteStream:
        """Where a VM that comes here from another host speaks to."""
        ...


class Adoptions(Protocol):
    """Domains of others that become VMs. They do not run meanwhile."""

    async def take(self, domain_id: str) -> None:
        """Keep how the domain is defined, and let it be the VM with this id from now on, which `define` makes it whole.
        `NotFound` (`vm.not_on_host`), `Conflict` (`domain.running`)."""
        ...

    async def give_back(self, domain_id: str) -> None:
        """Let it be again what it was before `take`; success if it was not taken."""
        ...


class DiskSwitch(Protocol):
    """Other files below a guest that runs on."""

    async def switch(self, vm_id: str, paths: Sequence[str], *, quiesce: bool = False) -> None:
        """Let a running VM go on on the files that have taken the places of these of its disks, all at one instant:
        empty ones that stand on what it has open. `quiesce`: its agent has file systems written out before.
        `Conflict` (`vm.not_running`, `snapshot.not_quiesced`). Its definition has to be made anew afterwards."""
        ...


class Devices(Protocol):
    """Disks and NICs of guests that run on."""

    async def plug(self, vm: VmDefinition, attachments: VmAttachments, device_ids: Collection[str], *,
                   held: Collection[str] = (), asked: Collection[str] = ()) -> list[str]:  # fmt: skip
        """Let the running guest have of these devices (ids of volumes and NICs) what the definition has, with its
        limits and links, and none that it has not; others stay as they are, and so does what the VM is defined with.
        Of a VM that does not run there is nothing to do. The model of a NIC that is there does not change. Returns the
        ids of those that the guest keeps although it was asked for them.

        `held` NICs have no link whatever the definition says; it returns when the guest has noticed. `asked`: a call
        that was broken off may have asked the guest for these, which it is to keep: wait for what it lets go of, and
        give it back. `LimitExceeded` (`device.no_slot`)."""
        ...


class Hypervisor(Protocol):
    """One host's hypervisor. A VM that is not there raises `NotFound` (`vm.not_on_host`) unless a method says else."""

    @property
    def migrations(self) -> Migrations:
        """Live migration."""
        ...

    @property
    def disks(self) -> DiskSwitch:
        """Disks of running VMs."""
        ...

    @property
    def devices(self) -> Devices:
        """Devices of running VMs."""
        ...

    @property
    def adoptions(self) -> Adoptions:
        """Taking over domains of others."""
        ...

    async def capabilities(self) -> HypervisorCapabilities:
        """Probed once, by running a guest; later calls are cheap."""
        ...

    async def define(self, vm: VmDefinition, attachments: VmAttachments) -> None:
        """Make the persistent definition be this one; a running VM keeps running (changes apply at its next start)."""
        ...

    async def undefine(self, vm_id: str) -> None:
        """Remove definition, saved state and seed of a VM that is not running; success if it isn't there."""
        ...

    async def start(self, vm_id: str) -> None:
        """Run it, from its saved state if it has one; a paused VM stays paused. Refused if the host cannot give it the
        CPU it is defined with; it has no other one."""
        ...

    async def shutdown(self, vm_id: str) -> None:
        """Ask the guest to power off: its agent, and by the power button. Returns within seconds; a request can be lost
        and may be repeated."""
        ...

    async def destroy(self, vm_id: str) -> None:
        """Cut the power; saved state is dropped too, so the VM is `stopped` afterwards; success if not on the host."""
        ...

    async def reboot(self, vm_id: str, *, force: bool) -> None:
        """Ask the guest to restart, or reset it at once (`force`). Not idempotent by nature: at least once."""
        ...

    async def pause(self, vm_id: str) -> None:
        """Stop its vCPUs."""
        ...

    async def resume(self, vm_id: str) -> None:
        """Let its vCPUs run again."""
        ...

    async def suspend(self, vm_id: str) -> None:
        """Save memory to disk and stop; `start` goes on from there."""
        ...

    async def observe(self, vm_id: str) -> VmObservation | None:
        """What is so now, without asking the guest; None if the VM is not defined here."""
        ...

    async def observe_all(self) -> list[VmObservation]:
        """Every VM that Altus manages on this host."""
        ...

    async def guest(self, vm_id: str) -> GuestFacts | None:
        """Ask the guest agent; None when none answers (in at most 2 s)."""
        ...

    async def domains(self) -> list[DomainFacts]:
        """Every domain of this host as it is defined, whoever made it; `volume_id` of its disks stays empty."""
        ...

    async def sign(self) -> str:
        """Cheap, and another one than before if anything may have been defined otherwise since, whoever did it."""
        ...

    def events(self) -> AsyncIterator[VmEvent]:
        """What happens from now on, whoever does it; ends when the hypervisor is closed or its connection is lost."""
        ...

    async def open_serial(self, vm_id: str) -> ByteStream:
        """The serial console; a new one takes over from an older one."""
        ...

    async def open_vnc(self, vm_id: str) -> ByteStream:
        """A raw RFB connection to the VM's display."""
        ...

    async def screenshot(self, vm_id: str) -> bytes:
        """The display as PNG."""
        ...

    async def close(self) -> None:
        """Let go of everything; VMs run on."""
        ...
