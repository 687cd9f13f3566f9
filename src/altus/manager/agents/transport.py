"""HTTP to agents: names instead of addresses, lines out of streams, and errors as ours."""

from __future__ import annotations

import asyncio
import ipaddress
import json
import os
import socket
import ssl
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

from altus.common.errors import AltusError, Failed, Unavailable, from_dict
from altus.common.pki import agent_name

_CONNECT = 2.0
_MAX_LINE = 256 << 20


class AgentResolver(AbstractResolver):
    """Finds agents by the name in their certificate, wherever they are said to listen."""

    def __init__(self) -> None:
        self._addresses: dict[str, str] = {}
        self._names = ThreadedResolver()

    def set(self, host_id: str, address: str) -> None:
        """The host's agent listens on this DNS name or IP address."""
        self._addresses[agent_name(host_id)] = address

    def drop(self, host_id: str) -> None:
        """Forget it."""
        self._addresses.pop(agent_name(host_id), None)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """See aiohttp."""
        address = self._addresses.get(host)
        if address is None:
            raise OSError(f"no agent is named {host}")
        try:
            version = ipaddress.ip_address(address).version
        except ValueError:
            return await self._names.resolve(address, port, family)
        found = socket.AF_INET6 if version == 6 else socket.AF_INET
        return [ResolveResult(hostname=host, host=address, port=port, family=found, proto=0,
                              flags=socket.AI_NUMERICHOST)]  # fmt: skip

    async def close(self) -> None:
        """See aiohttp."""
        await self._names.close()


class AgentSession:
    """HTTP with one agent (`http`), and the streams that are read from it."""

    def __init__(self, context: ssl.SSLContext, resolver: AgentResolver) -> None:
        connector = aiohttp.TCPConnector(ssl=context, resolver=resolver, use_dns_cache=False, limit=0)
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT, connect=2 * _CONNECT)
        self.http = aiohttp.ClientSession(connector=connector, timeout=timeout, cookie_jar=aiohttp.DummyCookieJar(),
                                          trust_env=False)  # fmt: skip
        self._read: set[aiohttp.StreamReader] = set()

    async def lines(self, response: aiohttp.ClientResponse, silence: float) -> AsyncGenerator[bytes, None]:
        """Whole lines; `TimeoutError` after `silence` seconds without a byte, `ConnectionError` for half a line or when
        the session is closed."""
        stream = response.content
        self._read.add(stream)
        waiting: list[bytes] = []
        size = 0
        try:
            while chunk := await asyncio.wait_for(stream.readany(), silence):
                first, *others = chunk.split(b"\n")
                waiting.append(first)
                size += len(first)
                for other in others:
                    yield b"".join(waiting)
                    waiting, size = [other], len(other)
                if size > _MAX_LINE:
                    raise ConnectionError("an agent's line never ends")
        finally:
            self._read.discard(stream)
        if size:
            raise ConnectionError("the stream broke off")

    async def close(self) -> None:
        """Break off what is read, and close all connections. aiohttp would leave who reads waiting for ever."""
        for stream in self._read:
            stream.set_exception(ConnectionResetError("the session was closed"))
        await self.http.close()


def unreachable(host_id: str, why: str = "") -> Unavailable:
    """The error for an agent that does not answer."""
    return Unavailable(f"Host {host_id} does not answer{': ' if why else ''}{why}.", code="host.unreachable",
                       hint="Is it switched on, and does its agent run?", host_id=host_id)  # fmt: skip


@contextmanager
def translated(host_id: str) -> Iterator[None]:
    """Turn what aiohttp raises into ours."""
    try:
        yield
    except aiohttp.ClientConnectorCertificateError as error:
        raise Unavailable(f"Whoever answers for host {host_id} is not that host.", code="host.untrusted",
                          hint="If it was enrolled anew, start its agent again; if elsewhere, enrol it.",
                          host_id=host_id) from error  # fmt: skip
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise unreachable(host_id, _why(error)) from error


def _why(error: Exception) -> str:
    """In people's words, as far as there are any."""
    if isinstance(error, TimeoutError):
        return "nothing came back in time"
    if isinstance(error, aiohttp.ClientConnectorSSLError):
        return "it breaks the TLS handshake off"
    if isinstance(error, aiohttp.ClientConnectorError):
        return os.strerror(error.errno) if error.errno else "there is no way to it"
    broken = isinstance(error, aiohttp.ClientConnectionError | aiohttp.ClientPayloadError | ConnectionError)
    return "the connection broke off" if broken else type(error).__name__


async def refusal(response: aiohttp.ClientResponse) -> AltusError:
    """The error in an answer whose status is not 200."""
    try:
        return from_dict(json.loads(await response.read())["error"])
    except (ValueError, KeyError, TypeError):
        return Failed(f"The agent refused with status {response.status}.", code="host.refused")
