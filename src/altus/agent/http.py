"""What all routes share: only managers are let in, and errors are told in one shape."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection

import structlog
from aiohttp import web
from aiohttp.typedefs import Middleware

from altus.agent.core import AgentCore
from altus.common.errors import AltusError, Internal, InvalidInput
from altus.common.ids import check_id
from altus.common.pki import Peer
from altus.wire.agent import EPOCH_HEADER

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
CORE = web.AppKey("core", AgentCore)
HOSTS = "hosts"
"""The name of the route that is for other hosts, which decides itself whom to let in."""
_STATUS = {"invalid": 400, "unauthenticated": 401, "forbidden": 403, "not_found": 404, "conflict": 409,
           "limit_exceeded": 409, "unavailable": 503, "failed": 500, "cancelled": 409, "internal": 500}  # fmt: skip
_log = structlog.get_logger(__name__)


def only_managers(revoked: Collection[int], revoked_hosts: Callable[[], Collection[int]]) -> Middleware:
    """A middleware that lets in managers only, and hosts where they bring VMs; TLS has checked who signed them."""

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        peer = peer_of(request)
        if request.match_info.route.name == HOSTS:
            peer.require_host(revoked_hosts())
        else:
            peer.require_manager(revoked)
        return await handler(request)

    return guard


def peer_of(request: web.Request) -> Peer:
    """Who asks; `Forbidden` (`tls.no_certificate`)."""
    return Peer.of(request.transport.get_extra_info("peercert") if request.transport else None)


@web.middleware
async def errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Errors before the answer has begun become `{"error": …}` with a fitting status."""
    try:
        return await handler(request)
    except AltusError as error:
        return web.json_response({"error": error.to_dict()}, status=_STATUS.get(error.kind, 500))
    except (web.HTTPException, ConnectionError):
        raise
    except Exception:
        _log.exception("request failed by a fault of ours", path=request.path)
        fault = Internal("The agent failed by an internal fault.", hint="See the agent's log on the host.")
        return web.json_response({"error": fault.to_dict()}, status=500)


def id_in(request: web.Request, name: str) -> str:
    """An id from the path; `InvalidInput` (`id.malformed`)."""
    return check_id(request.match_info[name])


def number(text: str, what: str) -> int:
    """A number that is not negative; `InvalidInput` (`call.number`)."""
    if not (text.isascii() and text.isdecimal() and len(text) <= 18):
        raise InvalidInput(f"{what} is not a number.", code="call.number")
    return int(text)


def epoch_of(request: web.Request) -> int:
    """The manager's epoch; 0 if it does not tell."""
    return number(request.headers.get(EPOCH_HEADER, "0"), EPOCH_HEADER)
