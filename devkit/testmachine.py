"""A private "test machine" to run one command in, made of Linux namespaces:

    .venv/bin/python -m devkit.testmachine [--services libvirt,ovn] -- pytest tests/functional
    .venv/bin/python -m devkit.testmachine -- bash          # look around, start things by hand

Inside, the command is root and alone in a machine as machine.py furnishes it: own processes, network (loopback only),
host name, machine id, IPC objects and control groups, and private copies of the folders that libvirtd, Open vSwitch,
OVN and Altus use, so that these run on their standard paths without meeting those of the real machine, nor those of
another test machine running at the same time. /run is a fresh tmpfs. Everything else (the checkout, /tmp,
/var/cache/altus) is the real machine's.

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
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

from devkit import cgroups
from devkit.machine import ENVIRONMENT, WAITED, Machine, born, furnish, locked, wait
from devkit.services import ServiceError, resolve
from devkit.services.plain import Plain

__all__ = ["ENVIRONMENT", "MACHINES", "run"]
_USUAL = (signal.SIGPIPE, signal.SIGINT)
"""What the command may count on: Python ignores the first, and the second is ignored by what a shell starts in the
background, and by all that this starts."""
MACHINES = Path("/var/tmp/altus-machines")  # noqa: S108  root-only, and made for large files that outlive no reboot


def run(command: list[str], services: list[str], weight: int = 100, *, account: bool = False) -> int:
    """Run `command` in a machine of its own, with that share of busy processors (percent); its exit status. `account`:
    tell at the end how long it took, and how much of the processors."""
    began = time.monotonic()
    with _registered() as folder:
        machine = Machine(name=folder.name, folder=folder, group=folder.name, weight=weight)
        child = born(lambda: _process_one(machine, command, services))
        try:
            return wait(child)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
            if account:
                used = cgroups.processor_seconds(folder.name)
                print(f"{time.monotonic() - began:.0f} s, {used:.0f} s of processors", flush=True)


# -- folders and groups of machines, outside ---------------------------------------------------------------------------


@contextlib.contextmanager
def _registered() -> Iterator[Path]:
    """A new machine's folder; its lock is held by this process and process 1, so "locked" means "alive"."""
    MACHINES.mkdir(mode=0o700, exist_ok=True)
    with contextlib.ExitStack() as alive:
        with locked(MACHINES / "lock"):
            _remove_dead()
            folder = MACHINES / f"altus-{uuid.uuid4().hex[:8]}"
            folder.mkdir(mode=0o711)
            alive.enter_context(locked(folder / "lock"))
        try:
            yield folder
        finally:
            with locked(MACHINES / "lock"):
                _remove(folder)


def _remove_dead() -> None:
    for folder in MACHINES.glob("altus-*"):
        with contextlib.suppress(BlockingIOError), locked(folder / "lock", fcntl.LOCK_NB):
            _remove(folder)


def _remove(folder: Path) -> None:
    cgroups.remove(folder.name)
    shutil.rmtree(folder)


# -- process 1, inside -------------------------------------------------------------------------------------------------


def _process_one(machine: Machine, command: list[str], services: list[str]) -> int:
    """Furnish the namespaces, run the command, reap orphans; the command's status."""
    try:
        furnish(machine)
        Plain().start(services)
        return _run_command(command)
    except (OSError, subprocess.SubprocessError, ServiceError) as error:
        print(f"test machine: {error}", file=sys.stderr)
        return 125


def _run_command(command: list[str]) -> int:
    child = os.fork()
    if child == 0:
        try:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, WAITED)
            for number in _USUAL:
                signal.signal(number, signal.SIG_DFL)
            os.execvp(command[0], command)  # noqa: S606  there is no shell between us and the command
        except OSError as error:
            print(f"test machine: {command[0]}: {error.strerror}", file=sys.stderr)
            os._exit(127)
    return wait(child)


def main() -> int:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(prog="python -m devkit.testmachine", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--services", default="", help="start these first, comma-separated: libvirt, ovn")
    parser.add_argument("--weight", type=int, default=100, help="its share of busy processors, in percent of usual")
    parser.add_argument("--account", action="store_true", help="tell at the end what it took")
    parser.add_argument("command", nargs="+", metavar="CMD", help="the command and its arguments, after --")
    arguments = parser.parse_args()
    if os.geteuid() != 0:
        parser.error("a test machine needs root")
    services = [name for name in arguments.services.split(",") if name]
    try:
        resolve(services)
    except ServiceError as error:
        parser.error(str(error))
    return run(arguments.command, services, arguments.weight, account=arguments.account)


if __name__ == "__main__":
    sys.exit(main())
