"""The agent on the network: mutual TLS, managers only."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from aiohttp import web

from altus.agent import arrivals, console, metrics, streams
from altus.agent.core import AgentCore
from altus.agent.http import CORE, errors, only_managers
from altus.agent.identity import Identity
from altus.agent.upload import Uploads
from altus.common.pki import server_context
from altus.common.units import MIB, TIB

_MAX_REQUEST = 4 * MIB


def build_app(core: AgentCore, revoked: Collection[int] = (), max_upload: int = 2 * TIB) -> web.Application:
    """All routes of an agent."""
    guard = only_managers(revoked, core.drivers.credentials.revoked)
    app = web.Application(middlewares=[errors, guard], client_max_size=_MAX_REQUEST)
    app[CORE] = core
    app.add_routes([*streams.ROUTES, *console.ROUTES, *arrivals.ROUTES, *metrics.ROUTES, *Uploads(max_upload).routes()])
    return app


class AgentServer:
    """An agent that listens. `port` is the real one, also if 0 was asked for."""

    def __init__(self, core: AgentCore, identity: Identity, max_upload: int = 2 * TIB) -> None:
        self._core = core
        self._identity = identity
        app = build_app(core, identity.revoked(), max_upload)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        self.port = 0

    async def start(self, host: str, port: int) -> None:
        """Listen, and begin to look."""
        mine = self._identity
        tls = await asyncio.to_thread(server_context, mine.ca, mine.certificate, mine.certificate)
        # connections that are there stay; those to come are shown the new certificate
        self._core.drivers.credentials.on_taken(lambda: tls.load_cert_chain(mine.certificate))
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port, ssl_context=tls)
        await site.start()
        self.port = self._runner.addresses[0][1]
        self._core.start()

    async def close(self) -> None:
        """End what lasts, then the connections; VMs run on."""
        await self._core.close()
        await self._runner.cleanup()
