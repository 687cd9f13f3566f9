"""Runs the tools that images are made with."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from altus.common.errors import AltusError, Failed, LimitExceeded

TOOL_PACKAGES: Mapping[str, str] = {
    "apt-cache": "apt",
    "apt-get": "apt",
    "cp": "coreutils",
    "depmod": "kmod",
    "dpkg-deb": "dpkg",
    "grub-mkimage": "grub-common",
    "mcopy": "mtools",
    "mkfs.fat": "dosfstools",
    "mmd": "mtools",
    "mmdebstrap": "mmdebstrap",
    "mke2fs": "e2fsprogs",
    "qemu-img": "qemu-utils",
    "setpriv": "util-linux",
    "sfdisk": "fdisk",
    "unshare": "util-linux",
}
"""The Debian package of every program that builders call."""

_SEARCH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_LAST_WORDS = 12
_FULL = "No space left on device"


def require_tools(*tools: str) -> None:
    """Raise `Failed` (`image.tool_missing`) naming the packages to install unless every tool is here."""
    missing = [tool for tool in tools if shutil.which(tool, path=_SEARCH) is None]
    if missing:
        packages = sorted({TOOL_PACKAGES[tool] for tool in missing})
        raise Failed(
            f"Building images needs {', '.join(missing)}, which this host does not have.",
            code="image.tool_missing",
            hint=f"Install with: apt-get install {' '.join(packages)}",
            packages=packages,
        )


async def run(
    *args: str | Path,
    cwd: Path | None = None,
    stdin: bytes = b"",
    env: Mapping[str, str] | None = None,
    on_line: Callable[[str], None] | None = None,
) -> str:
    """Run a tool to its end and return its standard output.

    `on_line` is told every line of its standard error. When this call is cancelled, or this process dies, the tool is
    killed. Raises `Failed` (`image.build_failed`) with the tool's last words, `LimitExceeded` (`storage.full`) if these
    are about a full disk.
    """
    process = await asyncio.create_subprocess_exec(
        # a builder that is killed must not leave tools which go on writing into the folder that the next build removes
        *("setpriv", "--pdeathsig", "KILL", "--"),
        *(str(arg) for arg in args),
        cwd=cwd,
        env={"PATH": _SEARCH, "LC_ALL": "C.UTF-8", "HOME": "/root", **_passed_on(), **(env or {})},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    errors: list[str] = []
    try:
        output, _, code = await asyncio.gather(
            _feed_and_read(process, stdin), _read_lines(process, errors, on_line), process.wait()
        )
    finally:
        await _end(process)
    if code != 0:
        raise _failed(args, code, errors or output.splitlines())
    return output


def _passed_on() -> dict[str, str]:
    """What the tools may take from our environment: how to reach the network."""
    names = ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "TMPDIR")
    return {name: os.environ[name] for name in names if name in os.environ}


async def _feed_and_read(process: asyncio.subprocess.Process, stdin: bytes) -> str:
    assert process.stdin is not None and process.stdout is not None  # noqa: S101, PT018 (both are pipes)
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # a tool may end without reading its input
        process.stdin.write(stdin)
        await process.stdin.drain()
    process.stdin.close()
    return (await process.stdout.read()).decode(errors="replace")


async def _read_lines(
    process: asyncio.subprocess.Process, lines: list[str], on_line: Callable[[str], None] | None
) -> None:
    assert process.stderr is not None  # noqa: S101 (it is a pipe)
    while raw := await process.stderr.readline():
        line = raw.decode(errors="replace").rstrip()
        lines.append(line)
        del lines[:-_LAST_WORDS]
        if on_line is not None:
            on_line(line)


async def _end(process: asyncio.subprocess.Process) -> None:
    """Kill the tool and all that it started, if it has not ended by itself."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


def _failed(args: Sequence[str | Path], code: int, words: Sequence[str]) -> AltusError:
    last = [line for line in words if line.strip()][-_LAST_WORDS:]
    if any(_FULL in line for line in last):
        return LimitExceeded(
            f"The disk is full: {args[0]} could not go on: {last[-1]}",
            code="storage.full",
            hint="Delete volumes or images, or make room where images are built.",
        )
    return Failed(
        f"{args[0]} ended with {code}: {' / '.join(last) or 'it said nothing'}",
        code="image.build_failed",
        hint="See the tool's last words; when packages cannot be found or fetched, run apt-get update and try again.",
    )
