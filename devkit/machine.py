"""A machine made of Linux namespaces: what test machines (testmachine.py) and the hosts of a lab (lab/) share.

`born` forks its process 1 into a process namespace of its own; there `furnish` makes the rest: own processes, network
(loopback only), host name, machine id, IPC objects and control groups, and private copies of the folders in PRIVATE, so
that libvirtd, Open vSwitch, OVN and Altus run on their standard paths without meeting those of the real machine, nor
those of another one. /run is a fresh tmpfs. Everything else is the real machine's.

A machine dies with the process that bore it, also by kill -9. ENVIRONMENT holds its name inside.
"""

import contextlib
import fcntl
import os
import shutil
import signal
import socket
import subprocess
import traceback
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from devkit import cgroups, linux

ENVIRONMENT = "ALTUS_TEST_MACHINE"
PRIVATE = (
    "/etc/altus",
    "/etc/libvirt",
    "/etc/openvswitch",
    "/var/cache/libvirt",
    "/var/lib/altus",
    "/var/lib/libvirt",
    "/var/lib/openvswitch",
    "/var/lib/ovn",
    "/var/log/altus",
    "/var/log/libvirt",
    "/var/log/openvswitch",
    "/var/log/ovn",
)
FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
WAITED = (signal.SIGCHLD, *FORWARDED)
_IN_RUN = ("lock", "libvirt", "openvswitch", "ovn", "altus")
_SI_KERNEL = 0x80  # the terminal's own ctrl-C: the whole process group got it, forwarding would double it


@dataclass(frozen=True, kw_only=True)
class Machine:
    """What a machine is called and where its own files are; with the same `folder` it is the same machine again, after
    a power cut. `group` names its control groups, `weight` is its share of busy processors in percent of the usual one,
    `shared` maps paths inside to folders outside, `hosts` are further lines of its /etc/hosts."""

    name: str
    folder: Path
    group: str
    weight: int = 100
    shared: Mapping[str, Path] = field(default_factory=dict)
    hosts: tuple[str, ...] = ()

    def own(self, path: str | Path) -> Path:
        """Where a private or shared folder, or what is in one, is outside."""
        for inside, source in self.shared.items():
            if Path(path).is_relative_to(inside):
                return source / Path(path).relative_to(inside)
        folder = next(private for private in PRIVATE if Path(path).is_relative_to(private))
        return self.folder / folder.strip("/").replace("/", "-") / Path(path).relative_to(folder)


# -- process 1 and its parent ------------------------------------------------------------------------------------------


def born(inside: Callable[[], int]) -> int:
    """Fork process 1 of a new process namespace; it runs `inside`, ends with the status that returns, and dies with
    this process. Returns its pid. Signals to be waited for (WAITED) are blocked in both."""
    ours, theirs = os.pipe()
    signal.pthread_sigmask(signal.SIG_BLOCK, WAITED)
    linux.unshare(linux.NEWPID)
    child = os.fork()
    if child == 0:
        os.close(theirs)
        status = 125
        try:
            linux.die_with_parent(signal.SIGKILL)
            if os.read(ours, 1) == b"!":  # else the parent was killed before it could have taken us along
                status = inside()
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    os.close(ours)
    os.write(theirs, b"!")
    return child


def wait(child: int) -> int:
    """Reap all children and forward signals until `child` ends; its status, 128 + n for signal n."""
    while True:
        information = signal.sigwaitinfo(WAITED)
        if information.si_signo == signal.SIGCHLD:
            status = _reap(child)
            if status is not None:
                return status
        elif information.si_code != _SI_KERNEL:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, information.si_signo)


def reap_for_ever() -> None:
    """What process 1 has to do when all is started: bury the orphans; never returns."""
    while True:
        signal.sigwaitinfo((signal.SIGCHLD,))
        _reap(-1)


def _reap(awaited: int) -> int | None:
    """Reap every dead child; the exit status of `awaited` if it is among them."""
    found = None
    with contextlib.suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            if ended[0] == awaited:
                code = os.waitstatus_to_exitcode(ended[1])
                found = code if code >= 0 else 128 - code
    return found


