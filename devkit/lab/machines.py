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


class Box:
    """One machine. `enrol` gives a host its identity, `plugged` is called when it has its cables (again)."""

    def __init__(self, name: str, folder: Path, enrol: Callable[[str], Awaitable[None]],
                 plugged: Callable[[], None]) -> None:  # fmt: skip
        self.name = name
        self.pid: int | None = None
        self.booted = asyncio.Event()
        self._folder = folder
        self._enrol = enrol
        self._plugged = plugged
        self._process: asyncio.subprocess.Process | None = None

    @property
    def power(self) -> str:
        """`off`, `booting` or `on`."""
        if self._process is None or self._process.returncode is not None:
            return "off"
        return "on" if self.booted.is_set() else "booting"

    @property
    def log(self) -> Path:
        """What its process 1 says; the daemons' logs are in /var/log of the machine."""
        return self._folder / "machines" / self.name / "console.log"

    async def power_on(self) -> None:
        """Boot, and return when all its daemons answer; `LabError`, and no power again, if they do not."""
        if self.power == "on":
            return
        if self.power == "booting":
            raise LabError(f"{self.name} is booting already")
        with progress.waiting(f"{self.name} boots"):
            try:
                async with asyncio.timeout(_BOOT_SECONDS):
                    await self._boot()
            except BaseException as error:
                await self.power_off()
                if isinstance(error, TimeoutError):
                    raise LabError(f"{self.name} has not booted within {_BOOT_SECONDS:.0f} s; see {self.log}") from None
                raise

    async def power_off(self) -> None:
        """Cut the power: all its processes die at once."""
        process, self._process, self.pid = self._process, None, None
        self.booted.clear()
        if process is not None and process.returncode is None:
            # its process 1 dies with its parent, and all others with process 1
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def _boot(self) -> None:
        self.log.parent.mkdir(mode=0o711, parents=True, exist_ok=True)
        command = (sys.executable, "-m", "devkit.lab.inside", self.name, str(self._folder))
        pipe = asyncio.subprocess.PIPE
        with self.log.open("ab") as log:
            process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, stderr=log, cwd=ROOT)
        self._process = process
        await self._say(process, "go")
        while line := await cast("asyncio.StreamReader", process.stdout).readline():
            if await self._heard(process, json.loads(line)):
                self.booted.set()
                return
        raise LabError(f"{self.name} ended while it booted; see {self.log}")

    async def _heard(self, process: asyncio.subprocess.Process, said: dict[str, Any]) -> bool:
        """Act on what the machine says; whether it is ready."""
        if "pid" in said:
            self.pid = said["pid"]
            self._plugged()
        if "wants" in said:
            await self._enrol(self.name)
            await self._say(process, "")
        if "failed" in said:
            raise LabError(f"{self.name} does not boot: {said['failed']}; see {self.log}")
        return "ready" in said

    async def _say(self, process: asyncio.subprocess.Process, text: str) -> None:
        writer = cast("asyncio.StreamWriter", process.stdin)
        writer.write(f"{text}\n".encode())
        with contextlib.suppress(ConnectionError):
            await writer.drain()
