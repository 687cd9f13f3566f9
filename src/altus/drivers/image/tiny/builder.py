"""Builds the tiny guest: Debian's kernel with busybox, guest agent and sshd in an initial RAM disk."""

from __future__ import annotations

import asyncio
import gzip
import io
import shutil
from pathlib import Path

from altus.drivers.image.base import BuildProgress
from altus.drivers.image.cache import BuildCache, cache_key, sources_digest
from altus.drivers.image.command import require_tools
from altus.drivers.image.cpio import write_cpio
from altus.drivers.image.disk import DISK_TOOLS, DiskPlan, write_disk
from altus.drivers.image.kernel import uncompressed
from altus.drivers.image.packages import (
    Package,
    PackageMemo,
    dependencies,
    fetch,
    locate,
    newest_kernel,
    unpack,
)
from altus.drivers.image.tiny.tree import make_tree

# the cloud kernel lacks AHCI, e1000e, USB and the watchdog, which VMs may have
KERNEL = "linux-image-amd64"
# usr-is-merged keeps usrmerge, and with it Perl, out
PACKAGES = ("busybox-static", "qemu-guest-agent", "dropbear-bin", "usr-is-merged")

# What costs time when emulated and brings nothing here: self-tests, mitigations, watching the clock, security modules,
# tracing, key derivation, SATA's patience.
CMDLINE = (
    "console=tty0 console=ttyS0,115200 quiet net.ifnames=0 panic=10 cryptomgr.notests mitigations=off tsc=reliable"
    " no_timer_check audit=0 rodata=off lsm= initcall_blacklist=init_kprobe_trace,crypto_kdf108_init"
    " libata.force=nodbdelay scsi_mod.scan=sync memhp_default_state=online"
)

LABEL = "altus-tiny"
"""The label of the disk's ext4 file system; the guest mounts it at /disk."""

DISK_SIZE = 256 << 20
"""The disk's virtual size in bytes."""

_TOOLS = ("apt-cache", "apt-get", "cp", "depmod", "dpkg-deb", "setpriv", *DISK_TOOLS)
_QUESTION = " ".join((KERNEL, *PACKAGES))


class TinyBuilder:
    """`tiny`: up in two seconds, works with BIOS, UEFI and direct boot. An ImageBuilder.

    It needs 128 MiB of memory, with UEFI 384 MiB. `kernel` is an ELF file which QEMU starts through SeaBIOS: a VM with
    UEFI firmware must start from the disk. The console lets root in without a password unless the seed gives one; ssh
    takes keys only.
    """

    def __init__(self, cache: Path) -> None:
        self.name = "tiny"
        self._cache = BuildCache(cache / self.name)
        self._store = cache / self.name / "packages"
        self._memo = PackageMemo(cache / self.name / "packages.json")

    async def build(self, out: Path, progress: BuildProgress) -> None:
        """See ImageBuilder; needs the network only for packages that were not downloaded before."""
        require_tools(*_TOOLS)
        async with self._cache.locked():
            progress(0.0, "looking up packages")
            packages = await self._packages()
            key = cache_key(sources_digest(Path(__file__).parent), map(str, packages))

            async def make(image: Path, scratch: Path) -> None:
                await self._make(packages, key, image, scratch, progress)

            await self._cache.provide(key, make, out)
        progress(1.0, "done")

    async def _packages(self) -> list[Package]:
        packages = self._memo.recall(_QUESTION)
        if packages is None:
            kernel = await newest_kernel(KERNEL)
            packages = await locate([kernel, *await dependencies(PACKAGES)])
            self._memo.store(_QUESTION, packages)
        return packages

    async def _make(
        self, packages: list[Package], key: str, image: Path, scratch: Path, progress: BuildProgress
    ) -> None:
        progress(0.05, "downloading packages")
        await fetch(packages, self._store, scratch / "download")
        progress(0.3, "unpacking packages")
        unpacked = scratch / "unpacked"
        unpacked.mkdir()
        await unpack(packages, self._store, unpacked)
        progress(0.7, "making the initial RAM disk")
        kernel = next((unpacked / "boot").glob("vmlinuz-*"))
        root = scratch / "root"
        await make_tree(unpacked, kernel.name.removeprefix("vmlinuz-"), root)
        await asyncio.to_thread(_write_direct, kernel, root, image)
        progress(0.8, "writing the disk")
        await asyncio.to_thread(_write_boot, kernel, image / "initrd", scratch / "disk")
        await write_disk(_plan(scratch / "disk", key), image / "disk", scratch)


def _write_direct(kernel: Path, root: Path, image: Path) -> None:
    """What a VM starts from without a boot loader."""
    (image / "kernel").write_bytes(uncompressed(kernel.read_bytes()))
    archive = io.BytesIO()
    write_cpio(root, archive)
    # compressed, because at boot the memory must hold both the archive and what comes out of it
    (image / "initrd").write_bytes(gzip.compress(archive.getvalue(), mtime=0))
    (image / "cmdline").write_text(CMDLINE)


def _write_boot(kernel: Path, initrd: Path, folder: Path) -> None:
    """What the boot loader finds on the disk."""
    boot = folder / "boot"
    boot.mkdir(parents=True)
    shutil.copyfile(kernel, boot / "vmlinuz")
    shutil.copyfile(initrd, boot / "initrd")


def _plan(root: Path, key: str) -> DiskPlan:
    return DiskPlan(
        root=root, label=LABEL, kernel="/boot/vmlinuz", initrd="/boot/initrd", cmdline=CMDLINE, size=DISK_SIZE, seed=key
    )
