"""The Debian packages Altus needs, declared once; `python3 -m devkit.packages COMMAND` installs what is missing for
a command of ./dev.

Runs before the virtual environment exists: standard library only. With nothing missing it asks dpkg once and ends.
"""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from devkit import progress
from devkit.errors import DevkitError

PACKAGES = {
    "virtual machines": (
        "libvirt-clients",
        "libvirt-daemon-driver-qemu",
        "libvirt-daemon-system",
        "ovmf",
        "qemu-system-x86",
        "qemu-utils",
        "seabios",
    ),
    "networks": (
        "dnsmasq-base",
        "ethtool",
        "iproute2",
        "iputils-ping",
        "kmod",
        "nftables",
        "openvswitch-switch",
        "ovn-central",
        "ovn-host",
    ),
    "guest images": (
        "busybox-static",
        "cpio",
        "dosfstools",
        "e2fsprogs",
        "fdisk",
        "grub-common",
        "grub-efi-amd64-bin",
        "grub-pc-bin",
        "linux-image-cloud-amd64",
        "mmdebstrap",
        "mtools",
        "openssh-client",
    ),
    "building libvirt-python": ("gcc", "libc6-dev", "libvirt-dev", "pkg-config", "python3-dev"),
    "tests and development": ("ca-certificates", "git", "postgresql", "procps", "util-linux"),
}
OF_COMMANDS = {"test": ("chromium",)}
"""What one command of ./dev needs beside the others'."""
_POLICY = Path("/usr/sbin/policy-rc.d")
_POLICY_TEXT = "#!/bin/sh\n# by Altus' ./dev while it installs packages: nothing starts by itself\nexit 101\n"
_NO_CLUSTER = Path("/etc/postgresql-common/createcluster.d/altus.conf")
_NO_CLUSTER_TEXT = "# by Altus' ./dev, which brings its own databases\ncreate_main_cluster = false\n"
_LOG = Path(__file__).parent.parent / ".cache" / "apt.log"


class PackageError(DevkitError):
    """Packages are missing and could not be installed."""


def wanted(command: str) -> list[str]:
    """The names of the packages that a command of ./dev needs."""
    return sorted([*OF_COMMANDS.get(command, ()), *(name for names in PACKAGES.values() for name in names)])


def missing(command: str) -> list[str]:
    """The packages of `wanted` that are not installed, by one call of dpkg-query."""
    names = wanted(command)
    known = subprocess.run(
        ["dpkg-query", "--show", "--showformat=${Package} ${db:Status-Status}\n", *names],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # it names packages it never heard of there
        text=True,
        check=False,
    )
    installed = {line.split()[0] for line in known.stdout.splitlines() if line.endswith(" installed")}
    return [name for name in names if name not in installed]


def install(names: list[str]) -> None:
    """Install packages without a question; their services do not start where systemd does not run them."""
    if os.geteuid() != 0:
        raise PackageError(f"these Debian packages are missing, and installing them needs root: {' '.join(names)}")
    if "postgresql" in names:
        _NO_CLUSTER.parent.mkdir(parents=True, exist_ok=True)
        _NO_CLUSTER.write_text(_NO_CLUSTER_TEXT)
    _LOG.parent.mkdir(exist_ok=True)
    _LOG.write_text("")
    with _services_stay_down():
        with progress.waiting("package lists (apt-get update)"):
            _apt(["update"], announced=[])
        with progress.waiting(f"{len(names)} Debian packages: {' '.join(names)}"):
            _apt(["install", "--yes", "--no-install-recommends", *names], announced=names)


def _apt(arguments: list[str], announced: list[str]) -> None:
    """Run apt-get with its output in _LOG, saying which of `announced` is being set up."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    keep_files = ("-oDpkg::Options::=--force-confdef", "-oDpkg::Options::=--force-confold")
    command = ["apt-get", "--quiet", "-oDpkg::Use-Pty=0", "-oDPkg::Lock::Timeout=300", *keep_files, *arguments]
    with (
        _LOG.open("a") as log,
        subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as apt,
    ):
        if apt.stdout is None:
            raise PackageError("apt-get has no output to read")
        for line in apt.stdout:
            log.write(line)
            if _worth_saying(line, announced):
                progress.say(f"    {line.strip()}")
    if apt.returncode != 0:
        tail = "\n".join(_LOG.read_text().splitlines()[-15:])
        raise PackageError(f"apt-get {arguments[0]} failed; {_LOG} ends with:\n{tail}")


def _worth_saying(line: str, announced: list[str]) -> bool:
    """Whether a line of apt-get tells how far it is: sizes, and the packages that were asked for."""
    if line.startswith("Setting up "):
        return line.split()[2].partition(":")[0] in announced
    return line.startswith(("Need to get ", "Fetched "))


@contextlib.contextmanager
def _services_stay_down() -> Iterator[None]:
    """Forbid maintainer scripts to start daemons, unless systemd runs or the machine has a policy already."""
    ours = _POLICY.exists() and _POLICY.read_text() == _POLICY_TEXT
    if Path("/run/systemd/system").is_dir() or (_POLICY.exists() and not ours):
        yield
        return
    _POLICY.write_text(_POLICY_TEXT)
    _POLICY.chmod(0o755)
    try:
        yield
    finally:
        _POLICY.unlink()


def main(command: str) -> int:
    """Install what a command of ./dev needs and is missing."""
    try:
        absent = missing(command)
        if absent:
            install(absent)
    except PackageError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2] or [""]))
