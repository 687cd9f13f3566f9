"""The one place where errors become HTTP (RFC 9457)."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from altus.common.errors import (
    AltusError,
    Cancelled,
    Conflict,
    Failed,
    Forbidden,
    Internal,
    InvalidInput,
    LimitExceeded,
    NotFound,
    Unauthenticated,
    Unavailable,
)
from altus.wire.base import Problem

_log = structlog.get_logger(__name__)
STATUS: dict[type[AltusError], HTTPStatus] = {
    InvalidInput: HTTPStatus.UNPROCESSABLE_ENTITY,
    Unauthenticated: HTTPStatus.UNAUTHORIZED,
    Forbidden: HTTPStatus.FORBIDDEN,
    NotFound: HTTPStatus.NOT_FOUND,
    Conflict: HTTPStatus.CONFLICT,
    LimitExceeded: HTTPStatus.CONFLICT,
    Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    Failed: HTTPStatus.BAD_GATEWAY,
    Cancelled: HTTPStatus.CONFLICT,
    Internal: HTTPStatus.INTERNAL_SERVER_ERROR,
}
_KINDS = {status: error.kind for error, status in reversed(STATUS.items())}
_CODES = {400: "request.unreadable", 404: "route.not_found", 405: "route.method_not_allowed",
          413: "request.too_large"}  # fmt: skip
_HINTS = {
    HTTPStatus.UNPROCESSABLE_ENTITY: "The API's description at /api/docs tells what is expected.",
    HTTPStatus.UNAUTHORIZED: "Log in: `altus login`.",
    HTTPStatus.NOT_FOUND: "Look at the list of what there is.",
    HTTPStatus.CONFLICT: "Look at the object's state, then repeat the request.",
    HTTPStatus.SERVICE_UNAVAILABLE: "Try again in a moment.",
}
"""For errors that bring no hint of their own."""


def status_of(error: AltusError) -> HTTPStatus:
    """By the nearest class in the table."""
    return next((STATUS[cls] for cls in type(error).__mro__ if cls in STATUS), HTTPStatus.INTERNAL_SERVER_ERROR)


def problem_response(request: Request, status: int, detail: str, code: str, hint: str = "",
                     context: dict[str, Any] | None = None) -> Response:  # fmt: skip
    """An `application/problem+json` answer."""
    problem = Problem(
        title=HTTPStatus(status).phrase,
        status=status,
        detail=_storable(detail),
        kind=_KINDS.get(HTTPStatus(status), InvalidInput.kind),
        code=code,
        hint=_storable(hint or _HINTS.get(HTTPStatus(status), "See the manager's log for the request id.")),
        context=context or {},
        request_id=getattr(request.state, "request_id", ""),
    )
    headers = {"WWW-Authenticate": "Bearer"} if status == HTTPStatus.UNAUTHORIZED else None
    return Response(problem.model_dump_json(), status, headers, "application/problem+json")


async def _altus_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, AltusError):
        raise error
    if isinstance(error, Internal):
        _log.error("request failed by a fault of ours", path=request.url.path, exc_info=error)
    return problem_response(request, status_of(error), error.message, error.code, error.hint, _plain(error.context))


async def _invalid_request(request: Request, error: Exception) -> Response:
    """What FastAPI found wrong, without repeating what was sent: that could be a password."""
    if not isinstance(error, RequestValidationError):
        raise error
    places = [(_place(e["loc"]), _storable(str(e["msg"]).removeprefix("Value error, "))) for e in error.errors()]
    detail = "; ".join(f"{place[:80]}: {message[:200]}" for place, message in places[:5])
    fields = [{"field": place[:80], "message": message[:200]} for place, message in places[:20]]
    return problem_response(request, HTTPStatus.UNPROCESSABLE_ENTITY, f"The request is not valid: {detail}.",
                            "request.invalid", "See the API's description at /api/docs.",
                            {"fields": fields})  # fmt: skip


async def _http_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    code = _CODES.get(error.status_code, "request.refused")
    return problem_response(request, error.status_code, str(error.detail), code, "See /api/docs.")


async def _fault(request: Request, error: Exception) -> Response:
    _log.error("request failed by a fault of ours", path=request.url.path, exc_info=error)
    return problem_response(request, HTTPStatus.INTERNAL_SERVER_ERROR, "The manager made a mistake.", "internal",
                            "Report it with the request id; the manager's log has the details.")  # fmt: skip


def body_too_large() -> HTTPException:
    """For a body beyond any that we take. FastAPI lets only this kind of exception through while it reads bodies."""
    return HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The request's body is too large.")


def _place(location: Any) -> str:
    return _storable(".".join(str(part) for part in location[1:]) or str(location[0]))


def _storable(text: str) -> str:
    """Names of unknown fields come from the request: half characters (lone surrogates) cannot be sent."""
    return text.encode("utf-8", "replace").decode()


def _plain(context: dict[str, Any]) -> dict[str, Any]:
    return {key: value if isinstance(value, (str, int, float, bool, list, dict)) else str(value)
            for key, value in context.items()}  # fmt: skip


def install(app: FastAPI) -> None:
    """Register the handlers."""
    app.add_exception_handler(AltusError, _altus_error)
    app.add_exception_handler(RequestValidationError, _invalid_request)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(Exception, _fault)
