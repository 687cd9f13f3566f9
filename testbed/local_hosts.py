"""A host in this process: a real agent without its network, on fake drivers that keep everything in files."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from pathlib import Path
from typing import cast

from altus.agent.core import AgentCore
from altus.agent.credentials import Credentials
from altus.agent.drivers import HostDrivers, Repository
from altus.agent.identity import Identity
from altus.agent.inventory.facts import Found
from altus.common.errors import Forbidden, Unavailable
from altus.common.ids import derived_id
from altus.common.pki import serial
from altus.common.units import GIB, TIB
from altus.drivers.hypervisor.base import ByteStream, Hypervisor, MigrationChannel
from altus.drivers.hypervisor.fake import FakeHypervisor
from altus.drivers.image.fake import FakeBuilder
from altus.drivers.network.fake import FakeNetworks
from altus.drivers.storage.fake import FakeStorage
from altus.drivers.storage.fake_journal import Journal
from altus.model.host import CpuFacts
from altus.model.image import BuiltinImage
from altus.model.vm import VmState
from altus.wire.operations import HostAddress
from testbed.faults import Fault


def found(hostname: str) -> Found:
    """A machine that isn't there."""
    cpu = CpuFacts(model="Fake CPU", vendor="Fake", sockets=1, cores=16, threads=32, flags=("fpu",), virtualization="",
                   nested_paging="")  # fmt: skip
    return Found(hostname=hostname, kernel="1.0.0", cpu=cpu, memory=256 * GIB, numa=(), iommu=False, disks=(), nics=())


async def running_vms(hypervisor: Hypervisor) -> list[str]:
    """What stands for QEMU processes where there are none."""
    active = (VmState.RUNNING, VmState.PAUSED)
    return [vm.id for vm in await hypervisor.observe_all() if vm.state in active]


class Common:
    """What several hosts have in common, in a folder: networks, and a repository with the id `shared`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.shared = derived_id("storage", str(path))
        self.storage = _storage(path)


def _storage(path: Path) -> FakeStorage:
    folder = path / "storage"
    folder.mkdir(parents=True, exist_ok=True)
    return FakeStorage(folder, Journal(folder / "journal.jsonl", None), capacity=16 * TIB, reserve=GIB)


class Neighbours:
    """`Peers` of one host: hosts in this process reach one another directly."""

    def __init__(self, host_id: str) -> None:
        self._host_id = host_id
        self.hosts: dict[str, LocalHost] = {}

    async def reach(self, host: HostAddress, vm_id: str, channel: MigrationChannel) -> ByteStream:
        """See `Peers`."""
        there = self.hosts[host.host_id]
        if not there.up.is_set():
            raise there.unreachable()
        try:
            there.core.drivers.admissions.require(vm_id, self._host_id)
        except Forbidden as error:
            raise Unavailable(error.message, code=error.code) from error
        return await there.hypervisor.migrations.stream(vm_id, channel)


class LocalHost:
    """One host, its drivers, and what is to go wrong next. `local` is the id of its only repository, unless it has
    one in `common` with others; `tls` is the folder of its certificate."""

    def __init__(self, host_id: str, path: Path, common: Common | None = None, tls: Path | None = None) -> None:
        self.id = host_id
        self.path = path
        self.common = common
        self.neighbours = Neighbours(host_id)
        self.local = derived_id("storage", host_id, "local")
        self.up = asyncio.Event()
        self.cut = asyncio.Event()
        self.faults: dict[str, deque[Fault]] = defaultdict(deque)
        self.identity = Identity(tls or path / "tls")
        self.shown = 0
        self.core = self._boot()
        self.up.set()

    @property
    def hypervisor(self) -> FakeHypervisor:
        """Its hypervisor, which tests may crash VMs on."""
        return cast("FakeHypervisor", self.core.drivers.hypervisor)

    @property
    def network(self) -> FakeNetworks:
        """Its networks."""
        return cast("FakeNetworks", self.core.drivers.network)

    @property
    def storages(self) -> dict[str, FakeStorage]:
        """Its repositories by id."""
        return cast("dict[str, FakeStorage]", self.core.drivers.storages)

    @property
    def storage(self) -> FakeStorage:
        """Its only repository."""
        return self.storages[self.local]

    def disconnect(self) -> None:
        """The network to it is gone: what runs goes on, nobody hears of it."""
        self.up.clear()
        self.cut.set()

    def connect(self) -> None:
        """It can be reached again."""
        self.cut.clear()
        self.up.set()

    async def kill(self) -> None:
        """Its agent dies, with whatever it was doing; VMs and files stay. `restart` brings it back."""
        self.disconnect()
        await self.core.close()

    def restart(self) -> None:
        """Its agent comes back after `kill`."""
        self.core = self._boot()
        self.connect()

    def show(self) -> None:
        """Show whoever calls the certificate that it has now."""
        there = self.identity.certificate
        self.shown = serial(there.read_text()) if there.exists() else 0

    def unreachable(self) -> Unavailable:
        """The error for a host that does not answer."""
        return Unavailable(f"Host {self.id} does not answer.", code="host.unreachable", host_id=self.id)

    def _boot(self) -> AgentCore:
        self.path.mkdir(parents=True, exist_ok=True)
        hypervisor = FakeHypervisor(self.path / "hypervisor.db")
        repositories = [Repository(id=self.local, name="local", kind="directory", driver=_storage(self.path))]
        if self.common is not None:
            there = self.common
            repositories.append(Repository(id=there.shared, name="shared", kind="directory", driver=there.storage))
        self.show()
        credentials = Credentials(self.identity)
        credentials.on_taken(self.show)
        drivers = HostDrivers(
            peers=self.neighbours,
            credentials=credentials,
            host_id=self.id,
            hypervisor=hypervisor,
            network=FakeNetworks((self.common or self).path / "network.db"),
            processes=lambda: running_vms(hypervisor),
            repositories=repositories,
            builders={image: FakeBuilder(image) for image in BuiltinImage},
        )
        return AgentCore(drivers, self.path, lambda: found(f"host-{self.id[-4:]}"))
