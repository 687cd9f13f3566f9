"""What an administrator does by hand in tests of the whole system: make things, wait for them, tidy up."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic import RootModel

from altus.common.errors import Conflict, NotFound
from altus.common.units import MIB
from altus.drivers.hypervisor.libvirt.build import NAME_PREFIX
from altus.model.host import HostState
from altus.model.image import ImageState
from altus.model.pool import MAX_RATIO
from altus.model.vm import VmState
from altus.sdk.client import AltusClient
from altus.wire.pools import PoolEdit
from altus.wire.resources import ImageBuild, NetworkCreate, VolumeCreate, VolumeView
from altus.wire.security_groups import SecurityGroupEdit
from altus.wire.tasks import FindingView
from altus.wire.vms import CloudInitCreate, NicCreate, VmCreate, VmEdit, VmView
from testbed import guests
from testbed.patience import GUEST, RECOVERY, until
from testbed.system import System

OUTSIDE = "192.0.2.10-192.0.2.99"
"""What floating addresses are made of."""
IMAGE, NETWORK, CIDR, GUEST_NAME = "tiny", "lan", "10.20.0.0/24", "guest"
MEMORY = 128 * MIB
KEPT = frozenset({IMAGE, NETWORK, GUEST_NAME, f"{GUEST_NAME}-disk0"})
"""What outlives a test, for the next ones to use."""
_OFF = (VmState.STOPPED, VmState.CRASHED, VmState.SUSPENDED, VmState.FAILED)
_HEARD = {HostState.UP, HostState.MAINTENANCE}
_numbers = itertools.count(1)


def fresh(noun: str) -> str:
    """A name that nothing has yet."""
    return f"{noun}-{next(_numbers)}"


class Administrator:
    """Works on a `system` through the SDK."""

    def __init__(self, system: System, altus: AltusClient) -> None:
        self.system = system
        self.altus = altus

    # -- making things -------------------------------------------------------------------------------------------------

    async def furnish(self) -> None:
        """What nearly every test needs, once: a host that is up, the image and the network, and a pool that promises
        more vCPUs than usual, since guests of tests are many and idle."""
        await self.host_up(GUEST)
        await self.altus.pools.edit("default", PoolEdit(vcpu_ratio=MAX_RATIO))
        if not await self._has_image():
            await self.altus.images.build(ImageBuild(image=IMAGE)).run()
        try:
            await self.altus.networks.get(NETWORK)
        except NotFound:
            await self.altus.networks.create(NetworkCreate(name=NETWORK, cidr=CIDR)).run()
        await self.altus.pools.edit("default", PoolEdit(outside=OUTSIDE))

    async def vm(self, name: str = "", *, networks: Iterable[str] = (NETWORK,), start: bool = False,
                 **fields: Any) -> VmView:  # fmt: skip
        """A new VM from the tiny image."""
        nics = [NicCreate(network=network) for network in networks]
        body = VmCreate(name=name or fresh("vm"), nics=nics, start=start,
                        **{"image": IMAGE, "memory": MEMORY, **fields})  # fmt: skip
        await self.altus.vms.create(body).run()
        return await self.altus.vms.get(body.name)

    async def guest(self, **cloud_init: Any) -> VmView:
        """The VM that tests share, running and answering; made where it is missing."""
        try:
            vm = await self.altus.vms.get(GUEST_NAME)
        except NotFound:
            vm = await self.vm(GUEST_NAME, cloud_init=CloudInitCreate(**cloud_init), start=True)
        if vm.state is VmState.PAUSED:
            await self.altus.vms.resume(vm.id).run()
        elif vm.state in _OFF:
            await self.altus.vms.start(vm.id).run()
        return await self.answers(vm.id)

    async def volume(self, size: int = 4 * MIB, **fields: Any) -> VolumeView:
        """A new volume."""
        name = fresh("volume")
        await self.altus.volumes.create(VolumeCreate(name=name, size=size, **fields)).run()
        return await self.altus.volumes.get(name)

    async def send(self, method: str, path: str, body: object = None) -> Any:
        """A request as no proper client would send it; the answer's JSON."""
        shape = None if body is None else RootModel[Any](body)
        answer = await self.altus.transport.call(method, path, body=shape)
        return json.loads(answer.body) if answer.body else None

    # -- waiting -------------------------------------------------------------------------------------------------------

    async def host_up(self, seconds: float = RECOVERY) -> None:
        """Until the manager hears every host that ever came."""

        async def look() -> bool:
            states = {host.state for host in (await self.altus.hosts.page()).items}
            return bool(states & _HEARD) and HostState.UNREACHABLE not in states

        await until(look, "the host is up", seconds)

    async def in_state(self, vm: str, *states: VmState, seconds: float = RECOVERY) -> VmView:
        """The VM as soon as it is said to be in one of these states."""

        async def look() -> VmView | None:
            found = await self.altus.vms.get(vm)
            return found if found.state in states else None

        return await until(look, f"VM {vm} is {' or '.join(states)}", seconds)

    async def answers(self, vm: str, addresses: int = 1) -> VmView:
        """The VM as soon as its guest agent told so many addresses."""

        async def look() -> VmView | None:
            found = await self.altus.vms.get(vm)
            return found if found.state is VmState.RUNNING and len(found.addresses) >= addresses else None

        return await until(look, f"the guest of {vm} tells its addresses", GUEST)

    async def reaches(self, address: str) -> None:
        """Until an address answers pings from the host."""

        async def ping() -> bool:
            process = await asyncio.create_subprocess_exec("ping", "-c1", "-W1", "-q", address,
                                                           stdout=asyncio.subprocess.DEVNULL)  # fmt: skip
            return await process.wait() == 0

        await until(ping, f"{address} answers from the host", GUEST)

    async def healthy(self, seconds: float = RECOVERY) -> None:
        """Until `doctor` finds that everything agrees."""
        found: list[FindingView] = []

        async def look() -> bool:
            nonlocal found
            found = (await self.altus.system.doctor()).findings
            return not found

        try:
            await until(look, "everything agrees", seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}: {[finding.message for finding in found]}") from None

    # -- in the guest --------------------------------------------------------------------------------------------------

    async def run(self, vm_id: str, script: str) -> str:
        """What a shell script prints in a guest, through its agent; it must succeed."""
        return await guests.run(self.system.virsh, vm_id, script)

    # -- tidying -------------------------------------------------------------------------------------------------------

    async def tidy(self, kept: frozenset[str] = KEPT) -> None:
        """Remove everything but what is kept: a test's own leavings, whether it passed or not."""
        async with asyncio.timeout(GUEST):
            await self._each_ended()
        await asyncio.to_thread(self._remove_foreign)
        async for vm in self.altus.vms.each():
            if vm.name not in kept:
                await self._delete_vm(vm)
        async for volume in self.altus.volumes.each():
            if volume.name not in kept:
                await self.altus.volumes.delete(volume.id).run()
        async for image in self.altus.images.each():
            if image.name not in kept:
                await self.altus.images.delete(image.id).run()
        await self._tidy_ways()
        async for network in self.altus.networks.each():
            if network.name not in kept:
                await self.altus.networks.delete(network.id).run()
        await self._tidy_groups()

    async def _tidy_ways(self) -> None:
        """Routers and floating addresses, which keep networks."""
        async for router in self.altus.routers.each():
            for network_id in router.networks:
                await self.altus.routers.detach(router.id, network_id).run()
            await self.altus.routers.delete(router.id).run()
        async for floating in self.altus.floating_ips.each():
            await self.altus.floating_ips.delete(floating.id).run()

    async def _tidy_groups(self) -> None:
        """Security groups."""
        groups = [group async for group in self.altus.security_groups.each()]
        for group in groups:  # some name others
            rules = SecurityGroupEdit(remove_rules=[rule.id for rule in group.rules])
            await self.altus.security_groups.edit(group.id, rules).run()
        for group in groups:
            await self.altus.security_groups.delete(group.id).run()

    def _remove_foreign(self) -> None:
        """Domains that a test made with virsh, and their disks."""
        for name in self.system.virsh("list", "--all", "--name").split():
            if not name.startswith(NAME_PREFIX):
                disks = [line.split()[-1] for line in self.system.virsh("domblklist", name).splitlines()]
                self.system.virsh("undefine", name)
                for disk in disks:
                    Path(disk).unlink(missing_ok=True)

    async def _delete_vm(self, vm: VmView) -> None:
        if vm.protected:
            await self.altus.vms.edit(vm.id, VmEdit(protected=False)).run()
        if vm.state in (VmState.RUNNING, VmState.PAUSED):
            await self.altus.vms.kill(vm.id).run()
        await self.altus.vms.delete(vm.id).run()

    async def _each_ended(self) -> None:
        async for task in self.altus.tasks.each():
            if not task.state.finished:
                with contextlib.suppress(Conflict):  # it has just ended, or is past its return
                    await self.altus.tasks.cancel(task.id)
                await self.altus.tasks.wait(task.id)

    async def _has_image(self) -> bool:
        try:
            return (await self.altus.images.get(IMAGE)).state is ImageState.READY
        except NotFound:
            return False
