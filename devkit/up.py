"""`./dev up`: everything on this machine, then a VM named `hello` to prove it. May be repeated."""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from altus.agent.settings import load_settings as load_agent_settings
from altus.common.errors import AltusError, Conflict, NotFound
from altus.manager.settings import load as load_manager_settings
from altus.model.host import HostState
from altus.model.image import BuiltinImage, ImageState
from altus.model.vm import VmState
from altus.sdk.client import AltusClient
from altus.wire.pools import PoolEdit
from altus.wire.resources import ImageBuild, NetworkCreate
from altus.wire.tasks import TaskView
from altus.wire.vms import CloudInitCreate, NicCreate, VmCreate, VmView
from devkit import progress, services, web
from devkit.errors import DevkitError

CREDENTIALS = Path("/etc/altus/admin-credentials.json")
VM, NETWORK, IMAGE = "hello", "lan", BuiltinImage.TINY
_CIDRS = ("10.20.0.0/24", "10.87.20.0/24", "172.29.20.0/24", "192.168.220.0/24")
_MEMORY = 256 * 1024 * 1024
_POOL, _VCPU_RATIO = "default", 16.0
_PATIENCE = 180.0
_POLL = 0.2
_OFF = (VmState.STOPPED, VmState.SUSPENDED, VmState.CRASHED)


def up() -> int:
    """Start the services, enrol this machine as a host, make image, network and VM, and tell where everything is."""
    if os.geteuid() != 0:
        raise DevkitError("./dev up needs root: it starts libvirt, Open vSwitch and OVN")
    web.build()
    runner = services.load()
    progress.say("services:")
    runner.start(["libvirt", "ovn", "altus-manager"])
    try:
        asyncio.run(_rest(runner, json.loads(CREDENTIALS.read_text())))
    except AltusError as error:
        raise DevkitError(f"{error.message} {error.hint}".strip()) from error
    return 0


async def _rest(runner: services.Runner, login: dict[str, str]) -> None:
    async with AltusClient(login["url"], login["token"], Path(login["ca_file"])) as altus:
        progress.say("this machine as a host:")
        await _host(altus, runner)
        progress.say("a VM to prove it:")
        await _image(altus)
        await _network(altus)
        vm = await _vm(altus)
    _tell(login["url"], vm)


async def _host(altus: AltusClient, runner: services.Runner) -> None:
    settings = load_agent_settings()
    if not (settings.state_dir / "tls" / "agent.pem").exists():
        with progress.waiting(f"enrolment of {settings.host_name}"):
            made = await altus.hosts.enrol_token(settings.host_name)
            _enrol(made.token)
    runner.start(["altus-agent"])

    async def is_up() -> bool:
        return any(host.state is HostState.UP for host in (await altus.hosts.page()).items)

    await _until("the host is up", is_up)


def _enrol(token: str) -> None:
    """The token goes by the environment: arguments can be read by every process."""
    agent = Path(sys.executable).parent / "altus-agent"
    done = subprocess.run([str(agent), "enrol"], env={**os.environ, "ALTUS_ENROL_TOKEN": token}, check=False,
                          capture_output=True, text=True)  # fmt: skip
    if done.returncode:
        raise DevkitError(f"the enrolment failed: {done.stderr.strip()[-500:]}")


async def _image(altus: AltusClient) -> None:
    try:
        image = await altus.images.get(IMAGE)
    except NotFound:
        with progress.waiting(f"image {IMAGE} is built from Debian packages"):
            await altus.images.build(ImageBuild(image=IMAGE)).run(_Steps())
        return
    if image.state is not ImageState.READY:
        raise DevkitError(f"image {IMAGE} is {image.state}: see `./altus task list`, or delete the image")
    progress.say(f"  ✓ image {IMAGE} is there")


async def _network(altus: AltusClient) -> None:
    try:
        await altus.networks.get(NETWORK)
    except NotFound:
        with progress.waiting(f"network {NETWORK}"):
            await _first_free(altus)
    else:
        progress.say(f"  ✓ network {NETWORK} is there")


