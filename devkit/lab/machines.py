"""A machine of the lab as its supervisor has it: power on, power cut, and what it says meanwhile."""

import asyncio
import contextlib
import json
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, cast

from devkit import progress
from devkit.checks import ROOT
from devkit.lab.places import LabError

_BOOT_SECONDS = 180.0
_AGAIN_SECONDS = 0.1


class Box:
    """One machine of a lab whose `central` one has OVN's databases. `enrol` gives a host its identity, `plugged` is
    called when it has its cables (again)."""

    def __init__(self, name: str, folder: Path, central: str, enrol: Callable[[str], Awaitable[None]],
                 plugged: Callable[[], None]) -> None:  # fmt: skip
        self.name = name
        self._folder = folder
        self._central = central
        self._enrol = enrol
        self._plugged = plugged
        self._process: asyncio.subprocess.Process | None = None
        self._pid: int | None = None
        self._booting: asyncio.Task[None] | None = None

    @property
    def power(self) -> str:
        """`off`, `booting` or `on`."""
        if self._booting is not None and not self._booting.done():
            return "booting"
        return "off" if self._process is None or self._process.returncode is not None else "on"

    @property
    def pid(self) -> int | None:
        """Its process 1, as soon as that has its cables."""
        return None if self._process is None or self._process.returncode is not None else self._pid

    @property
    def log(self) -> Path:
        """What its process 1 says; the daemons' logs are in /var/log of the machine."""
        return self._folder / "machines" / self.name / "console.log"

    async def power_on(self) -> None:
        """Boot, and return when all its daemons answer; `LabError`, and no power again, if they do not. Whoever asks
        meanwhile waits with us, and a boot goes on though nobody waits."""
        if self.power == "on":
            return
        with progress.waiting(f"{self.name} boots"):
            if self._booting is None or self._booting.done():
                self._booting = asyncio.create_task(self._boot_in_time())
            await asyncio.shield(self._booting)

    async def power_off(self) -> None:
        """Cut the power: all its processes die at once, also while it boots."""
        await self._end()
        while self._booting is not None and not self._booting.done():
            await asyncio.wait([self._booting], timeout=_AGAIN_SECONDS)
            await self._end()  # of a boot that had not come as far as a process

    async def _end(self) -> None:
        process, self._process, self._pid = self._process, None, None
        if process is not None and process.returncode is None:
            # its process 1 dies with its parent, and all others with process 1
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def _boot_in_time(self) -> None:
        try:
            async with asyncio.timeout(_BOOT_SECONDS):
                await self._boot()
        except TimeoutError:
            await self._end()
            raise LabError(f"{self.name} has not booted within {_BOOT_SECONDS:.0f} s; see {self.log}") from None
        except BaseException:
            await self._end()
            raise

    async def _boot(self) -> None:
        self.log.parent.mkdir(mode=0o711, parents=True, exist_ok=True)
        command = (sys.executable, "-m", "devkit.lab.inside", self.name, str(self._folder), self._central)
        pipe = asyncio.subprocess.PIPE
        with self.log.open("ab") as log:
            process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, stderr=log, cwd=ROOT)
        self._process = process
        await self._say(process, "go")
        while line := await cast("asyncio.StreamReader", process.stdout).readline():
            if await self._heard(process, json.loads(line)):
                return
        raise LabError(f"{self.name} ended while it booted; see {self.log}")

    async def _heard(self, process: asyncio.subprocess.Process, said: dict[str, Any]) -> bool:
        """Act on what the machine says; whether it is ready."""
        if "pid" in said:
            self._pid = said["pid"]
            self._plugged()
        if "wants" in said:
            await self._enrol_while(process)
            await self._say(process, "")
        if "failed" in said:
            raise LabError(f"{self.name} does not boot: {said['failed']}; see {self.log}")
        return "ready" in said

    async def _enrol_while(self, process: asyncio.subprocess.Process) -> None:
        """Enrol it, unless its power is cut before."""
        enrolment, end = asyncio.ensure_future(self._enrol(self.name)), asyncio.ensure_future(process.wait())
        await asyncio.wait([enrolment, end], return_when=asyncio.FIRST_COMPLETED)
        end.cancel()
        if enrolment.done():
            enrolment.result()
        enrolment.cancel()

    async def _say(self, process: asyncio.subprocess.Process, text: str) -> None:
        writer = cast("asyncio.StreamWriter", process.stdin)
        writer.write(f"{text}\n".encode())
        with contextlib.suppress(ConnectionError):
            await writer.drain()
