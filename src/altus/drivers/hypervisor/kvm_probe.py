"""Whether KVM really runs guests here: found by running one.

/dev/kvm may exist, answer all questions and still only *emulate* guests (some cloud machines): QEMU then burns a CPU
for ever. So a small boot sector is run which enters 64-bit mode and loops 20 million times: hardware does that in well
under a second, such an emulation needs minutes.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

QEMU = "qemu-system-x86_64"
_PROBE_SECONDS = 3.0
_DEVICE = Path("/dev/kvm")

_BOOT_SECTOR_SIZE = 512
_SIGNATURE = b"\x55\xaa"
_DONE = 0x2A
_EXIT_STATUS = _DONE << 1 | 1  # what the device isa-debug-exit makes of a byte written to it

# The boot sector, loaded at 0x7c00 in 16-bit mode: one instruction a line.
_PAYLOAD = (
    ("fa fc", "cli; cld"),
    ("31 c0 8e d8 8e c0 8e d0 bc 00 7c", "ax = ds = es = ss = 0, sp = 0x7c00"),
    ("bf 00 10 b9 00 18 f3 ab", "clear three pages of page tables at 0x1000 (rep stosw)"),
    ("c7 06 00 10 03 20", "level 4, entry 0: the table at 0x2000, present and writable"),
    ("c7 06 00 20 03 30", "level 3, entry 0: the table at 0x3000, present and writable"),
    ("c7 06 00 30 83 00", "level 2, entry 0: 2 MiB at address 0, present and writable"),
    ("0f 01 16 7f 7c", "lgdt [0x7c7f]"),
    ("0f 20 e0 0c 20 0f 22 e0", "cr4 |= PAE"),
    ("66 b8 00 10 00 00 0f 22 d8", "cr3 = 0x1000"),
    ("66 b9 80 00 00 c0 0f 32 80 cc 01 0f 30", "EFER |= LME (long mode enable)"),
    ("0f 20 c0 66 0d 01 00 00 80 0f 22 c0", "cr0 |= PG | PE"),
    ("ea 5b 7c 08 00", "jmp 0x08:0x7c5b, from here on in 64-bit mode"),
    ("b9 00 2d 31 01", "ecx = 20,000,000"),
    ("51 59 ff c9 75 fa", "again: push rcx; pop rcx; dec ecx; jnz again"),
    ("0f a2", "cpuid, which hardware always hands to the hypervisor"),
    ("b0 2a e6 f4", "out 0xf4, 0x2a: QEMU ends with status 85"),
    ("f4 eb fd", "halt for ever, if it does not"),
    ("00 00 00 00 00 00 00 00", "the GDT at 0x7c6f: nothing"),
    ("00 00 00 00 00 9a 20 00", "and a 64-bit code segment"),
    ("0f 00 6f 7c 00 00", "the GDT's limit 15 and address 0x7c6f, at 0x7c7f"),
)


@dataclass(frozen=True, kw_only=True)
class KvmVerdict:
    """`reason` is a sentence for the administrator, also when all is well."""

    usable: bool
    reason: str


def boot_sector() -> bytes:
    """The 512 bytes that are booted."""
    code = b"".join(bytes.fromhex(text) for text, _ in _PAYLOAD)
    return code.ljust(_BOOT_SECTOR_SIZE - len(_SIGNATURE), b"\0") + _SIGNATURE


async def probe_kvm(*, accelerator: str = "kvm", seconds: float = _PROBE_SECONDS, qemu: str = QEMU) -> KvmVerdict:
    """Run the boot sector for at most `seconds`; never raises for what it finds. `accelerator` "tcg" checks the probe
    itself."""
    if accelerator == "kvm":
        try:
            os.close(os.open(_DEVICE, os.O_RDWR | os.O_CLOEXEC))
        except OSError as error:
            return KvmVerdict(usable=False, reason=f"KVM is not there: {_DEVICE}: {error.strerror}.")
    with tempfile.NamedTemporaryFile(suffix=".mbr") as image:
        image.write(boot_sector())
        image.flush()
        try:
            status, said = await _run(_command(qemu, accelerator, image.name), seconds)
        except FileNotFoundError:
            return KvmVerdict(usable=False, reason=f"{qemu} is not installed.")
        except TimeoutError:
            return KvmVerdict(
                usable=False,
                reason=f"{_DEVICE} is there but a small guest did not finish within {seconds:g} s: "
                "it emulates instead of using the processor.",
            )
    if status == _EXIT_STATUS:
        return KvmVerdict(usable=True, reason="A small guest ran on KVM.")
    last = said.strip().splitlines()[-1:] or ["no message"]
    return KvmVerdict(usable=False, reason=f"QEMU could not run a guest on KVM (status {status}): {last[0][-200:]}.")


def _command(qemu: str, accelerator: str, image: str) -> list[str]:
    return [
        qemu, "-accel", accelerator, "-machine", "pc", "-m", "16", "-nodefaults", "-no-user-config",
        "-display", "none", "-no-reboot", "-drive", f"file={image},format=raw,if=ide,snapshot=on",
        "-device", "isa-debug-exit,iobase=0xf4,iosize=4",
    ]  # fmt: skip


async def _run(command: list[str], seconds: float) -> tuple[int, str]:
    """The exit status and what it said on stderr; killed, whatever happens, before this returns."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        _, said = await asyncio.wait_for(process.communicate(), seconds)
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    return process.returncode or 0, said.decode(errors="replace")
