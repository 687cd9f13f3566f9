"""What is staged for an image: the disk with its format, and a kernel of its own if it brings one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from altus.common.errors import InvalidInput
from altus.drivers.storage.formats.detect import Detected, detect
from altus.drivers.storage.formats.reader import open_image
from altus.drivers.storage.refusals import nothing_staged
from altus.model.image import ImageFormat

_DISKS = ("upload", "disk")
_MAX_CMDLINE = 2048
"""Bytes that a Linux kernel takes on x86."""


@dataclass(frozen=True, kw_only=True)
class Staged:
    """Checked files: `disk` is whole and self-contained as far as headers tell."""

    disk: Path
    detected: Detected
    kernel: Path | None
    initrd: Path | None
    cmdline: str

    @property
    def direct_boot(self) -> bool:
        """Whether it brings a kernel of its own."""
        return self.kernel is not None


def look(folder: Path, image_id: str) -> Staged:
    """Find and check the files in `folder`; `InvalidInput` (`image.*`) when there is none or it is not acceptable."""
    disks = [folder / name for name in _DISKS if _present(folder / name)]
    if len(disks) != 1:
        raise nothing_staged(image_id) if not disks else _incomplete("Both an upload and a built disk are staged.")
    with open_image(disks[0]) as reader:
        detected = detect(reader)
    kernel, initrd, cmdline = folder / "kernel", folder / "initrd", folder / "cmdline"
    if not _present(kernel) and not _present(initrd):
        return Staged(disk=disks[0], detected=detected, kernel=None, initrd=None, cmdline="")
    if detected.format == ImageFormat.ISO or not (_present(kernel) and _present(initrd)):
        raise _incomplete("Direct boot needs a disk, a kernel and an initrd.")
    for path in (kernel, initrd):
        with open_image(path) as reader:
            if not reader.size:
                raise _incomplete(f"{path.name} is empty.")
    return Staged(disk=disks[0], detected=detected, kernel=kernel, initrd=initrd, cmdline=_cmdline(cmdline))


def _cmdline(path: Path) -> str:
    if not _present(path):
        return ""
    with open_image(path) as reader:
        text = reader.peek(0, _MAX_CMDLINE + 1).decode("utf-8", "replace").strip()
    if len(text) > _MAX_CMDLINE or not text.isprintable():
        raise _incomplete("The kernel's command line is too long or no text.")
    return text


def _present(path: Path) -> bool:
    return path.is_symlink() or path.exists()


def _incomplete(message: str) -> InvalidInput:
    return InvalidInput(message, code="image.incomplete")
