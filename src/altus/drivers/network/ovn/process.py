"""Child processes: argument lists only, bounded in time, killed when the caller goes away."""

from __future__ import annotations

import asyncio
import contextlib

from altus.common.errors import Failed, Unavailable

_SECONDS = 10.0


async def run(*command: str, text: str = "") -> str:
    """The standard output of a command that was given `text`; `Failed` (`network.command_failed`) with its last words
    if it did not succeed."""
    try:
        process = await asyncio.create_subprocess_exec(
            *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
    except FileNotFoundError as error:
        raise Failed(f"{command[0]} is not installed.", code="network.command_missing",
                     hint=f"Install the package that has {command[0]}.") from error  # fmt: skip
    try:
        async with asyncio.timeout(_SECONDS):
            out, complaint = await process.communicate(text.encode())
    except TimeoutError as error:
        raise Unavailable(f"{command[0]} did not end within {_SECONDS:.0f} seconds.", code="network.unavailable",
                          hint="Look at the host's load.") from error  # fmt: skip
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if process.returncode != 0:
        words = complaint.decode(errors="replace").strip()[-500:]
        raise Failed(f"{' '.join(command)} failed: {words}", code="network.command_failed",
                     hint="Read what the command said.")  # fmt: skip
    return out.decode(errors="replace")
