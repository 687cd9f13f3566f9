"""What tests do in the pool of a lab."""

from __future__ import annotations

import asyncio
import itertools
import sys
from functools import partial

from altus.common.units import MIB
from altus.model.cpu import AUTO_CPU
from altus.model.host import HostState
from altus.model.network import NetworkKind
from altus.model.vm import VmState
from altus.sdk.client import AltusClient
from altus.wire.resources import HostView, NetworkCreate, NetworkView
from altus.wire.vms import NicCreate, VmCreate, VmView
from devkit.lab import Lab
from testbed import guests
from testbed.patience import GUEST, RECOVERY, until

HOSTS = ("host1", "host2")
_MEMORY = 128 * MIB
_DAEMONS = {"libvirt": "libvirtd"}
_numbers = itertools.count(1)


class PoolOfLab:
    """Works on a lab through the SDK, and in its machines."""

    def __init__(self, lab: Lab, altus: AltusClient) -> None:
        self.lab = lab
        self.altus = altus

    async def host(self, name: str, *states: HostState, seconds: float = RECOVERY) -> HostView:
        """The host as soon as it is said to be in one of these states."""

        async def look() -> HostView | None:
            found = await self.altus.hosts.get(name)
            return found if found.state in states else None

        return await until(look, f"{name} is {' or '.join(states)}", seconds)

    async def network(self, cidr: str, kind: NetworkKind = NetworkKind.ISOLATED) -> NetworkView:
        """A new network."""
        body = NetworkCreate(name=f"net{next(_numbers)}", cidr=cidr, kind=kind)
        await self.altus.networks.create(body).run()
        return await self.altus.networks.get(body.name)

    async def vms_on_each_host(self, network: NetworkView) -> dict[str, VmView]:
        """A running VM on each host, by the host's name; placement spreads them by free memory."""
        names = {host.id: host.name async for host in self.altus.hosts.each()}
        vms = [await self.vm(network) for _ in HOSTS]
        found = {names[vm.host_id or ""]: vm for vm in vms}
        assert set(found) == set(HOSTS)
        return found

    async def vm_on(self, host: str, network: NetworkView, cpu_model: str = AUTO_CPU) -> VmView:
        """A running VM on this host: the others take none while it is made."""
        others = [name for name in HOSTS if name != host]
        for other in others:
            await self.altus.hosts.maintain(other).run()
        vm = await self.vm(network, cpu_model)
        for other in others:
            await self.altus.hosts.activate(other).run()
        return vm

    async def vm(self, network: NetworkView, cpu_model: str = AUTO_CPU) -> VmView:
        """A VM that runs and answers."""
        body = VmCreate(name=f"vm{next(_numbers)}", image="tiny", memory=_MEMORY, start=True, cpu_model=cpu_model,
                        nics=[NicCreate(network=network.name)])  # fmt: skip
        await self.altus.vms.create(body).run()
        return await self.answers(body.name)

    async def answers(self, vm: str) -> VmView:
        """The VM as soon as it runs and its guest tells its address."""

        async def look() -> VmView | None:
            found = await self.altus.vms.get(vm)
            return found if found.state is VmState.RUNNING and found.addresses else None

        return await until(look, f"the guest of {vm} tells its address", GUEST)

    async def in_state(self, vm: str, *states: VmState) -> VmView:
        """The VM as soon as it is said to be in one of these states."""

        async def look() -> VmView | None:
            found = await self.altus.vms.get(vm)
            return found if found.state in states else None

        return await until(look, f"VM {vm} is {' or '.join(states)}", RECOVERY)

    def virsh(self, host: str, *arguments: str) -> str:
        """What virsh prints on a host."""
        return self.lab.run(host, "virsh", "--quiet", "--connect", "qemu:///system", *arguments).stdout.strip()

    def kill_service(self, machine: str, service: str) -> None:
        """kill -9 a daemon."""
        script = f"from devkit.services.plain import Plain; Plain().kill({_DAEMONS.get(service, service)!r})"
        self.lab.run(machine, sys.executable, "-c", script)

    def start_service(self, machine: str, service: str) -> None:
        """Start a daemon that is dead, and wait until it answers."""
        self.lab.run(machine, sys.executable, "-m", "devkit.services", "start", service)

    async def reaches(self, host: str, vm: VmView, address: str) -> None:
        """Until an address answers a guest on `host`."""
        await guests.run(partial(self.virsh, host), vm.id, guests.reaching(address))

    async def pings(self, host: str, vm: VmView, address: str) -> bool:
        """Whether an address answers one of three pings from a guest on `host`."""
        script = f"ping -c 3 -W 1 {address} >/dev/null 2>&1 && echo yes || echo no"
        return await guests.run(partial(self.virsh, host), vm.id, script) == "yes"

    async def falls_silent(self, host: str, vm: VmView, address: str) -> None:
        """Until an address does not answer a guest on `host` any more."""

        async def is_silent() -> bool:
            return not await self.pings(host, vm, address)

        await until(is_silent, f"{address} answers no more")

    async def put_right(self) -> None:
        """Undo what a test did, and see that all agrees."""
        for name, known in self.lab.status().items():
            if known.cuts:
                await asyncio.to_thread(self.lab.heal, name)
            if known.power == "off":
                await asyncio.to_thread(self.lab.power_on, name)
        for name in HOSTS:
            await self.host(name, HostState.UP)
        async for vm in self.altus.vms.each():
            found = await self.in_state(vm.id, VmState.RUNNING, VmState.STOPPED, VmState.CRASHED)
            if found.state is VmState.RUNNING:
                await self.altus.vms.kill(vm.id).run()
            await self.altus.vms.delete(vm.id).run()
        async for network in self.altus.networks.each():
            await self.altus.networks.delete(network.id).run()

        async def agrees() -> bool:
            return not (await self.altus.system.doctor()).findings

        await until(agrees, "everything agrees")
