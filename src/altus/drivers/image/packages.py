"""Debian packages as files: which ones, fetched by apt with the host's sources, unpacked without being installed."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from altus.common.errors import Failed
from altus.drivers.image.command import run

_LISTS = Path("/var/lib/apt/lists")
_SOURCES = (Path("/etc/apt/sources.list"), Path("/etc/apt/sources.list.d"), Path("/etc/apt/preferences.d"))
# the host's installed packages must not change what the image gets
_NOTHING_INSTALLED = ("-o", "Dir::State::status=/dev/null", "-o", "APT::Install-Recommends=false")
_URI_LINE = re.compile(r"^'[^']+' (?P<file>\S+) \d+ (?P<digest>\S+)$")


@dataclass(frozen=True, kw_only=True)
class Package:
    """One version of one package: apt's file name of it and its digest, such as `SHA256:…`."""

    file: str
    digest: str

    def __str__(self) -> str:
        return f"{self.file} {self.digest}"


async def dependencies(names: Sequence[str]) -> list[str]:
    """Names of all packages that installing `names` into an empty system would bring, sorted, with their versions
    as `name=version`."""
    output = await run("apt-get", *_NOTHING_INSTALLED, "--simulate", "install", *names)
    return sorted(f"{name}={version}" for name, version in re.findall(r"^Inst (\S+) \((\S+)", output, re.MULTILINE))


async def newest_kernel(meta: str) -> str:
    """The name of the kernel package which the meta package `meta` (`linux-image-amd64`) stands for now."""
    output = await run("apt-cache", "depends", meta)
    found = re.search(r"Depends: (linux-image-\S+)", output)
    if found is None:
        raise Failed(
            f"apt knows no kernel for {meta}.", code="image.package_unknown", hint="Run apt-get update and try again."
        )
    return found[1]


async def locate(names: Sequence[str]) -> list[Package]:
    """File names and digests of packages given as `name` or `name=version`; touches no network."""
    with TemporaryDirectory() as empty:  # apt leaves out what lies in its working folder already
        output = await run("apt-get", "--print-uris", "download", *names, cwd=Path(empty))
    found = [match for line in output.splitlines() if (match := _URI_LINE.match(line))]
    return sorted((Package(file=m["file"], digest=m["digest"]) for m in found), key=lambda package: package.file)


async def fetch(packages: Sequence[Package], store: Path, tmp: Path) -> None:
    """Bring the packages that `store` lacks into it (apt checks their signatures), and remove others from it."""
    missing = await asyncio.to_thread(_missing, packages, store, tmp)
    if missing:
        specs = [_spec(file) for file in missing]
        # the folder is private to us: apt's own unprivileged user could not write into it
        await run("apt-get", "-o", "APT::Sandbox::User=root", "--quiet", "download", *specs, cwd=tmp)
        for file in missing:
            (tmp / file).rename(store / file)


def _missing(packages: Sequence[Package], store: Path, tmp: Path) -> list[str]:
    """Make the folders, remove from `store` what is not wanted any more, and tell what it lacks."""
    store.mkdir(parents=True, exist_ok=True)
    tmp.mkdir(parents=True, exist_ok=True)
    wanted = {package.file for package in packages}
    here = {path.name for path in store.iterdir()}
    for file in here - wanted:
        (store / file).unlink()
    return sorted(wanted - here)


def _spec(file: str) -> str:
    name, version, _ = file.split("_")
    return f"{name}={version.replace('%3a', ':')}"


async def unpack(packages: Sequence[Package], store: Path, into: Path) -> None:
    """Unpack the files of the packages below `into`; nothing of them is run."""
    for package in packages:
        await run("dpkg-deb", "--extract", store / package.file, into)


def apt_state() -> str:
    """A digest that changes when what apt knows about available packages changes."""
    digest = hashlib.sha256()
    folders = [path for path in (_LISTS, *_SOURCES) if path.exists()]
    for folder in folders:
        for path in sorted([folder, *folder.glob("*")]):
            if path.is_file():
                facts = path.stat()
                digest.update(f"{path} {facts.st_size} {facts.st_mtime_ns}\n".encode())
    return digest.hexdigest()


class PackageMemo:
    """Remembers what apt answered for as long as apt would answer the same: asking apt takes two seconds."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def recall(self, question: str) -> list[Package] | None:
        """The packages stored for `question`, None if there are none or apt has learnt something since."""
        try:
            stored = json.loads(self._path.read_text())
            if stored["question"] == question and stored["state"] == apt_state():
                return [Package(**package) for package in stored["packages"]]
        except (FileNotFoundError, ValueError, KeyError, TypeError):  # no memo, or not one of ours: ask apt
            return None
        return None

    def store(self, question: str, packages: Sequence[Package]) -> None:
        """Remember `packages` as the answer to `question`."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        new = self._path.with_suffix(".new")
        new.write_text(
            json.dumps(
                {"question": question, "state": apt_state(), "packages": [asdict(package) for package in packages]}
            )
        )
        new.rename(self._path)
