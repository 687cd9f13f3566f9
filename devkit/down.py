"""`./dev down`: stop everything this checkout runs here; with purge, remove what it made too."""

import errno
import os
import shutil
import subprocess
from pathlib import Path

from altus.drivers.hypervisor.libvirt.xml.metadata import NAMESPACE
from devkit import progress, services
from devkit.services import runner as waits
from devkit.services import systemd
from devkit.services.declared import LOGS, STATE

NFT_TABLE = "ip altus"
UPLINK = "altus-ext"
_BRIDGES = (UPLINK, "br-int")
_ROUTES = "164"
_RUNNING = Path("/run/libvirt/qemu")
"""libvirtd keeps a file here for each domain that runs, also while it does not run itself."""
_SHUTDOWN_SECONDS = 30.0
_POLL_SECONDS = 0.5
_UNDEFINE = ("--managed-save", "--snapshots-metadata", "--checkpoints-metadata", "--nvram")
_CONNECT = ("virsh", "--quiet", "--connect", "qemu:///system")


def down(*, purge: bool) -> int:
    """Stop manager, agent, our VMs and then the daemons; each step may be repeated after a failure."""
    if os.geteuid() != 0:
        raise services.ServiceError("./dev down needs root")
    runner = services.load()
    runner.stop(["altus"])
    if purge or any(_RUNNING.glob("*.xml")):
        runner.start(["libvirt"])  # only libvirtd can tell which VMs are ours
        _stop_domains()
    if purge:
        _undefine_domains()
        _remove_network(runner)
    runner.stop(["ovn", "libvirt"])
    if purge:
        _remove_files()
    progress.say("Altus is stopped." if not purge else "Altus is stopped and its data are removed.")
    return 0


def _virsh(*arguments: str) -> str:
    done = subprocess.run([*_CONNECT, *arguments], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def _domains(*options: str) -> list[str]:
    """The ids of our domains: those with our metadata."""
    return [name for name in _virsh("list", "--uuid", *options).split() if _is_ours(name)]


def _is_ours(domain: str) -> bool:
    done = subprocess.run([*_CONNECT, "metadata", domain, NAMESPACE], check=False, capture_output=True)
    return done.returncode == 0


def _stop_domains() -> None:
    """Ask the guests to shut down, and switch off those that take too long."""
    running = _domains()
    if not running:
        return
    for domain in running:
        subprocess.run([*_CONNECT, "shutdown", domain], check=False, capture_output=True)
    try:
        with progress.waiting(f"{len(running)} running VMs shut down"):
            waits.wait_until(lambda: not _domains(), "VMs shut down", _SHUTDOWN_SECONDS, poll=_POLL_SECONDS)
    except services.ServiceError:
        for domain in _domains():
            with progress.waiting(f"VM {domain} is switched off"):
                _virsh("destroy", domain)


def _undefine_domains() -> None:
    for domain in _domains("--all"):
        _virsh("undefine", domain, *_UNDEFINE)


def _remove_network(runner: services.Runner) -> None:
    """Take our logical switches, routers, bridges, routes and rules away."""
    declared_first = f"table {NFT_TABLE}\ndelete table {NFT_TABLE}\n"  # so that it can be deleted if it is not there
    subprocess.run(["nft", "-f", "-"], input=declared_first, text=True, check=True)
    subprocess.run(["ip", "route", "flush", "proto", _ROUTES], check=True, capture_output=True)
    runner.start(["ovn"])
    for kind, remove in (("Logical_Switch", "ls-del"), ("Logical_Router", "lr-del")):
        for name in _names("ovn-nbctl", kind):
            subprocess.run(["ovn-nbctl", "--if-exists", remove, name], check=True)
    runner.stop(["ovn-controller"])  # it would make its bridge again
    for bridge in _BRIDGES:
        subprocess.run(["ovs-vsctl", "--if-exists", "del-br", bridge], check=True)


def _names(tool: str, table: str) -> list[str]:
    listed = subprocess.run(
        [tool, "--bare", "--no-headings", "--columns=name", "list", table], check=True, capture_output=True, text=True
    )
    return [name for name in listed.stdout.split() if name.startswith("altus-")]


def _remove_files() -> None:
    for folder in (STATE, Path("/etc/altus"), LOGS, Path("/var/cache/altus")):
        if folder.exists():
            _remove(folder)
    for service in services.resolve(["altus"]):
        (systemd.UNITS / service.unit).unlink(missing_ok=True)


def _remove(folder: Path) -> None:
    """Remove a folder with all in it; one that something is mounted on stays, empty."""
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    try:
        folder.rmdir()
    except OSError as error:
        if error.errno != errno.EBUSY:
            raise
