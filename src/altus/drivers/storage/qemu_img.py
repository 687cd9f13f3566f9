"""`qemu-img`, asynchronously: limits, progress, and failures as our errors.

Every child gets SIGKILL when the agent dies (`setpriv --pdeathsig`), so that nobody writes into a file which the next
agent clears away; untrusted files are read under limits of memory and CPU time (`prlimit`), as OpenStack does it.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from altus.common.errors import AltusError, Failed, LimitExceeded
from altus.common.units import GIB
from altus.drivers.storage.threads import to_the_end

QCOW2_OPTIONS = "cluster_size=64k,preallocation=off,lazy_refcounts=off,compat=1.1"

_PROGRESS = re.compile(rb"\((\d+(?:\.\d+)?)/100%\)")
_FULL = ("No space left on device", "Disk quota exceeded")
_LAST_WORDS = 2000
_UNLESS_ORPHAN = '[ "$PPID" = "$0" ] && exec "$@"'
"""An agent that was killed before the child asked for its death signal sends none."""
_CHECK_CORRUPT, _CHECK_LEAKS, _CHECK_UNSUPPORTED = 2, 3, 63


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a child may take; None is no limit. `memory` in bytes of address space, `cpu` and `timeout` in seconds."""

    memory: int | None = None
    cpu: int | None = None
    timeout: float | None = None


TRUSTED = Limits(timeout=60)
UNTRUSTED = Limits(memory=2 * GIB, cpu=30, timeout=120)
CONVERT = Limits(memory=4 * GIB)


class QemuImg:
    """Calls `program`. Failures are `Failed` (`storage.qemu_img_failed`) with the program's last words, a full disk is
    `LimitExceeded` (`storage.full`)."""

    def __init__(self, program: str = "qemu-img") -> None:
        self._program = program

    async def info(self, path: Path, image_format: str) -> dict[str, Any]:
        """What QEMU says about an untrusted file of this format (`qemu-img info`); no chain is followed."""
        data = await self._run(["info", "--output=json", "-f", image_format, str(path)], UNTRUSTED)
        result: dict[str, Any] = json.loads(data)
        return result

    async def check(self, path: Path, image_format: str) -> bool:
        """Whether the file is consistent (leaked clusters are); formats without a check are."""
        codes = (0, _CHECK_CORRUPT, _CHECK_LEAKS, _CHECK_UNSUPPORTED)
        args = ["check", "--output=json", "-f", image_format, str(path)]
        data = await self._run(args, CONVERT, expected=codes)
        report = json.loads(data) if data.startswith(b"{") else {}
        return not (report.get("corruptions") or report.get("check-errors"))

    async def create(self, path: Path, size: int, backing: str = "") -> None:
        """A thin qcow2, on the qcow2 file `backing` (a path relative to where `path` will be in the end) if given."""
        base = ["-u", "-b", backing, "-F", "qcow2"] if backing else []
        await self._run(["create", "-q", "-f", "qcow2", "-o", QCOW2_OPTIONS, *base, str(path), str(size)], TRUSTED)

    async def resize(self, path: Path, size: int) -> None:
        """Grow a qcow2 file."""
        await self._run(["resize", "-q", "-f", "qcow2", str(path), str(size)], TRUSTED)

    async def required(self, path: Path, image_format: str) -> int:
        """The bytes that the content would take as qcow2 (`qemu-img measure`)."""
        data = await self._run(["measure", "--output=json", "-O", "qcow2", "-f", image_format, str(path)], UNTRUSTED)
        return int(json.loads(data)["required"])

    async def convert(self, source: Path, source_format: str, target: Path, progress: Callable[[float], None]) -> None:
        """Write the content of `source`, chain included, into a new qcow2."""
        args = ["convert", "-p", "-m", "8", "-W", "-f", source_format, "-O", "qcow2", "-o", QCOW2_OPTIONS]

        def report(text: bytes) -> None:
            if found := _PROGRESS.findall(text):
                progress(float(found[-1]) / 100)

        await self._run([*args, str(source), str(target)], CONVERT, heard=report)

    async def rebase(self, path: Path, backing: str, progress: Callable[[float], None] | None = None) -> None:
        """Let a qcow2 file stand on another qcow2 file (empty: on none) and read as before: what differs is copied into
        it first, so that it reads the same at every instant. Without `progress` only the name is changed.

        QEMU keeps in memory where in the file copies are, and would write the other name before that: killed then, or
        without room, it leaves a file that has lost them. It flushes after each copy if it is to write through.
        """

        def report(text: bytes) -> None:
            if progress is not None and (found := _PROGRESS.findall(text)):
                progress(float(found[-1]) / 100)

        how = ["-p", "-t", "writethrough"] if progress is not None else ["-u"]
        base = ["-b", backing, "-F", "qcow2"] if backing else ["-b", ""]
        await self._run(["rebase", *how, "-f", "qcow2", *base, str(path)], CONVERT, heard=report)

    async def _run(self, args: list[str], limits: Limits, *, expected: tuple[int, ...] = (0,),
                   heard: Callable[[bytes], None] | None = None) -> bytes:  # fmt: skip
        command = [*_limited(limits), self._program, *args]
        child = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, "LC_ALL": "C"},
        )
        try:
            async with asyncio.timeout(limits.timeout):
                output, words = await asyncio.gather(_listen(child.stdout, heard), _listen(child.stderr, None))
                code = await child.wait()
        except TimeoutError as error:
            raise Failed(
                f"qemu-img {args[0]} did not end within {limits.timeout:.0f} s.",
                code="storage.qemu_img_failed",
                hint="The storage may be hanging; look at the host's kernel log.",
            ) from error
        finally:
            if child.returncode is None:
                child.kill()
                await to_the_end(child.wait())
        if code not in expected:
            raise _failure(args[0], code, words.decode("utf-8", "replace"))
        return output


async def _listen(stream: asyncio.StreamReader | None, heard: Callable[[bytes], None] | None) -> bytes:
    """All that the child writes; with a listener, which is told of every piece, only the last."""
    pieces: list[bytes] = []
    while stream is not None and (piece := await stream.read(65536)):
        if heard is not None:
            heard(piece)
            pieces.clear()
        pieces.append(piece)
    return b"".join(pieces)


def _limited(limits: Limits) -> list[str]:
    command = ["setpriv", "--pdeathsig", "KILL", "--", "sh", "-c", _UNLESS_ORPHAN, str(os.getpid())]
    if limits.memory is None and limits.cpu is None:
        return command
    command += ["prlimit", "--core=0"]
    if limits.memory is not None:
        command.append(f"--as={limits.memory}")
    if limits.cpu is not None:
        command.append(f"--cpu={limits.cpu}")
    return [*command, "--"]


def _failure(verb: str, code: int, words: str) -> AltusError:
    last = words.strip()[-_LAST_WORDS:]
    if any(text in last for text in _FULL):
        return LimitExceeded(
            f"The repository is full: qemu-img {verb} could not go on.",
            code="storage.full",
            hint="Delete volumes or images, or enlarge the repository.",
        )
    ending = f"was killed by signal {-code}" if code < 0 else f"failed with {code}"
    return Failed(
        f"qemu-img {verb} {ending}: {last or 'no words'}",
        code="storage.qemu_img_failed",
        hint="Look at the repository's file system and the host's log.",
        exit_code=code,
    )
