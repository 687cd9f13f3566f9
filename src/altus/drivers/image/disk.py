"""Bootable disks: GPT with GRUB for BIOS and for UEFI, written without loop devices, mounts or root's help."""

from __future__ import annotations

import asyncio
import struct
from dataclasses import dataclass
from pathlib import Path
from uuid import NAMESPACE_URL, UUID, uuid5

from altus.common.errors import Failed
from altus.drivers.image.command import run
from altus.drivers.image.cpio import SOURCE_DATE_EPOCH

DISK_TOOLS = ("grub-mkimage", "mcopy", "mkfs.fat", "mmd", "mke2fs", "qemu-img", "sfdisk")
"""The programs that `write_disk` calls."""

GRUB_FOLDER = Path("/usr/lib/grub")

_SECTOR = 512
_MIB = 1 << 20
_CORE_START = 2048  # sectors, as the next two
_ESP_START = 4096
_ROOT_START = 36864
_CORE_SECTORS = _ESP_START - _CORE_START
_ESP_SECTORS = _ROOT_START - _ESP_START
_TAIL = _MIB  # room for the second partition table

_BIOS_BOOT_TYPE = "21686148-6449-6E6F-744E-656564454649"
_ESP_TYPE = "C12A7328-F81F-11D2-BA4B-00A0C93EC93B"
_ROOT_TYPE = "4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709"  # x86-64 root, Discoverable Partitions Specification

_MODULES = (
    *("part_gpt", "ext2", "search", "search_label", "normal", "configfile", "linux"),
    *("serial", "terminal", "echo", "boot", "test", "all_video"),
)


@dataclass(frozen=True, kw_only=True)
class DiskPlan:
    """What goes onto a disk.

    `root` is the folder that becomes the ext4 file system `label` in the last partition; `kernel` and `initrd` are
    paths inside it; `size` is in bytes; `seed` is what all ids on the disk are derived from.
    """

    root: Path
    label: str
    kernel: str
    initrd: str
    cmdline: str
    size: int
    seed: str
    compress: bool = False

    def id(self, what: str) -> UUID:
        """The UUID of one thing on this disk; the same seed gives the same."""
        return uuid5(NAMESPACE_URL, f"altus:{self.seed}:{what}")


async def write_disk(plan: DiskPlan, out: Path, scratch: Path) -> None:
    """Write the disk as qcow2 to `out`. `scratch` is an empty folder for what is needed on the way."""
    raw = scratch / "disk.raw"
    with raw.open("wb") as disk:
        disk.truncate(plan.size)
    await run("sfdisk", "--quiet", raw, stdin=partition_table(plan).encode())
    await _write_root(plan, raw)
    early = scratch / "early.cfg"
    early.write_text(early_config(plan.label))
    core = await _grub_image("i386-pc", early, scratch / "core.img", "biosdisk")
    loader = await _grub_image("x86_64-efi", early, scratch / "BOOTX64.EFI", "efi_gop")
    _embed_grub(raw, (GRUB_FOLDER / "i386-pc" / "boot.img").read_bytes(), core.read_bytes())
    await _write_esp(plan, raw, loader, scratch / "esp.img")
    compression = ("-c", "-o", "compression_type=zstd") if plan.compress else ()
    await run("qemu-img", "convert", "-f", "raw", "-O", "qcow2", *compression, raw, out)


def partition_table(plan: DiskPlan) -> str:
    """The script for sfdisk: GRUB's BIOS part, the EFI system partition, and the root file system to the end."""
    return "\n".join(
        (
            "label: gpt",
            f"label-id: {plan.id('disk')}",
            f"start={_CORE_START}, size={_CORE_SECTORS}, type={_BIOS_BOOT_TYPE}, uuid={plan.id('bios')}, name=bios",
            f"start={_ESP_START}, size={_ESP_SECTORS}, type={_ESP_TYPE}, uuid={plan.id('esp')}, name=esp",
            f"start={_ROOT_START}, type={_ROOT_TYPE}, uuid={plan.id('root')}, name=root",
            "",
        )
    )


