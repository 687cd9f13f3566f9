"""Requests to a manager: sent, repeated where that is safe, and their errors told apart."""

from __future__ import annotations

import asyncio
import random
import ssl
import time
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
from pydantic import BaseModel
from yarl import URL

import altus
from altus.common.errors import AltusError, InvalidInput, Unavailable
from altus.sdk.problems import error_of
from altus.sdk.tls import check_url

PREFIX = "/api/v1"
Query = Iterable[tuple[str, str | int]]
_READ_TIMEOUT = 120.0
_CONNECT_TIMEOUT = 10.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 2.0


@dataclass(frozen=True)
class Answer:
    """What came back: the body of a 2xx answer."""

    status: int
    body: bytes


class NotSent(Unavailable):
    """The server was not reached at all: whatever was asked did not happen."""


class Untrusted(Unavailable):
    """Somebody answers, but without a certificate of the CA that we trust. Trying again does not help."""


class Transport:
    """One connection pool to one manager. `patience`: seconds for which a manager that does not answer is waited for;
    `on_trouble` is told each time."""

    def __init__(self, url: str, token: str = "", tls: ssl.SSLContext | None = None, *, patience: float = 20.0,
                 on_trouble: Callable[[AltusError], None] | None = None) -> None:  # fmt: skip
        self.url = check_url(url)
        self.patience = patience
        self._token = token
        self._tls = tls
        self._on_trouble = on_trouble
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def call(self, method: str, path: str, *, query: Query = (), body: BaseModel | None = None, key: str = "",
                   repeat: bool = False, patience: float | None = None) -> Answer:  # fmt: skip
        """The answer to a request. What only reads, has an idempotency `key`, or may be done twice (`repeat`) is sent
        again when the connection is lost; anything is when it was never sent, or refused for now (503)."""
        repeat = repeat or bool(key) or method == "GET"
        deadline = time.monotonic() + (self.patience if patience is None else patience)
        pause = _FIRST_PAUSE
        while True:
            try:
                async with self.open(method, path, query=query, body=body, key=key) as response:
                    return Answer(response.status, await response.read())
            except (Unavailable, aiohttp.ClientError, TimeoutError) as trouble:
                error = connection_error(trouble, self.url)
                if isinstance(error, Untrusted) or time.monotonic() + pause > deadline:
                    raise error from trouble
                if not repeat and not _harmless(error):
                    raise _unsure(error) from trouble
            self.tell(error)
            await asyncio.sleep(pause * random.uniform(0.7, 1.0))  # noqa: S311 - spreads clients, guards nothing
            pause = min(pause * 2, _LONGEST_PAUSE)

    @asynccontextmanager
    async def open(self, method: str, path: str, *, query: Query = (), body: BaseModel | None = None, key: str = "",
                   data: AsyncIterable[bytes] | None = None, headers: Mapping[str, str] | None = None,
                   silence: float = _READ_TIMEOUT) -> AsyncIterator[aiohttp.ClientResponse]:  # fmt: skip
        """The answer while it is being read; errors of the manager are raised, those of the connection are aiohttp's.
        `silence`: seconds without a byte after which it is given up."""
        sent = {**self._headers(), **(headers or {})}
        payload: bytes | AsyncIterable[bytes] | None = data
        if body is not None:
            payload = body.model_dump_json(exclude_unset=True).encode()
            sent["Content-Type"] = "application/json"
        if key:
            sent["Idempotency-Key"] = key
        url = URL(f"{self.url}{PREFIX}{path}", encoded=True).extend_query(list(query))
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_TIMEOUT, sock_read=silence)
        async with self._pool().request(method, url, data=payload, headers=sent, timeout=timeout,
                                        ssl=self._tls or True, allow_redirects=False,
                                        middlewares=(_once(),)) as response:  # fmt: skip
            if not 200 <= response.status < 300:
                raise error_of(response.status, await response.read(), response.headers.get("X-Request-Id", ""))
            yield response

    async def websocket(self, path: str) -> aiohttp.ClientWebSocketResponse:
        """A WebSocket of a path below the server itself; `Unavailable` if it does not open."""
        url = URL(f"{self.url}{path}", encoded=True)
        try:
            return await self._pool().ws_connect(url, headers=self._headers(), ssl=self._tls or True, heartbeat=20.0,
                                                 max_msg_size=0)  # fmt: skip
        except (aiohttp.ClientError, TimeoutError) as trouble:
            raise connection_error(trouble, self.url) from trouble

    def tell(self, error: AltusError) -> None:
        """Tell that something is tried again."""
        if self._on_trouble is not None:
            self._on_trouble(error)

    def _headers(self) -> dict[str, str]:
        headers = {"User-Agent": f"altus/{altus.__version__}", "Accept": "application/json, */*;q=0.5"}
        return headers | ({"Authorization": f"Bearer {self._token}"} if self._token else {})

    def _pool(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(auto_decompress=True)
        return self._session


def _once() -> aiohttp.ClientMiddlewareType:
    """aiohttp repeats some methods by itself when a connection breaks. What may be repeated is for us to know, and the
    half of an upload that was not read yet is not the upload."""
    sent = False

    async def middleware(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
        nonlocal sent
        if sent:
            raise aiohttp.ServerDisconnectedError
        sent = True
        return await handler(request)

    return middleware


def connection_error(trouble: Exception, url: str) -> AltusError:
    """What a broken connection means; an `AltusError` stays what it is."""
    if isinstance(trouble, AltusError):
        return trouble
    if isinstance(trouble, aiohttp.InvalidURL):
        return InvalidInput(f"{url} is not the address of a manager.", code="client.url")
    if isinstance(trouble, (aiohttp.ClientConnectorCertificateError, aiohttp.ClientConnectorSSLError)):
        return Untrusted(f"The certificate of {url} is not one of the CA that we trust.", code="client.untrusted",
                         hint="If its CA was replaced, log in again with `altus login`.")  # fmt: skip
    if isinstance(trouble, (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)):
        return NotSent(f"The manager at {url} does not answer.", code="client.unreachable",
                       hint="Is it running, and is the address right? See `altus config show`.")  # fmt: skip
    return Unavailable(f"The connection to the manager at {url} was lost.", code="client.connection_lost",
                       hint="Try again.")  # fmt: skip


def _harmless(error: AltusError) -> bool:
    """Whether nothing happened: the request was never sent, or the manager itself says that it cannot now."""
    return isinstance(error, NotSent) or error.code != "client.connection_lost"


def _unsure(error: AltusError) -> AltusError:
    return Unavailable(f"{error.message} Whether the change was made is not known.", code=error.code,
                       hint="Look before you try again.")  # fmt: skip
