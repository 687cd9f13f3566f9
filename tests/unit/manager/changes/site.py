"""A manager's services and engine, with hosts on fake drivers, and an administrator who may change everything."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from altus.common.ids import new_id
from altus.common.pki import Authority, make_csr, open_key
from altus.common.units import MIB
from altus.manager.agents.base import Agents
from altus.manager.services.audit import AuditLog
from altus.manager.services.changes import Change, Changes
from altus.manager.services.doctor import DoctorService
from altus.manager.services.hosts import InventoryService, ensure_defaults
from altus.manager.services.images import ImageService
from altus.manager.services.networks import NetworkService
from altus.manager.services.observe import Observer
from altus.manager.services.vm_power import VmPowerService
from altus.manager.services.vms import VmService
from altus.manager.services.volumes import VolumeService
from altus.manager.store import certificates, ports
from altus.manager.store import tasks as rows
from altus.manager.store.audit import AuditChain
from altus.manager.store.database import Database, Tx
from altus.manager.store.lease import Lease
from altus.manager.store.resources import (
    FLOATING_IP,
    FORWARD,
    HOST,
    IMAGE,
    NETWORK,
    ROUTER,
    SECURITY_GROUP,
    SNAPSHOT,
    SNAPSHOT_SCHEDULE,
    STORAGE,
    VM,
    VOLUME,
)
from altus.manager.store.secrets import SecretBox
from altus.manager.tasks.engine import Engine, EngineSettings
from altus.manager.tasks.load import TASK_TYPES
from altus.manager.tasks.observer import Observer as StepObserver
from altus.manager.tasks.observer import trace
from altus.manager.tasks.run import World
from altus.manager.tasks.submit import make, store
from altus.model.actor import Actor, Right
from altus.model.consistency import Finding
from altus.model.domain import DomainDevices
from altus.model.host import Host, HostState
from altus.model.permission import SYSTEM_ROLE, Duty
from altus.model.query import Filter, FilterOp, ListQuery
from altus.model.storage import Storage
from altus.model.task import Task, TaskState
from altus.model.vm import Vm
from altus.wire import resources as shapes
from altus.wire import vms as vm_shapes
from altus.wire.operations import NETWORK_ENSURE, SECURITY_GROUP_ENSURE, NetworkEnsure, SecurityGroupEnsure
from testbed.local_agents import LocalAgents
from testbed.local_hosts import LocalHost

ADMIN = Actor(account_id=new_id(), name="sysadmin", duty=Duty.SYSTEM, rights=(Right(SYSTEM_ROLE.permissions),))
SMALL = 128 * MIB
_PATIENCE = 30.0
_MOVING = ("updated_at", "revision", "guest", "observed", "facts", "seen_at", "usage")
"""What hosts tell all the time."""


@dataclass
class Site:
    """Made by `new`. `base_image` and `lan` are there for VMs to be made of."""

    db: Database
    agents: LocalAgents
    world: World
    audit: AuditLog
    base_image: str = ""
    lan: str = ""
    known: set[Finding] = field(default_factory=set)
    _engines: list[Engine] = field(default_factory=list)

    @classmethod
    async def new(cls, db: Database, folder: Path, hosts: int = 1) -> Site:
        """With so many hosts, a ready image and a ready network. Several hosts have a repository in common, where the
        image is, and networks."""
        agents = LocalAgents.make(folder / "hosts", [new_id() for _ in range(hosts)], pooled=hosts > 1)
        audit = AuditLog(db, AuditChain.open(folder / "audit.key", folder / "audit.anchor"))
        world = World(db, agents, SecretBox(b"k" * 32), Authority.open(folder / "ca"), audit.of_task_end)
        site = cls(db, agents, world, audit)
        await db.write(ensure_defaults)
        for number, host in enumerate(agents.hosts.values()):
            await site._enrol(host.id, f"host{number}")
        async with site.running():
            storage = "shared" if hosts > 1 else None
            build = shapes.ImageBuild.model_validate({"image": "tiny", "name": "base", "storage": storage})
            site.base_image = (await site.done(site.images.build(ADMIN, build))).object_id
            lan = shapes.NetworkCreate(name="lan", cidr="10.20.0.0/16")
            site.lan = (await site.done(site.networks.create(ADMIN, lan))).object_id
        return site

    async def _enrol(self, host_id: str, name: str) -> None:
        local = self.agents.hosts[host_id]
        await local.core.facts.refresh()
        hello = await local.core.hello()
        host = Host(id=host_id, name=name, state=HostState.UP, address=f"{name}:8441", facts=hello.facts)
        storages = [Storage(id=local.local, name=f"{name}-local", host_id=host_id)]
        if local.common is not None:
            storages.append(Storage(id=local.common.shared, name="shared"))

        authority = self.world.authority

        def work(tx: Tx) -> str:
            HOST.insert(tx, host)
            for storage in storages:
                if STORAGE.peek(tx, storage.id) is None:
                    STORAGE.insert(tx, storage)
            return certificates.certify(tx, authority, host, make_csr(open_key(local.identity.key), name))

        local.identity.store(await self.db.write(work), authority.certificate, authority.fingerprint)
        local.show()

    async def add_host(self) -> str:
        """The id of one more host; all networks are there."""
        host = LocalHost(new_id(), self.agents.hosts[self.host_id].path.parent / new_id())
        self.agents.hosts[host.id] = host
        await self._enrol(host.id, f"host-{host.id[-12:]}")
        for network in await self.db.read(NETWORK.all):
            await self.agents.call(host.id, NETWORK_ENSURE, NetworkEnsure(network=network.spec))
        for group in await self.db.read(SECURITY_GROUP.all):
            await self.agents.call(host.id, SECURITY_GROUP_ENSURE, SecurityGroupEnsure(group=group.spec))
        return host.id

    @property
    def inventory(self) -> InventoryService:
        """Hosts."""
        return InventoryService(self.db, self.audit)

    @property
    def host_id(self) -> str:
        """The first host."""
        return next(iter(self.agents.hosts))

    @property
    def vms(self) -> VmService:
        """Services have no state."""
        return VmService(self.db, self.world.secrets)

    @property
    def power(self) -> VmPowerService:
        """Power of VMs."""
        return VmPowerService(self.db)

    @property
    def volumes(self) -> VolumeService:
        """Volumes."""
        return VolumeService(self.db)

    @property
    def images(self) -> ImageService:
        """Images."""
        return ImageService(self.db, self.audit)

    @property
    def networks(self) -> NetworkService:
        """Networks."""
        return NetworkService(self.db)

    def changes(self, wake: Any = lambda: None) -> Changes:
        """How changes are submitted."""
        return Changes(self.world, self.audit, wake)

    async def submit(self, draft: Coroutine[Any, Any, Change[Any]]) -> Task:
        """Queue a change; somebody has to run it."""
        return await self.changes(self._wake).submit(ADMIN, await draft)

    async def submit_unchecked(self, draft: Coroutine[Any, Any, Change[Any]]) -> Task:
        """Queue a change as if it had been asked for a while ago: whether it is possible is found out in its turn."""
        change = await draft
        task = make(change.kind, change.arguments, object_id=change.object_id, object_name=change.object_name)
        stored = await self.db.write(lambda tx: store(tx, task))
        self._wake()
        return stored

    def _wake(self) -> None:
        """Engines look into the queue at once."""
        for engine in self._engines:
            engine.wake()

    async def done(self, draft: Coroutine[Any, Any, Change[Any]]) -> Task:
        """Have a change made by the engine that runs now; it must succeed."""
        task = await self.ended(await self.submit(draft))
        assert task.state is TaskState.SUCCEEDED, task
        return task

    async def ended(self, task: Task) -> Task:
        """The task when it has ended."""
        async with asyncio.timeout(_PATIENCE):
            while True:
                seen = self.db.news.count
                found = await self.db.read(lambda tx: rows.get(tx, task.id))
                if found.state.finished:
                    return found
                await self.db.news.wait(seen, 1.0)

    @contextlib.asynccontextmanager
    async def running(self, agents: Agents | None = None, observer: StepObserver = trace, *,
                      watch: bool = False) -> AsyncIterator[Engine]:  # fmt: skip
        """An engine that serves inside the block, through other `agents` if given; `watch`: hosts are listened to."""
        world = self.world if agents is None else dataclasses.replace(self.world, agents=agents)
        settings = EngineSettings(holder="test", sole=True, poll_seconds=0.02, first_pause=0.002)
        engine = Engine(world, TASK_TYPES, settings, observer, [partial(_watch, self)] if watch else [])
        self._engines.append(engine)
        serving = asyncio.create_task(engine.run())
        try:
            yield engine
        finally:
            self._engines.remove(engine)
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)
            await self.db.write(lambda _tx: None)  # behind what those who were cancelled had queued

    # What things are made of in tests

    async def new_vm(self, **fields: Any) -> Vm:
        """A VM with a disk of the image, an empty one and a NIC; needs a running engine."""
        task = await self.done(self.vms.create(ADMIN, self.vm_body(**fields)))
        return await self.vm(task.object_id)

    def vm_body(self, **fields: Any) -> vm_shapes.VmCreate:
        """What such a VM is asked for with."""
        body: dict[str, Any] = {
            "name": f"vm-{new_id()[-12:]}",
            "memory": SMALL,
            "image": self.base_image,
            "disks": [{"size": 2 * MIB}],
            "nics": [{"network": self.lan}],
        }
        return vm_shapes.VmCreate.model_validate(body | fields)

    async def vm(self, vm_id: str) -> Vm:
        """As stored now."""
        return await self.db.read(lambda tx: VM.get(tx, vm_id))

    async def new_volume(self, **fields: Any) -> str:
        """The id of an empty volume; needs a running engine."""
        body = shapes.VolumeCreate.model_validate({"name": f"vol-{new_id()[-12:]}", "size": 2 * MIB} | fields)
        return (await self.done(self.volumes.create(ADMIN, body))).object_id

    # What is so

    async def findings(self) -> list[Finding]:
        """What the doctor finds beyond what was known before."""
        found = (await DoctorService(self.world).examine(ADMIN)).findings
        return [finding for finding in found if finding not in self.known]

    async def require_healthy(self) -> None:
        """Database and hosts agree."""
        assert await self.findings() == []

    async def settled(self) -> None:
        """Until database and hosts agree; needs a running engine that listens to hosts, whose last events may still be
        on their way."""
        async with asyncio.timeout(20):
            while findings := await self.findings():
                seen = self.db.news.count
                assert not [one for one in findings if one.kind.endswith((".orphan", ".leaked"))], findings
                await self.db.news.wait(seen, 0.2)

    async def picture(self) -> dict[str, Any]:
        """Everything there is, in the database and on the hosts, but for times and revisions."""

        def look(tx: Tx) -> dict[str, Any]:
            nouns: tuple[Any, ...] = (VM, VOLUME, SNAPSHOT, SNAPSHOT_SCHEDULE, IMAGE, NETWORK, SECURITY_GROUP,
                                      FLOATING_IP, FORWARD, ROUTER, HOST, STORAGE)  # fmt: skip
            found: dict[str, Any] = {noun.noun: {one.id: _timeless(one) for one in noun.all(tx)} for noun in nouns}
            return found | {"ports": ports.all_ids(tx)}

        hosts = {}
        for host_id, host in self.agents.hosts.items():
            network = await host.network.truth()
            hosts[host_id] = {
                "vms": {vm.id: vm.state for vm in await host.hypervisor.observe_all()},
                "devices": {vm.id: (vm.disks, vm.nics, _sorted(vm.live)) for vm in await host.hypervisor.domains()},
                "volumes": {volume.id: volume for one in host.storages.values() for volume in await one.volumes()},
                "layers": [layer for one in host.storages.values() for layer in await one.layers.all()],
                "images": {image.id for one in host.storages.values() for image in await one.images()},
                "networks": set(network.networks),
                "ports": network.ports,
                "security_groups": network.security_groups,
                "memberships": network.memberships,
                "limits": network.limits,
                "translations": network.translations,
                "routers": network.routers,
                "certificate": host.identity.certificate.read_text(),
                "shown": host.shown,
                "keys": sorted(path.name for path in host.identity.folder.glob("*")),
            }
        return {"database": await self.db.read(look), "hosts": hosts}


async def _watch(site: Site, lease: Lease) -> None:
    """Listen to its hosts."""
    observer = Observer(site.db, lease.epoch)
    watches = [asyncio.create_task(site.agents.watch(host_id, observer)) for host_id in site.agents.hosts]
    try:
        while True:
            seen = site.db.news.count
            await observer.settle()
            await site.db.news.wait(seen, 1.0)
    finally:
        for one in watches:
            one.cancel()
        await asyncio.gather(*watches, return_exceptions=True)


def _sorted(live: DomainDevices | None) -> Any:
    """What came back after it had gone is the last one of its kind."""
    if live is None:
        return None
    return (sorted(live.disks, key=lambda disk: disk.path), sorted(live.nics, key=lambda nic: nic.port_id))


def _timeless(one: Any) -> dict[str, Any]:
    return {name: value for name, value in vars(one).items() if name not in _MOVING}


async def tasks_of(site: Site, kind: str) -> list[Task]:
    """All tasks of this kind, oldest first."""
    query = ListQuery(filters=(Filter("kind", FilterOp.EQUAL, (kind,)),), sort="seq", limit=1000)
    return (await site.db.read(lambda tx: rows.page(tx, query))).items
