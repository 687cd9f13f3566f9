"""The tiny guest's root file system."""

from __future__ import annotations

import asyncio
import re
import shutil
from pathlib import Path

from altus.drivers.image.command import run
from altus.drivers.image.kernel import copy_modules

ROOTFS = Path(__file__).parent / "rootfs"
"""Our own files in it: scripts and settings."""

MODULES = (
    *("virtio_pci", "virtio_mmio", "virtio_blk", "virtio_net", "virtio_scsi", "virtio_console", "virtio_balloon"),
    *("virtio_rng", "virtio_mem", "e1000e", "e1000", "8139cp", "8139too", "ahci", "ata_piix", "nvme", "sd_mod"),
    *("sr_mod", "isofs", "ext4", "crc32c_generic", "button", "evdev", "i6300esb", "pvpanic_mmio", "pvpanic_pci"),
)
"""Drivers of the devices that VMs have. Without USB and a mouse, whose probing would cost time at every boot."""

_PROGRAMS = ("usr/sbin/qemu-ga", "usr/sbin/dropbear", "usr/bin/dropbearkey")
_LIBRARIES = ("lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu")
_LOADER = "lib64/ld-linux-x86-64.so.2"
_FOLDERS = ("dev", "proc", "sys", "run", "tmp", "mnt", "disk", "root/.ssh", "etc/dropbear", "var/lib/dropbear")
_STOP = "usr/lib/tiny/stop"
_STOP_NAMES = ("sbin/poweroff", "sbin/halt", "sbin/reboot", "sbin/shutdown")


async def make_tree(unpacked: Path, release: str, root: Path) -> None:
    """Fill the folder `root` from the packages' files in `unpacked`; `release` is the kernel's."""
    for folder in _FOLDERS:
        (root / folder).mkdir(parents=True)
    (root / "var/run").symlink_to("/run")
    await _add_busybox(unpacked, root)
    for program in _PROGRAMS:
        await _add_program(unpacked, root, program)
    await copy_modules(unpacked, root, release, MODULES)
    await asyncio.to_thread(add_own_files, root)


async def _add_busybox(unpacked: Path, root: Path) -> None:
    """Busybox and, where they belong, links with the names of all its programs."""
    _copy(unpacked / "bin/busybox", root / "bin/busybox")
    for applet in (await run(unpacked / "bin/busybox", "--list-full")).split():
        link = root / applet
        link.parent.mkdir(parents=True, exist_ok=True)
        if not link.exists():
            link.symlink_to("/bin/busybox")


async def _add_program(unpacked: Path, root: Path, program: str) -> None:
    """One program and the shared libraries it needs, as the packages' own loader finds them among the packages."""
    _copy(unpacked / program, root / program)
    path = ":".join(str(unpacked / folder) for folder in _LIBRARIES)
    listing = await run(unpacked / _LOADER, "--inhibit-cache", "--library-path", path, "--list", unpacked / program)
    _copy(unpacked / _LOADER, root / _LOADER)
    for name, file in re.findall(r"^\s*(\S+) => (\S+) \(", listing, re.MULTILINE):
        _copy(Path(file), root / _LIBRARIES[0] / name)


def add_own_files(root: Path) -> None:
    """Our scripts and settings; what begins with `#!` may be executed, whatever the installed package's modes are."""
    for source in sorted(ROOTFS.rglob("*")):
        if source.is_file():
            target = root / source.relative_to(ROOTFS)
            target.unlink(missing_ok=True)
            target.parent.mkdir(parents=True, exist_ok=True)
            content = source.read_bytes()
            target.write_bytes(content)
            target.chmod(0o755 if content.startswith(b"#!") else 0o644)
    for name in _STOP_NAMES:
        (root / name).unlink(missing_ok=True)
        (root / name).symlink_to(f"/{_STOP}")


def _copy(source: Path, target: Path) -> None:
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
        target.chmod(0o755)
