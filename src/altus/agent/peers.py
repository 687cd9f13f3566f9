"""Other hosts' agents: a VM that moves is sent straight from one to the other, over the pool's own certificates.

A manager tells the host that a VM goes to whom to let in (`admit`). From then on the other host's certificate, and no
other one, opens this VM's channels, until somebody else is admitted or the agent ends.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Collection
from typing import Protocol

import aiohttp

from altus.agent.identity import Identity
from altus.common.errors import Forbidden, Unavailable
from altus.common.pki import agent_name, client_context, distrusting
from altus.drivers.hypervisor.base import ByteStream, MigrationChannel
from altus.wire.operations import HostAddress

HEARTBEAT = 5.0
_CONNECT = 5.0
MAX_FRAME = 4 << 20


class Peers(Protocol):
    """How hosts reach one another."""

    async def reach(self, host: HostAddress, vm_id: str, channel: MigrationChannel) -> ByteStream:
        """A connection to the hypervisor of the host that the VM goes to; `Unavailable` (`host.unreachable`,
        `vm.not_admitted`)."""
        ...


class Admissions:
    """Which host may bring which VM."""

    def __init__(self) -> None:
        self._hosts: dict[str, str] = {}

    def admit(self, vm_id: str, host_id: str) -> None:
        """Let this host, and no other one, bring the VM; empty: nobody."""
        self._hosts.pop(vm_id, None)
        if host_id:
            self._hosts[vm_id] = host_id

    def require(self, vm_id: str, host_id: str) -> None:
        """`Forbidden` (`vm.not_admitted`) unless the host may bring the VM."""
        if not host_id or self._hosts.get(vm_id) != host_id:
            raise Forbidden("No manager has told this host to take the VM from there.", code="vm.not_admitted",
                            vm_id=vm_id)  # fmt: skip


class ClientStream:
    """The connecting side's `ByteStream`: a WebSocket of bytes."""

    def __init__(self, session: aiohttp.ClientSession, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._session = session
        self._socket = socket

    async def read(self) -> bytes:
        """The next bytes; empty at the end."""
        message = await self._socket.receive()
        return message.data if message.type is aiohttp.WSMsgType.BINARY else b""

    async def write(self, data: bytes) -> None:
        """Send all of `data`; `read` tells of the end."""
        with contextlib.suppress(ConnectionError):
            await self._socket.send_bytes(data)

    async def close(self) -> None:
        """End it."""
        await self._socket.close()
        await self._session.close()


class AgentPeers:
    """`Peers` across the network; hosts whose certificates are `revoked` are not believed."""

    def __init__(self, identity: Identity, revoked: Callable[[], Collection[int]] = frozenset) -> None:
        self._identity = identity
        self._revoked = revoked

    async def reach(self, host: HostAddress, vm_id: str, channel: MigrationChannel) -> ByteStream:
        """See `Peers`."""
        mine = self._identity
        context = await asyncio.to_thread(client_context, mine.ca, mine.certificate, mine.certificate)
        distrusting(context, self._revoked)
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT)
        session = aiohttp.ClientSession(timeout=timeout, trust_env=False)
        try:
            url = f"https://{host.address}/v1/migrations/{vm_id}/{channel}"
            socket = await session.ws_connect(url, ssl=context, server_hostname=agent_name(host.host_id),
                                              heartbeat=HEARTBEAT, max_msg_size=MAX_FRAME)  # fmt: skip
        except aiohttp.WSServerHandshakeError as error:
            await session.close()
            raise Unavailable("The other host does not take the VM now.", code="vm.not_admitted",
                              hint="See the agent's log there.", host_id=host.host_id) from error  # fmt: skip
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            await session.close()
            raise Unavailable(f"Host {host.host_id} does not answer.", code="host.unreachable",
                              host_id=host.host_id) from error  # fmt: skip
        except BaseException:
            await session.close()
            raise
        return ClientStream(session, socket)
