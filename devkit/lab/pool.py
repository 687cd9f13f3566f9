"""The lab's manager, asked by the supervisor: tokens for hosts, what hosts and VMs are said to do, a first image."""

import asyncio
import json
import shutil
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from altus.agent.enrol import enrol
from altus.agent.identity import Identity
from altus.common.errors import AltusError, NotFound
from altus.common.files import write_whole
from altus.drivers.hypervisor.libvirt.probe_host import kvm_verdict
from altus.model.host import HostState
from altus.model.image import BuiltinImage
from altus.sdk.client import AltusClient
from altus.wire.agent import EnrolToken
from altus.wire.resources import ImageBuild
from devkit import progress
from devkit.lab import networks
from devkit.lab.networks import Net
from devkit.lab.places import CREDENTIALS, MANAGER, MANAGER_STATE, LabError, credentials, machine
from devkit.services.declared import AGENT_PORT, MANAGER_PORT, STATE

KVM_PROBE = "kvm-probe.json"
"""Where an agent keeps what it found out about KVM."""
_AGENT = STATE / "agent"
_ADMIN = Path(MANAGER_STATE, CREDENTIALS)
_PATIENCE = 120.0
_ASKED = 1.0
_POLL = 0.1


class Pool:
    """What the managers say, of which `on` tells the names of those that have power. Used in the network namespace of
    the switch; `ports` lead to managers from around the lab."""

    def __init__(self, folder: Path, ports: Mapping[str, int], on: Callable[[], list[str]]) -> None:
        self._folder = folder
        self._ports = ports
        self._on = on

    def keep_credentials(self) -> None:
        """Write the files by which root on the machine around the lab is the lab's system administrator."""
        manager = machine(MANAGER, self._folder)
        inside = json.loads(manager.own(_ADMIN).read_text())
        for name, port in self._ports.items():
            content = {
                "url": f"https://127.0.0.1:{port}",
                "token": inside["token"],
                "ca_file": str(manager.own(inside["ca_file"])),
            }
            path = credentials(self._folder, name)
            write_whole(path, (json.dumps(content, indent=2) + "\n").encode(), 0o600)

    def client(self, patience: float = _PATIENCE) -> AltusClient:
        """The SDK as the system administrator."""
        login = json.loads(credentials(self._folder, MANAGER).read_text())
        manager = next(iter(self._on()), MANAGER)
        url = f"https://{networks.address(manager, Net.MANAGEMENT).ip}:{MANAGER_PORT}"
        return AltusClient(url, login["token"], Path(login["ca_file"]), patience=patience)

    async def enrol(self, host: str) -> None:
        """Get a host its certificate, by a one-time token, unless it has one. The agent's own code does it, in this
        process: to start one more for each host takes longer than all the rest."""
        state = machine(host, self._folder).own(_AGENT)
        if Identity(state / "tls").certificate.exists():
            return
        async with self.client() as altus:
            token = EnrolToken.decode((await altus.hosts.enrol_token(host)).token)
        state.mkdir(mode=0o711, parents=True, exist_ok=True)
        address = f"{networks.address(host, Net.MANAGEMENT).ip}:{AGENT_PORT}"
        await enrol(token, state, host, address)
        shutil.copy(self._folder / KVM_PROBE, state)

    async def know_kvm(self) -> None:
        """Find out what KVM can do, once for all hosts: a probe that fails takes seconds."""
        await kvm_verdict(self._folder / KVM_PROBE)

    async def all_up(self, hosts: Collection[str]) -> None:
        """Wait until the manager says of all these hosts that they are up."""
        with progress.waiting(f"{', '.join(hosts)} up in the pool"):
            deadline = time.monotonic() + _PATIENCE
            async with self.client() as altus:
                while missing := set(hosts) - {h.name async for h in altus.hosts.each() if h.state is HostState.UP}:
                    if time.monotonic() > deadline:
                        raise LabError(f"not up after {_PATIENCE:.0f} s: {', '.join(sorted(missing))}")
                    await asyncio.sleep(_POLL)

    async def furnish(self) -> None:
        """The image `tiny` on the storage that all hosts share."""
        image = BuiltinImage.TINY
        async with self.client() as altus:
            try:
                await altus.images.get(image)
            except NotFound:
                with progress.waiting(f"image {image} on the shared storage"):
                    await altus.images.build(ImageBuild(image=image, storage="shared")).run()

    async def said(self) -> tuple[dict[str, str], Counter[str]]:
        """State by host, and how many VMs run on each; both empty if the manager does not answer."""
        try:
            async with asyncio.timeout(_ASKED), self.client(patience=0) as altus:
                hosts = [host async for host in altus.hosts.each()]
                names = {host.id: host.name for host in hosts}
                vms = [vm async for vm in altus.vms.each()]
        except (AltusError, TimeoutError, FileNotFoundError):
            return {}, Counter()
        states = {host.name: str(host.state) for host in hosts}
        return states, Counter(names[vm.host_id] for vm in vms if vm.host_id in names and vm.state == "running")
