"""Built images are kept and handed out again until their sources change."""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

from altus.drivers.image.command import run

DEFAULT_CACHE = Path("/var/cache/altus")
"""Where built images and the packages they are made from are kept."""

OUTPUTS = ("kernel", "initrd", "cmdline", "disk")
"""The files an image may consist of, in the order in which they are handed out."""

_LOCK_POLL_SECONDS = 0.1
_WORK = "work"


def sources_digest(builder: Path) -> str:
    """A digest over all that the builder in the folder `builder` is made of, and over what builders have in common:
    changes whenever one of them does."""
    common = Path(__file__).parent
    digest = hashlib.sha256()
    for path in sorted({*common.glob("*.py"), *builder.rglob("*")}):
        if path.is_file() and "__pycache__" not in path.parts:
            digest.update(f"{path.relative_to(common.parent)}\0".encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def cache_key(builder: str, packages: Iterable[str]) -> str:
    """The name under which an image made by this `builder` digest from these `packages` is kept."""
    return hashlib.sha256("\n".join([builder, *sorted(packages)]).encode()).hexdigest()[:24]


class BuildCache:
    """One image name's folder: `<key>/` holds what was built, `work/` is the build that runs now.

    One lock per image name orders all processes of this host. Who holds it knows that a `work` folder he finds was
    left by a build that died.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @asynccontextmanager
    async def locked(self) -> AsyncIterator[None]:
        """Hold the lock; it falls by itself when this process dies."""
        self.folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            # polled, because a thread that blocks in flock() could not be cancelled; another process sets no event
            while not _try_lock(lock):  # noqa: ASYNC110
                await asyncio.sleep(_LOCK_POLL_SECONDS)
            yield
        finally:
            os.close(lock)

    async def provide(self, key: str, make: Callable[[Path, Path], Awaitable[None]], out: Path) -> bool:
        """Copy the image `key` into `out`, calling `make(folder, scratch)` first if it was not built before.

        Call it with the lock held. `make` writes the image's files into `folder` and may use `scratch` as it likes.
        Returns whether the image came from the cache. Other keys' images are removed.
        """
        kept = self.folder / key
        work = self.folder / _WORK
        await asyncio.to_thread(_remove, work)
        found = kept.is_dir()
        if not found:
            image, scratch = work / "image", work / "scratch"
            image.mkdir(parents=True)
            scratch.mkdir()
            try:
                await make(image, scratch)
                await asyncio.to_thread(_keep, image, kept)
            finally:
                await asyncio.to_thread(_remove, work)
            await asyncio.to_thread(self._remove_others, key)
        await copy_image(kept, out)
        return found

    def _remove_others(self, key: str) -> None:
        for path in self.folder.iterdir():
            if path.name != key and (path / "disk").exists():
                _remove(path)


async def copy_image(source: Path, out: Path) -> None:
    """Copy an image's files into `out`, sharing blocks where the file system can; each appears whole or not at all."""
    for path in await asyncio.to_thread(_prepare_copy, source, out):
        new = out / f".{path.name}.new"
        await run("cp", "--reflink=auto", "--sparse=always", path, new)
        new.rename(out / path.name)


def _prepare_copy(image: Path, out: Path) -> list[Path]:
    """Make the folder `out` and tell which files go there."""
    out.mkdir(parents=True, exist_ok=True)
    return [image / name for name in OUTPUTS if (image / name).exists()]


def _try_lock(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _remove(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)


def _keep(image: Path, kept: Path) -> None:
    """Make the finished image visible in the cache, after it has reached the disk."""
    for path in [*image.iterdir(), image]:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    image.rename(kept)