# -- its furniture, inside ---------------------------------------------------------------------------------------------


def furnish(machine: Machine) -> None:
    """Leave all other namespaces of the parent for fresh ones, and make them a machine."""
    outside = cgroups.mounted()
    cgroups.join(machine.group, machine.weight)
    linux.unshare(linux.NEWNS | linux.NEWNET | linux.NEWUTS | linux.NEWIPC | linux.NEWCGROUP)
    linux.mount("none", "/", flags=linux.MS_REC | linux.MS_PRIVATE)
    safe = linux.MS_NOSUID | linux.MS_NODEV | linux.MS_NOEXEC
    linux.mount("proc", "/proc", "proc", safe)
    linux.mount("sysfs", "/sys", "sysfs", safe)
    cgroups.mount_own(outside)
    identity = _identity(machine.folder)
    for path in PRIVATE:
        _make_private(Path(path), machine, identity)
    for inside, source in machine.shared.items():
        Path(inside).mkdir(parents=True, exist_ok=True)
        linux.mount(str(source), inside, flags=linux.MS_BIND)
    linux.mount("tmpfs", "/run", "tmpfs", linux.MS_NOSUID | linux.MS_NODEV, "mode=755")
    for name in _IN_RUN:
        Path("/run", name).mkdir()
    _name(machine, identity)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


def _identity(folder: Path) -> uuid.UUID:
    """Who the machine is for life."""
    file = folder / "machine-id"
    if not file.exists():
        file.write_text(f"{uuid.uuid4().hex}\n")
    return uuid.UUID(file.read_text().strip())


def _make_private(path: Path, machine: Machine, identity: uuid.UUID) -> None:
    """Cover `path` by a folder of the machine with the same owner and mode, empty but for libvirt's configuration."""
    path.mkdir(parents=True, exist_ok=True)
    own = machine.own(path)
    if not own.exists():
        new = own.with_suffix(".new")
        shutil.rmtree(new, ignore_errors=True)
        if path == Path("/etc/libvirt"):
            _copy_libvirt(path, new, identity)
        else:
            new.mkdir()
        known = path.stat()
        os.chown(new, known.st_uid, known.st_gid)
        new.chmod(known.st_mode & 0o7777)
        new.rename(own)
    linux.mount(str(own), str(path), flags=linux.MS_BIND)


def _copy_libvirt(path: Path, new: Path, identity: uuid.UUID) -> None:
    """Configuration is wanted, the objects which the real machine's libvirtd keeps there are not."""
    shutil.copytree(path, new, symlinks=True, ignore=shutil.ignore_patterns("autostart", "storage", "secrets"))
    for definition in (new / "qemu").rglob("*.xml"):
        definition.unlink()
    with contextlib.suppress(FileNotFoundError):
        config = new / "libvirtd.conf"
        others = [line for line in config.read_text().splitlines() if not line.startswith("host_uuid ")]
        config.write_text("\n".join([*others, f'host_uuid = "{identity}"']) + "\n")


def _name(machine: Machine, identity: uuid.UUID) -> None:
    """Give the machine a host name and a machine id of its own."""
    socket.sethostname(machine.name)
    hosts = (f"127.0.0.1 localhost {machine.name}", "::1 localhost", *machine.hosts)
    for target, text in (
        ("/etc/machine-id", f"{identity.hex}\n"),
        ("/etc/hostname", f"{machine.name}\n"),
        ("/etc/hosts", "\n".join(hosts) + "\n"),
    ):
        own = machine.folder / Path(target).name
        own.write_text(text)
        Path(target).touch()
        linux.mount(str(own), target, flags=linux.MS_BIND)
    os.environ[ENVIRONMENT] = machine.name


@contextlib.contextmanager
def locked(path: Path, wait: int = 0) -> Iterator[None]:
    """Hold an exclusive flock on `path`; BlockingIOError if `wait` is LOCK_NB and another holds it. Children that are
    forked meanwhile hold it too."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX | wait)
        yield
