"""A private "test machine" to run one command in, made of Linux namespaces:

    .venv/bin/python -m devkit.testmachine [--services libvirt,ovn] -- pytest tests/functional
    .venv/bin/python -m devkit.testmachine -- bash          # look around, start things by hand

Inside, the command is root and alone: own processes, network (loopback only), host name, machine id, IPC objects and
control groups, and empty private copies of the folders in PRIVATE, so that libvirtd, Open vSwitch, OVN and Altus run on
their standard paths without meeting those of the real machine, nor those of another test machine running at the same
time. /run is a fresh tmpfs. Everything else (the checkout, /tmp, /var/cache/altus) is the real machine's.

The exit status is the command's (128 + n when signal n ended it). All dies with the command, with this process and
with the machine's process 1, also by kill -9; folders and control groups which a killed one could not remove go when
the next one starts. ALTUS_TEST_MACHINE holds the machine's name for code that must not run elsewhere. Needs root.
"""

import argparse
import contextlib
import fcntl
import os
import shutil
import signal
import socket
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

from devkit import cgroups, linux
from devkit.services import ServiceError, resolve
from devkit.services.plain import Plain

MACHINES = Path("/var/tmp/altus-machines")  # noqa: S108  root-only, and made for large files that outlive no reboot
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
_IN_RUN = ("lock", "libvirt", "openvswitch", "ovn", "altus")
_FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
_WAITED = (signal.SIGCHLD, *_FORWARDED)
_SI_KERNEL = 0x80  # the terminal's own ctrl-C: the whole process group got it, forwarding would double it


def run(command: list[str], services: list[str]) -> int:
    """Run `command` in a machine of its own and return its exit status."""
    with _registered() as folder:
        ours, theirs = os.pipe()
        signal.pthread_sigmask(signal.SIG_BLOCK, _WAITED)
        linux.unshare(linux.NEWPID)
        child = os.fork()
        if child == 0:
            os.close(theirs)
            _process_one(folder, command, services, ours)
        os.close(ours)
        os.write(theirs, b"!")
        try:
            return _wait(child, child)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)


# -- folders and groups of machines, outside ---------------------------------------------------------------------------


@contextlib.contextmanager
def _registered() -> Iterator[Path]:
    """A new machine's folder; its lock is held by this process and process 1, so "locked" means "alive"."""
    MACHINES.mkdir(mode=0o700, exist_ok=True)
    with contextlib.ExitStack() as alive:
        with _locked(MACHINES / "lock"):
            _remove_dead()
            folder = MACHINES / f"altus-{uuid.uuid4().hex[:8]}"
            folder.mkdir(mode=0o711)
            alive.enter_context(_locked(folder / "lock"))
        try:
            yield folder
        finally:
            with _locked(MACHINES / "lock"):
                _remove(folder)


