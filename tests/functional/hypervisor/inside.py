"""Looking at a guest from inside, by its agent."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

from altus.drivers.hypervisor.libvirt.build import domain_name
from tests.contract.hypervisor_rigs import PATIENCE, virsh


async def run(vm_id: str, script: str) -> str:
    """What a shell script says on its standard output."""
    arguments = {"path": "/bin/sh", "arg": ["-c", script], "capture-output": True}
    pid = (await _agent(vm_id, "guest-exec", arguments))["pid"]
    async with asyncio.timeout(PATIENCE):
        while not (status := await _agent(vm_id, "guest-exec-status", {"pid": pid}))["exited"]:
            await asyncio.sleep(0.02)
    return base64.b64decode(status.get("out-data", "")).decode(errors="replace")


async def _agent(vm_id: str, command: str, arguments: dict[str, Any]) -> dict[str, Any]:
    text = json.dumps({"execute": command, "arguments": arguments})
    answer = json.loads(await asyncio.to_thread(virsh, "qemu-agent-command", domain_name(vm_id), text))
    found: dict[str, Any] = answer["return"]
    return found