def early_config(label: str) -> str:
    """What GRUB does before it can read its own folder: find it."""
    return (
        f"search --no-floppy --label {label} --set=root\n"
        "set prefix=($root)/boot/grub\n"
        "configfile $prefix/grub.cfg\n"
    )  # fmt: skip


def grub_config(plan: DiskPlan) -> str:
    """The menu: one entry, started at once, on the screen and on the first serial port."""
    return (
        "serial --unit=0 --speed=115200\n"
        "terminal_input console serial\n"
        "terminal_output console serial\n"
        "set timeout=0\n"
        f"linux {plan.kernel} {plan.cmdline}\n"
        f"initrd {plan.initrd}\n"
        "boot\n"
    )


async def _write_root(plan: DiskPlan, raw: Path) -> None:
    grub = plan.root / "boot" / "grub"
    grub.mkdir(parents=True, exist_ok=True)
    (grub / "grub.cfg").write_text(grub_config(plan))
    start = _ROOT_START * _SECTOR
    kib = (plan.size - start - _TAIL) // 4096 * 4
    await run(
        *("mke2fs", "-q", "-F", "-t", "ext4", "-m", "1", "-L", plan.label, "-U", str(plan.id("ext4"))),
        # GRUB 2.06 cannot read a file system with these
        *("-O", "^metadata_csum_seed,^orphan_file"),
        *("-E", f"offset={start},hash_seed={plan.id('hash')}", "-d", plan.root, raw, f"{kib}k"),
        env={"E2FSPROGS_FAKE_TIME": str(SOURCE_DATE_EPOCH)},
    )


async def _grub_image(platform: str, early: Path, out: Path, *modules: str) -> Path:
    await run(
        *("grub-mkimage", "-d", GRUB_FOLDER / platform, "-O", platform, "-o", out, "-p", "/boot/grub", "-c", early),
        *(*modules, *_MODULES),
    )
    return out


def _embed_grub(raw: Path, boot: bytes, core: bytes) -> None:
    """Do what `grub-install` does for BIOS: `boot.img` into the first sector, `core.img` into its own partition, each
    told the sectors where the next is to be read from (offsets: GRUB's boot.S and diskboot.S)."""
    core += bytes(-len(core) % _SECTOR)
    if len(core) > _CORE_SECTORS * _SECTOR:
        raise Failed("GRUB's core image does not fit into its partition.", code="image.build_failed")
    first = bytearray(boot[:440])  # the rest of the sector is the protective partition table
    struct.pack_into("<Q", first, 0x5C, _CORE_START)
    first[0x64] = 0xFF  # the boot drive is the one the BIOS says
    first[0x66:0x68] = b"\x90\x90"  # no "jump": use it also when the BIOS names a floppy
    rest = bytearray(core)
    struct.pack_into("<QHH", rest, 0x1F4, _CORE_START + 1, len(core) // _SECTOR - 1, 0x820)
    with raw.open("r+b") as disk:
        disk.write(first)
        disk.seek(_CORE_START * _SECTOR)
        disk.write(rest)


async def _write_esp(plan: DiskPlan, raw: Path, loader: Path, esp: Path) -> None:
    """The EFI system partition with the loader under the name that firmware looks for on any disk."""
    with esp.open("wb") as image:
        image.truncate(_ESP_SECTORS * _SECTOR)
    serial = f"{plan.id('fat').int & 0xFFFFFFFF:08x}"
    reproducible = {"SOURCE_DATE_EPOCH": str(SOURCE_DATE_EPOCH)}
    await run("mkfs.fat", "--invariant", "-i", serial, "-F", "16", "-n", "ESP", esp, env=reproducible)
    await run("mmd", "-i", esp, "::/EFI", "::/EFI/BOOT", env=reproducible)
    await run("mcopy", "-i", esp, loader, "::/EFI/BOOT/BOOTX64.EFI", env=reproducible)
    await asyncio.to_thread(_write_at, raw, _ESP_START * _SECTOR, esp)


def _write_at(raw: Path, offset: int, source: Path) -> None:
    with raw.open("r+b") as disk:
        disk.seek(offset)
        disk.write(source.read_bytes())
