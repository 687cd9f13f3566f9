"""Repositories, disks and looks at them, for the tests of the storage drivers."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from altus.common.units import MIB
from altus.drivers.storage.directory.driver import DirectoryStorage
from altus.model.volume import BaseKind, VolumeBase

T = TypeVar("T")

STORAGE_ID = "0192f0c1-0000-7000-8000-000000000001"


async def opened(path: Path, *, create: bool = True, reserve: int | None = 0,
                 qemu_img: str = "qemu-img") -> DirectoryStorage:  # fmt: skip
    """The repository at this path."""
    return await DirectoryStorage.open(path, STORAGE_ID, create=create, reserve=reserve, qemu_img=qemu_img)


def image(image_id: str, *, linked: bool = True) -> VolumeBase:
    """A base."""
    return VolumeBase(kind=BaseKind.IMAGE, id=image_id, linked=linked)


def volume(volume_id: str, *, linked: bool = True) -> VolumeBase:
    """A base."""
    return VolumeBase(kind=BaseKind.VOLUME, id=volume_id, linked=linked)


def disk_bytes(size: int = 8 * MIB, data: int = 2 * MIB) -> bytes:
    """A raw disk: noise, a hole, noise at the end."""
    return os.urandom(data // 2) + bytes(size - data) + os.urandom(data - data // 2)


def qemu_img(*args: str | Path) -> str:
    """Run the real one."""
    done = subprocess.run(["qemu-img", *map(str, args)], check=True, capture_output=True, text=True)
    return done.stdout


def same_content(first: Path, first_format: str, second: Path) -> bool:
    """Whether a guest would read the same from both; `second` is qcow2."""
    command = ["qemu-img", "compare", "-f", first_format, "-F", "qcow2", str(first), str(second)]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


def whole(path: Path) -> bool:
    """Whether qemu-img finds no fault in a qcow2 file."""
    command = ["qemu-img", "check", "-q", "-f", "qcow2", str(path)]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


def write(path: str, pattern: int, offset: str, length: str) -> None:
    """Write into a volume as a guest would."""
    command = ["qemu-io", "-f", "qcow2", "-c", f"write -P {pattern} {offset} {length}", path]
    subprocess.run(command, check=True, capture_output=True)


def reads(path: str, pattern: int, offset: str, length: str) -> bool:
    """Whether a guest would read this pattern there."""
    command = ["qemu-io", "-r", "-f", "qcow2", "-c", f"read -P {pattern} {offset} {length}", path]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return "verification failed" not in done.stdout + done.stderr


async def import_file(storage: DirectoryStorage, image_id: str, content: bytes) -> None:
    """Stage and import."""
    (storage.staging(image_id) / "upload").write_bytes(content)
    await storage.import_image(image_id)


async def eventually(look: Callable[[], T]) -> T:
    """What `look` gives as soon as it is true; `TimeoutError` after 10 s."""
    async with asyncio.timeout(60):
        while True:
            if found := look():
                return found
            await asyncio.sleep(0.01)


async def run(*command: str) -> None:
    """Run a program that has to succeed."""
    child = await asyncio.create_subprocess_exec(*command)
    assert await child.wait() == 0
