"""Kernels as Debian packs them: taken out of the packing, and with only the modules that are wanted."""

from __future__ import annotations

import lzma
import shutil
import struct
from collections.abc import Iterable, Mapping
from pathlib import Path

from altus.common.errors import Failed
from altus.drivers.image.command import run

_SETUP_SECTS = 0x1F1  # offsets in the header: Documentation/x86/boot.rst
_MAGIC = 0x202
_PAYLOAD = 0x248
_SECTOR = 512


def uncompressed(bzimage: bytes) -> bytes:
    """The ELF kernel inside an xz-compressed bzImage.

    QEMU starts it through its PVH entry, which saves the guest from unpacking it: two seconds when emulated. Raises
    `Failed` (`image.kernel_unknown`) for anything else.
    """
    if bzimage[_MAGIC : _MAGIC + 4] != b"HdrS":
        raise _unknown()
    offset, length = struct.unpack_from("<II", bzimage, _PAYLOAD)
    start = ((bzimage[_SETUP_SECTS] or 4) + 1) * _SECTOR + offset
    try:
        # the payload ends with four bytes that tell its length
        kernel = lzma.LZMADecompressor(lzma.FORMAT_XZ).decompress(bzimage[start : start + length])
    except lzma.LZMAError as error:
        raise _unknown() from error
    if not kernel.startswith(b"\x7fELF"):
        raise _unknown()
    return kernel


def _unknown() -> Failed:
    return Failed("The kernel package holds no xz-compressed Linux kernel.", code="image.kernel_unknown")


async def copy_modules(source: Path, target: Path, release: str, wanted: Iterable[str]) -> None:
    """Copy the `wanted` modules and what they need from the root folder `source` to `target`, with a fresh index.

    Modules which are built into the kernel are left out. Raises `Failed` (`image.kernel_unknown`) for a module that
    this kernel does not have.
    """
    folder = Path("lib/modules") / release
    await run("depmod", "-b", source, release)
    index = read_index((source / folder / "modules.dep").read_text())
    builtin = {_name(line) for line in (source / folder / "modules.builtin").read_text().split()}
    for path in closure(index, builtin, wanted):
        (target / folder / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / folder / path, target / folder / path)
    for name in ("modules.order", "modules.builtin", "modules.builtin.modinfo"):
        shutil.copyfile(source / folder / name, target / folder / name)
    await run("depmod", "-b", target, release)
    for index_file in (target / folder).glob("modules.*"):
        # busybox reads the text forms only
        if index_file.name not in ("modules.dep", "modules.alias", "modules.symbols"):
            index_file.unlink()


def read_index(text: str) -> dict[str, list[str]]:
    """`modules.dep`: each module's file and after it the files it needs."""
    lines = (line.partition(":") for line in text.splitlines())
    return {path: needs.split() for path, _, needs in lines}


def closure(index: Mapping[str, list[str]], builtin: set[str], wanted: Iterable[str]) -> list[str]:
    """Files of the wanted modules and of all that they need, sorted."""
    by_name = {_name(path): path for path in index}
    files: set[str] = set()
    for module in wanted:
        if module in builtin:
            continue
        if module not in by_name:
            raise Failed(f"The kernel has no module {module}.", code="image.kernel_unknown")
        files |= {by_name[module], *index[by_name[module]]}
    return sorted(files)


def _name(path: str) -> str:
    return Path(path).name.partition(".ko")[0].replace("-", "_")
