"""Floating addresses from the API to packets of a real guest, and back when somebody else takes them away."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

import pytest

from altus.wire.floating_ips import FloatingIpAttach, FloatingIpCreate, FloatingIpView
from testbed.administrator import NETWORK, Administrator
from testbed.patience import GUEST, until
from tests.functional.ovn.lab import Namespace, connect, sh

pytestmark = pytest.mark.functional
_HOST, _SOMEBODY = "192.0.2.1", "192.0.2.2"
_ECHO_REQUEST = 8
"""Type of an ICMP packet; it follows the IP header of 20 bytes."""


@contextlib.asynccontextmanager
async def _outside() -> AsyncIterator[Namespace]:
    """Somebody on the host's own network."""
    made = Namespace("floating", "wan1")
    await connect(made.name, made.device, 1500)
    try:
        await sh("ip", "address", "add", f"{_HOST}/24", "dev", made.device)
        await made.run("ip", "address", "add", f"{_SOMEBODY}/24", "dev", "eth0")
        yield made
    finally:
        await made.destroy()


async def _given(admin: Administrator) -> FloatingIpView:
    task = await admin.altus.floating_ips.create(FloatingIpCreate(network=NETWORK)).run()
    return await admin.altus.floating_ips.get(task.object_id)


async def _first_sender(outside: Namespace) -> str:
    """Who sends the next ping that comes to the one outside."""
    sock = outside.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    with sock:
        async with asyncio.timeout(GUEST):
            while True:
                packet, sender = await asyncio.get_running_loop().sock_recvfrom(sock, 4096)
                if packet[20] == _ECHO_REQUEST:
                    return str(sender[0])


async def _repaired(admin: Administrator, floating: FloatingIpView) -> bool:
    tasks = (await admin.altus.tasks.page(["kind:floating_ip.repair", f"object_id:{floating.id}"])).items
    return any(task.state.finished for task in tasks)


async def test_a_guest_is_reached_and_leaves_by_its_floating_address(admin: Administrator) -> None:
    async with _outside() as outside:
        guest, floating = await admin.guest(), await _given(admin)
        assert not await outside.pings(floating.address)
        await admin.altus.floating_ips.attach(floating.id, FloatingIpAttach(vm=guest.id)).run()
        await until(lambda: outside.pings(floating.address), "the guest answers")
        listens = asyncio.create_task(_first_sender(outside))
        await admin.run(guest.id, f"ping -c 3 -W 1 {_SOMEBODY} >/dev/null; true")
        assert await listens == floating.address
        await sh("ovn-nbctl", "lb-del", f"altus-{floating.id}")
        await until(lambda: _repaired(admin, floating), "it is repaired")
        await until(lambda: outside.pings(floating.address), "the guest answers again")
        await admin.altus.floating_ips.detach(floating.id).run()
        assert not await outside.pings(floating.address)
    await admin.healthy()
