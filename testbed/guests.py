"""Doing things in a guest through its agent."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable
from typing import Any

from testbed.patience import GUEST, until

Virsh = Callable[..., str]
"""Runs virsh where the guest is, with these arguments; what it prints."""


def reaching(address: str, tries: int = 30) -> str:
    """A script that ends as soon as an address answers, else fails and tells the guest's routes and neighbours. It
    waits a second after each try: who has no route yet, or is refused, knows so at once."""
    ping = f"ping -c 1 -W 1 {address} >/dev/null 2>&1"
    return f"for i in $(seq {tries}); do {ping} && exit; sleep 1; done; cat /proc/net/route /proc/net/arp; exit 1"


async def run(virsh: Virsh, vm_id: str, script: str) -> str:
    """What a shell script prints in a guest; it must succeed."""
    started = await _agent(virsh, vm_id, "guest-exec", path="/bin/sh", arg=["-c", script], **{"capture-output": True})

    async def ended() -> dict[str, Any] | None:
        status = await _agent(virsh, vm_id, "guest-exec-status", pid=started["pid"])
        return status if status["exited"] else None

    status = await until(ended, f"{script!r} ends in the guest", GUEST)
    printed, errors = (base64.b64decode(status.get(name, "")).decode() for name in ("out-data", "err-data"))
    assert status["exitcode"] == 0, f"{script!r}: {printed} {errors}"
    return printed.strip()


async def _agent(virsh: Virsh, vm_id: str, command: str, **arguments: Any) -> Any:
    text = json.dumps({"execute": command, "arguments": arguments})
    said = await asyncio.to_thread(virsh, "qemu-agent-command", vm_id, text, "--timeout", "20")
    return json.loads(said)["return"]
