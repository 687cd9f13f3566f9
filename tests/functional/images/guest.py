"""A guest under plain QEMU, without KVM, spoken to through its guest agent and QEMU's own monitor."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import io
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pycdlib

OVMF = Path("/usr/share/OVMF")
_MACHINE = (
    *("qemu-system-x86_64", "-machine", "q35", "-accel", "tcg,tb-size=64", "-nodefaults", "-no-user-config"),
    *("-display", "none", "-no-reboot", "-device", "virtio-rng-pci", "-device", "virtio-serial-pci"),
    *("-device", "virtserialport,chardev=agent,name=org.qemu.guest_agent.0"),
    *("-netdev", "user,id=net,restrict=on", "-device", "virtio-net-pci,netdev=net"),
)


class JsonSocket:
    """Lines of JSON over a unix socket that QEMU listens on."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def connect(cls, path: Path) -> JsonSocket:
        """Connect as soon as QEMU listens."""
        while True:
            try:
                return cls(*await asyncio.open_unix_connection(path))
            except (FileNotFoundError, ConnectionRefusedError):  # QEMU is still starting
                await asyncio.sleep(0.02)

    async def read(self) -> dict[str, Any]:
        line = await self._reader.readline()
        if not line:
            raise ConnectionError("QEMU ended")
        answer: dict[str, Any] = json.loads(line.lstrip(b"\xff"))
        return answer

    def write(self, message: dict[str, Any], prefix: bytes = b"") -> None:
        self._writer.write(prefix + json.dumps(message).encode() + b"\n")

    async def call(self, command: str, **arguments: Any) -> Any:
        """The answer to one command; events are skipped."""
        self.write({"execute": command, "arguments": arguments})
        while "return" not in (answer := await self.read()):
            assert "error" not in answer, answer
        return answer["return"]


class Guest:
    """A running guest; `folder` holds what QEMU wrote, such as `serial`."""

    def __init__(self, process: asyncio.subprocess.Process, folder: Path) -> None:
        self._process = process
        self._folder = folder
        self._agent: JsonSocket | None = None
        self._monitor: JsonSocket | None = None

    @property
    def serial(self) -> str:
        """All that the guest has written to its first serial port."""
        return (self._folder / "serial").read_text(errors="replace")

    async def agent(self) -> JsonSocket:
        """The guest agent, once it answers."""
        if self._agent is None:
            socket = await JsonSocket.connect(self._folder / "agent")
            socket.write({"execute": "guest-sync-delimited", "arguments": {"id": 7}}, prefix=b"\xff")
            while (await socket.read()).get("return") != 7:
                pass
            self._agent = socket
        return self._agent

    async def run(self, script: str) -> str:
        """What a shell script prints in the guest; it must succeed."""
        agent = await self.agent()
        started = await agent.call("guest-exec", path="/bin/sh", arg=["-c", script], **{"capture-output": True})
        # the agent has no event for it
        while not (status := await agent.call("guest-exec-status", pid=started["pid"]))["exited"]:
            await asyncio.sleep(0.1)
        printed, errors = (base64.b64decode(status.get(name, "")).decode() for name in ("out-data", "err-data"))
        assert status["exitcode"] == 0, errors
        return printed.strip()

    async def monitor(self) -> JsonSocket:
        """QEMU's monitor, ready for commands."""
        if self._monitor is None:
            socket = await JsonSocket.connect(self._folder / "monitor")
            await socket.read()
            await socket.call("qmp_capabilities")
            self._monitor = socket
        return self._monitor

    async def press_power_button(self) -> None:
        """ACPI power button; returns when the guest has powered itself off."""
        await (await self.monitor()).call("system_powerdown")
        await self.ended()

    async def ended(self) -> None:
        """Returns when QEMU has ended by itself."""
        assert await self._process.wait() == 0


@asynccontextmanager
async def running(folder: Path, *options: str | Path, memory: int = 256) -> AsyncIterator[Guest]:
    """A guest with `memory` MiB and QEMU's `options`; killed at the end if it still runs."""
    process = await asyncio.create_subprocess_exec(
        *_MACHINE,
        *("-m", str(memory), "-serial", f"file:{folder / 'serial'}"),
        *("-chardev", f"socket,id=agent,path={folder / 'agent'},server=on,wait=off"),
        *("-qmp", f"unix:{folder / 'monitor'},server=on,wait=off"),
        *map(str, options),
    )
    try:
        yield Guest(process, folder)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def direct(image: Path) -> list[str | Path]:
    """Options that start an image's kernel without firmware or disk."""
    return ["-kernel", image / "kernel", "-initrd", image / "initrd", "-append", (image / "cmdline").read_text()]


def disk(image: Path, bus: str = "virtio-blk-pci,bootindex=1") -> list[str | Path]:
    """Options that attach an image's disk; what the guest writes is thrown away."""
    return ["-drive", f"file={image / 'disk'},if=none,id=disk,snapshot=on", "-device", f"{bus},drive=disk"]


def uefi(folder: Path) -> list[str | Path]:
    """Options that replace the BIOS by UEFI."""
    shutil.copy(OVMF / "OVMF_VARS_4M.fd", folder / "vars")
    code = f"if=pflash,format=raw,readonly=on,file={OVMF / 'OVMF_CODE_4M.fd'}"
    return ["-drive", code, "-drive", f"if=pflash,format=raw,file={folder / 'vars'}"]


SEED_BUSES = {
    "sata": ["-device", "ide-cd,drive=seed,bus=ide.0"],
    "scsi": ["-device", "virtio-scsi-pci", "-device", "scsi-cd,drive=seed"],
    "virtio": ["-device", "virtio-blk-pci,drive=seed"],
}


def seed(folder: Path, user_data: str, bus: str = "sata", name: str = "from-meta-data") -> list[str | Path]:
    """Options that attach a NoCloud seed."""
    iso = pycdlib.PyCdlib()
    iso.new(interchange_level=4, joliet=3, rock_ridge="1.09", vol_ident="cidata")
    for file, short, text in (
        ("meta-data", "META.;1", f"instance-id: one\nlocal-hostname: {name}\n"),
        ("user-data", "USER.;1", user_data),
    ):
        content = text.encode()
        iso.add_fp(io.BytesIO(content), len(content), f"/{short}", rr_name=file, joliet_path=f"/{file}")
    iso.write(str(folder / "seed.iso"))
    iso.close()
    drive = f"file={folder / 'seed.iso'},if=none,id=seed,format=raw,readonly=on,media=cdrom"
    return ["-drive", drive, *SEED_BUSES[bus]]