@contextlib.contextmanager
def _locked(path: Path, wait: int = 0) -> Iterator[None]:
    """Hold an exclusive flock on `path`; BlockingIOError if `wait` is LOCK_NB and another holds it."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX | wait)
        yield


def _remove_dead() -> None:
    for folder in MACHINES.glob("altus-*"):
        with contextlib.suppress(BlockingIOError), _locked(folder / "lock", fcntl.LOCK_NB):
            _remove(folder)


def _remove(folder: Path) -> None:
    cgroups.remove(folder.name)
    shutil.rmtree(folder)


# -- process 1, inside -------------------------------------------------------------------------------------------------


def _process_one(folder: Path, command: list[str], services: list[str], parent: int) -> None:
    """Furnish the namespaces, run the command, reap orphans; never returns."""
    status = 125
    try:
        linux.die_with_parent(signal.SIGKILL)
        if os.read(parent, 1) == b"!":  # else the parent was killed before it could have taken us along
            _furnish(folder)
            Plain().start(services)
            status = _run_command(command)
    except (OSError, subprocess.SubprocessError, ServiceError) as error:
        print(f"test machine: {error}", file=sys.stderr)
    finally:
        os._exit(status)


def _furnish(folder: Path) -> None:
    outside = cgroups.mounted()
    cgroups.join(folder.name)
    linux.unshare(linux.NEWNS | linux.NEWNET | linux.NEWUTS | linux.NEWIPC | linux.NEWCGROUP)
    linux.mount("none", "/", flags=linux.MS_REC | linux.MS_PRIVATE)
    safe = linux.MS_NOSUID | linux.MS_NODEV | linux.MS_NOEXEC
    linux.mount("proc", "/proc", "proc", safe)
    linux.mount("sysfs", "/sys", "sysfs", safe)
    cgroups.mount_own(outside)
    for path in PRIVATE:
        _make_private(Path(path), folder)
    linux.mount("tmpfs", "/run", "tmpfs", linux.MS_NOSUID | linux.MS_NODEV, "mode=755")
    for name in _IN_RUN:
        Path("/run", name).mkdir()
    _name(folder)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


def _make_private(path: Path, folder: Path) -> None:
    """Cover `path` by a folder of the machine with the same owner and mode, empty but for libvirt's configuration."""
    path.mkdir(parents=True, exist_ok=True)
    own = folder / str(path).strip("/").replace("/", "-")
    if path == Path("/etc/libvirt"):
        # configuration is wanted, the objects which the real machine's libvirtd keeps there are not
        shutil.copytree(path, own, symlinks=True, ignore=shutil.ignore_patterns("autostart", "storage", "secrets"))
        for definition in (own / "qemu").rglob("*.xml"):
            definition.unlink()
    else:
        own.mkdir()
    known = path.stat()
    os.chown(own, known.st_uid, known.st_gid)
    own.chmod(known.st_mode & 0o7777)
    linux.mount(str(own), str(path), flags=linux.MS_BIND)


def _name(folder: Path) -> None:
    """Give the machine a host name, a machine id and a libvirt host id of its own."""
    identity = uuid.uuid4()
    socket.sethostname(folder.name)
    for target, text in (
        ("/etc/machine-id", f"{identity.hex}\n"),
        ("/etc/hostname", f"{folder.name}\n"),
        ("/etc/hosts", f"127.0.0.1 localhost {folder.name}\n::1 localhost\n"),
    ):
        own = folder / Path(target).name
        own.write_text(text)
        Path(target).touch()
        linux.mount(str(own), target, flags=linux.MS_BIND)
    with contextlib.suppress(FileNotFoundError), Path("/etc/libvirt/libvirtd.conf").open("r+") as config:
        config.seek(0, os.SEEK_END)
        config.write(f'\nhost_uuid = "{identity}"\n')
    os.environ[ENVIRONMENT] = folder.name


def _run_command(command: list[str]) -> int:
    child = os.fork()
    if child == 0:
        try:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _WAITED)
            signal.signal(signal.SIGPIPE, signal.SIG_DFL)
            os.execvp(command[0], command)  # noqa: S606  there is no shell between us and the command
        except OSError as error:
            print(f"test machine: {command[0]}: {error.strerror}", file=sys.stderr)
            os._exit(127)
    return _wait(child, child)


def _wait(child: int, forward_to: int) -> int:
    """Reap all children and forward signals until `child` ends; its status, 128 + n for signal n."""
    while True:
        information = signal.sigwaitinfo(_WAITED)
        if information.si_signo == signal.SIGCHLD:
            status = _reap(child)
            if status is not None:
                return status
        elif information.si_code != _SI_KERNEL:
            with contextlib.suppress(ProcessLookupError):
                os.kill(forward_to, information.si_signo)


def _reap(awaited: int) -> int | None:
    """Reap every dead child; the exit status of `awaited` if it is among them."""
    found = None
    with contextlib.suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            if ended[0] == awaited:
                code = os.waitstatus_to_exitcode(ended[1])
                found = code if code >= 0 else 128 - code
    return found


def main() -> int:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(prog="python -m devkit.testmachine", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--services", default="", help="start these first, comma-separated: libvirt, ovn")
    parser.add_argument("command", nargs="+", metavar="CMD", help="the command and its arguments, after --")
    arguments = parser.parse_args()
    if os.geteuid() != 0:
        parser.error("a test machine needs root")
    services = [name for name in arguments.services.split(",") if name]
    try:
        resolve(services)
    except ServiceError as error:
        parser.error(str(error))
    return run(arguments.command, services)


if __name__ == "__main__":
    sys.exit(main())
