"""Builds Debian 12 with mmdebstrap."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from altus.common.errors import Failed
from altus.drivers.image.base import BuildProgress
from altus.drivers.image.cache import BuildCache, cache_key, sources_digest
from altus.drivers.image.command import require_tools, run
from altus.drivers.image.cpio import SOURCE_DATE_EPOCH
from altus.drivers.image.debian.sources import debian_sources
from altus.drivers.image.disk import DISK_TOOLS, DiskPlan, write_disk
from altus.drivers.image.packages import Package, PackageMemo, dependencies, locate

RELEASE = "bookworm"

PACKAGES = (
    *("systemd-sysv", "udev", "dbus", "linux-image-amd64", "initramfs-tools", "lz4", "e2fsprogs", "fdisk"),
    *("cloud-init", "cloud-guest-utils", "qemu-guest-agent", "openssh-server", "sudo"),
    *("ifupdown", "isc-dhcp-client", "iproute2", "iputils-ping", "netbase", "ca-certificates", "less"),
    *("apt", "usr-is-merged"),
)

CMDLINE = "root=LABEL=root ro console=tty0 console=ttyS0,115200 net.ifnames=0 quiet"

DISK_SIZE = 2 << 30
"""The disk's virtual size in bytes; the root file system grows with the volume made from it."""

_TOOLS = ("apt-get", "cp", "mmdebstrap", "setpriv", "unshare", *DISK_TOOLS)
_CUSTOMIZE = Path(__file__).parent / "customize.sh"
_QUESTION = " ".join((RELEASE, *PACKAGES))

# What mmdebstrap says when it starts the next part of its work, and the share of the whole build done by then.
_STEPS = {
    "downloading packages": 0.1,
    "extracting archives": 0.15,
    "installing essential packages": 0.2,
    "installing remaining packages": 0.3,
    "running --customize-hook": 0.7,
    "cleaning package lists": 0.8,
}


class DebianBuilder:
    """`debian-12`: cloud-init, sshd and guest agent; boots by BIOS and UEFI. An ImageBuilder. Needs root."""

    def __init__(self, cache: Path) -> None:
        self.name = "debian-12"
        self._cache = BuildCache(cache / self.name)
        self._memo = PackageMemo(cache / self.name / "packages.json")

    async def build(self, out: Path, progress: BuildProgress) -> None:
        """See ImageBuilder; needs the network unless the image was built before from the same packages."""
        require_tools(*_TOOLS)
        async with self._cache.locked():
            progress(0.0, "looking up packages")
            packages = await self._packages()
            key = cache_key(sources_digest(Path(__file__).parent), map(str, packages))

            async def make(image: Path, scratch: Path) -> None:
                await _make(key, image, scratch, progress)

            await self._cache.provide(key, make, out)
        progress(1.0, "done")

    async def _packages(self) -> list[Package]:
        packages = self._memo.recall(_QUESTION)
        if packages is None:
            packages = await locate(await dependencies(PACKAGES))
            self._memo.store(_QUESTION, packages)
        return packages


async def _make(key: str, image: Path, scratch: Path, progress: BuildProgress) -> None:
    root = scratch / "root"
    await _bootstrap(root, scratch, progress)
    progress(0.82, "writing the disk")
    plan = DiskPlan(
        root=root,
        label="root",
        # Debian keeps these links on the newest installed kernel
        kernel="/vmlinuz",
        initrd="/initrd.img",
        cmdline=CMDLINE,
        size=DISK_SIZE,
        seed=key,
        compress=True,
    )
    await write_disk(plan, image / "disk", scratch)


async def _bootstrap(root: Path, scratch: Path, progress: BuildProgress) -> None:
    """Make the root file system in the folder `root`."""

    def tell(line: str) -> None:
        said = re.sub(r"^I: ", "", line)
        for step, share in _STEPS.items():
            if said.startswith(step):
                progress(share, step.replace("--customize-hook", "customization"))

    sources = scratch / "sources.list"
    sources.write_text("\n".join([*await debian_sources(RELEASE), ""]))
    await run(
        # mmdebstrap mounts /proc, /sys and /dev below `root`: in namespaces of its own they and all that it started
        # are gone when it ends, however it ends, and removing the folder can never reach them
        *("unshare", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child=KILL"),
        *("mmdebstrap", "--mode=root", "--variant=minbase", "--format=directory", f"--include={','.join(PACKAGES)}"),
        *('--aptopt=APT::Install-Recommends "false"', '--aptopt=Acquire::Languages { "none"; }'),
        *(f"--dpkgopt=path-exclude=/usr/share/{part}/*" for part in ("doc", "man", "locale")),
        *(
            "--dpkgopt=path-include=/usr/share/doc/*/copyright",
            f'--customize-hook=sh {shlex.quote(str(_CUSTOMIZE))} "$1"',
        ),
        *(RELEASE, root, sources),
        env={"SOURCE_DATE_EPOCH": str(SOURCE_DATE_EPOCH)},
        on_line=tell,
    )
    if not (root / "vmlinuz").is_symlink():
        raise Failed("mmdebstrap ended without installing a kernel.", code="image.build_failed")