async def _first_free(altus: AltusClient) -> None:
    """The range that nothing else on this machine uses."""
    for cidr in _CIDRS:
        try:
            await altus.networks.create(NetworkCreate(name=NETWORK, cidr=cidr)).run()
        except Conflict as error:
            if error.code != "network.cidr_overlap":
                raise
        else:
            return
    raise DevkitError(f"none of the ranges {', '.join(_CIDRS)} is free: create the network {NETWORK} yourself")


async def _vm(altus: AltusClient) -> VmView:
    try:
        await altus.vms.get(VM)
    except NotFound:
        with progress.waiting(
            f"pool {_POOL} promises {_VCPU_RATIO:g} vCPUs for each of this machine's, to try many VMs"
        ):
            await altus.pools.edit(_POOL, PoolEdit(vcpu_ratio=_VCPU_RATIO))
        with progress.waiting(f"VM {VM} is created and started"):
            body = VmCreate(name=VM, image=IMAGE, memory=_MEMORY, nics=[NicCreate(network=NETWORK)], start=True,
                            cloud_init=CloudInitCreate(ssh_keys=_own_keys()))  # fmt: skip
            await altus.vms.create(body).run()
    else:
        progress.say(f"  ✓ VM {VM} is there")
    await _until(f"VM {VM} runs", lambda: _runs(altus))
    await _until(f"the guest agent of {VM} answers, and {VM} over the network", lambda: _answers(altus))
    return await altus.vms.get(VM)


async def _runs(altus: AltusClient) -> bool:
    """It is started if it is off."""
    if (await altus.vms.get(VM)).state not in _OFF:
        return True
    await altus.vms.start(VM).run()
    return False


async def _answers(altus: AltusClient) -> bool:
    """After a power cut the manager believes for some seconds what was true before."""
    vm = await altus.vms.get(VM)
    if not await _runs(altus) or not vm.addresses:
        return False
    ping = await asyncio.create_subprocess_exec("ping", "-c1", "-W1", "-q", vm.addresses[0], stdout=-3, stderr=-3)
    return await ping.wait() == 0


def _own_keys() -> list[str]:
    """The public keys of who runs this, so that `ssh` works at once."""
    return [path.read_text().strip() for path in sorted(Path.home().glob(".ssh/id_*.pub"))]


class _Steps:
    """Prints what a long task is doing, once each."""

    def __init__(self) -> None:
        self._said = ""

    def __call__(self, task: TaskView) -> None:
        if task.waiting_for and task.waiting_for != self._said:
            self._said = task.waiting_for
            progress.say(f"    {task.progress:4.0%} {task.waiting_for}")


async def _until(what: str, condition: Callable[[], Awaitable[bool]]) -> None:
    with progress.waiting(what):
        deadline = time.monotonic() + _PATIENCE
        while not await condition():
            if time.monotonic() > deadline:
                raise DevkitError(f"{what}: not within {_PATIENCE:.0f} s; see the logs in {services.declared.LOGS}")
            await asyncio.sleep(_POLL)


def _tell(url: str, vm: VmView) -> None:
    """Where to look. The first passwords are printed once; the file stays until root removes it."""
    passwords = load_manager_settings().state_dir / "first-passwords.json"
    shown = passwords.with_suffix(".shown")
    print(f"\nAltus runs: {url} (web console; the API is described at {url}/api/docs)")
    if passwords.exists() and not shown.exists():
        print("The administrators' first passwords, to be changed at the first login:")
        for name, password in json.loads(passwords.read_text()).items():
            print(f"  {name:<12} {password}")
        shown.touch()
    print(f"  first passwords are kept in {passwords} (root only; delete it when they are changed)")
    print(f"  the command line is logged in as the system administrator by {CREDENTIALS} (root only)")
    print(f"\nVM {vm.name} is {vm.state} at {', '.join(vm.addresses)}")
    print(f"  console:  ./altus vm console {vm.name}     (log in as root, no password; Ctrl-] leaves)")
    print("  look:     ./altus vm list, ./altus host list, ./altus doctor")
