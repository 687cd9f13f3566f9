"""From an HTTP answer to the error of `altus.common.errors` that it means."""

from __future__ import annotations

import json
from typing import Any

from altus.common.errors import (
    AltusError,
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

_CLASSES: dict[int, type[AltusError]] = {
    401: Unauthenticated,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    429: LimitExceeded,
    500: Internal,
    502: Failed,
    503: Unavailable,
    504: Unavailable,
}


def error_of(status: int, body: bytes, request_id: str = "") -> AltusError:
    """The error: a problem (RFC 9457) with code, hint and context, or what the status alone tells. Its context has the
    `request_id` by which the manager's log knows the request."""
    problem = _problem(body)
    cls = _CLASSES.get(status, InvalidInput if status < 500 else Failed)
    if problem is None:
        if status == 502:
            cls = Unavailable  # of a proxy, which does not reach the manager
        return cls(f"The server answered with status {status}.", hint="Is this the address of an Altus manager?",
                   request_id=request_id)  # fmt: skip
    context = problem.get("context")
    known = dict(context) if isinstance(context, dict) else {}
    for own in ("message", "code", "hint"):
        known.pop(own, None)
    known["request_id"] = str(problem.get("request_id") or request_id)
    return cls(str(problem["detail"]), code=str(problem.get("code", "")), hint=str(problem.get("hint", "")), **known)


def _problem(body: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(body)
    except ValueError:
        return None
    return value if isinstance(value, dict) and isinstance(value.get("detail"), str) else None
