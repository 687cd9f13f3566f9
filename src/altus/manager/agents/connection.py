"""One host's agent as the manager speaks with it."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncGenerator, AsyncIterator
from typing import TypeVar, cast

import aiohttp
from pydantic import ValidationError

from altus.common.errors import Failed, Unavailable, from_dict
from altus.common.pki import Peer, agent_name
from altus.manager.agents.base import ReportProgress
from altus.manager.agents.transport import AgentResolver, AgentSession, refusal, translated, unreachable
from altus.wire.agent import (
    EPOCH_HEADER,
    HOST_MESSAGE,
    KEEPALIVE,
    KEY_HEADER,
    CallLine,
    CancelCall,
    HostMessage,
    UploadState,
)
from altus.wire.operations import Message, Operation

Q = TypeVar("Q")
S = TypeVar("S")
_CALL_SILENCE = 5 * KEEPALIVE
_UPLOAD_CHUNK = 1 << 20
_HANDSHAKE = 4.0


class AgentConnection:
    """Calls and streams to one agent, over a session of its own."""

    def __init__(self, session: AgentSession, resolver: AgentResolver, host_id: str, address: str) -> None:
        host, _, port = address.rpartition(":")
        self.host_id = host_id
        self.address = address
        self.up = asyncio.Event()
        self.greetings = 0
        self.session = session
        self._base = f"https://{agent_name(host_id)}:{port}"
        resolver.set(host_id, host.strip("[]"))

    async def call(self, operation: Operation[Q, S], request: Q, *, key: str = "", epoch: int = 0,
                   progress: ReportProgress | None = None) -> S:  # fmt: skip
        """See `Agents.call`."""
        body = cast("Message", request).model_dump_json().encode()
        headers = {KEY_HEADER: key, EPOCH_HEADER: str(epoch), "Content-Type": "application/json"}
        session, patience = self.session, operation.timeout
        with translated(self.host_id):
            async with session.http.post(f"{self._base}/v1/call/{operation.name}", data=body, headers=headers) as got:
                if got.status != 200:
                    raise await refusal(got)
                async with contextlib.aclosing(session.lines(got, min(_CALL_SILENCE, patience))) as lines:
                    result = await self._answer(lines, patience, progress)
        try:
            return cast("S", cast("type[Message]", operation.response).model_validate(result))
        except ValidationError as error:
            raise Failed(f"Host {self.host_id} answered {operation.name} in a way that is not understood.",
                         code="host.answer_invalid", hint="Manager and agent should be of the same version.",
                         host_id=self.host_id) from error  # fmt: skip

    async def cancel(self, key: str) -> None:
        """See `Agents.cancel`."""
        with translated(self.host_id):
            body = CancelCall(key=key).model_dump()
            async with self.session.http.post(f"{self._base}/v1/cancel", json=body) as got:
                if got.status != 200:
                    raise await refusal(got)

    async def shown(self, context: ssl.SSLContext) -> int:
        """See `Agents.shown`."""
        host, _, port = self.address.rpartition(":")
        with translated(self.host_id):
            async with asyncio.timeout(_HANDSHAKE):
                _, writer = await asyncio.open_connection(host.strip("[]"), int(port), ssl=context,
                                                          server_hostname=agent_name(self.host_id))  # fmt: skip
            number = Peer.of(writer.get_extra_info("peercert")).serial
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
        return number

    async def events(self, silence: float) -> AsyncGenerator[HostMessage, None]:
        """The host's event stream until it ends or breaks; `Unavailable` (`host.silent`) after `silence` seconds
        without anything."""
        with translated(self.host_id):
            session = self.session
            async with session.http.get(f"{self._base}/v1/events") as got:
                if got.status != 200:
                    raise await refusal(got)
                try:
                    async with contextlib.aclosing(session.lines(got, silence)) as found:
                        async for line in found:
                            yield HOST_MESSAGE.validate_json(line)
                except TimeoutError as error:
                    raise Unavailable(f"Host {self.host_id} is silent.", code="host.silent",
                                      host_id=self.host_id) from error  # fmt: skip

    async def screenshot(self, vm_id: str) -> bytes:
        """A running VM's display as PNG."""
        with translated(self.host_id):
            async with self.session.http.get(f"{self._base}/v1/vms/{vm_id}/screenshot") as got:
                if got.status != 200:
                    raise await refusal(got)
                return await got.read()

    async def console(self, vm_id: str, kind: str) -> aiohttp.ClientWebSocketResponse:
        """A running VM's `serial` or `vnc` console: a WebSocket of binary frames, which the caller closes."""
        url = f"{self._base}/v1/vms/{vm_id}/console/{kind}"
        with translated(self.host_id):
            try:
                return await self.session.http.ws_connect(url, heartbeat=20.0, max_msg_size=1 << 20)
            except aiohttp.WSServerHandshakeError:
                async with self.session.http.get(
                    url
                ) as got:  # a failed handshake tells no body: ask again for the reason
                    raise await refusal(got) from None

    async def upload(self, storage_id: str, image_id: str, data: AsyncIterator[bytes], *, turn: str,
                     offset: int = 0) -> int:  # fmt: skip
        """Send an image's bytes from `offset` on; how many the host has on disk then. Of two uploads the one with the
        higher `turn`, an id, is the newer: it takes over."""
        with translated(self.host_id):
            at = {"offset": str(offset), "turn": turn}
            async with self.session.http.put(self._upload(storage_id, image_id), params=at, data=data) as got:
                return await self._upload_state(got)

    async def uploaded(self, storage_id: str, image_id: str) -> int:
        """How many bytes of an upload the host has on disk."""
        with translated(self.host_id):
            async with self.session.http.get(self._upload(storage_id, image_id)) as got:
                return await self._upload_state(got)

    async def drop_upload(self, storage_id: str, image_id: str) -> None:
        """Forget an upload; missing is success."""
        with translated(self.host_id):
            async with self.session.http.delete(self._upload(storage_id, image_id)) as got:
                await self._upload_state(got)

    async def _answer(self, lines: AsyncIterator[bytes], patience: float,
                      progress: ReportProgress | None) -> object:  # fmt: skip
        """Read lines until the last one. Signs of life show that the agent lives, but only progress that it works."""
        loop = asyncio.get_running_loop()
        heard = loop.time()
        async for text in lines:
            line = CallLine.model_validate_json(text)
            if line.error is not None:
                raise from_dict(line.error)
            if line.result is not None:
                return line.result
            if not line.alive:
                heard = loop.time()
                if progress is not None:
                    progress(line.progress or 0.0, line.message, line.committed)
            elif loop.time() - heard > patience:
                raise Unavailable(f"Host {self.host_id} works on it without getting on.", code="host.stuck",
                                  hint="See the agent's log on the host.", host_id=self.host_id)  # fmt: skip
        raise unreachable(self.host_id, "the answer broke off")

    def _upload(self, storage_id: str, image_id: str) -> str:
        return f"{self._base}/v1/storages/{storage_id}/images/{image_id}/upload"

    async def _upload_state(self, response: aiohttp.ClientResponse) -> int:
        if response.status != 200:
            raise await refusal(response)
        return UploadState.model_validate_json(await response.read()).offset
