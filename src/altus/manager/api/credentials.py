"""What a request shows to prove who asks: a bearer token, or the cookie by which a browser keeps a session."""

from __future__ import annotations

from fastapi import Request
from fastapi.responses import Response

from altus.common.errors import Forbidden
from altus.manager.services.access import bearer

COOKIE = "__Host-altus-session"
"""The prefix has browsers accept it only over TLS, from this host, for all of it."""
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def token_of(request: Request) -> str:
    """The token of the Authorization header, else of the cookie. `Unauthenticated` (`auth.missing`); `Forbidden`
    (`auth.cross_site`) for a change that a browser was made to send by another site."""
    header, cookie = request.headers.get("authorization"), request.cookies.get(COOKIE)
    if header is not None or not cookie:
        return bearer(header)
    if request.method not in _SAFE and request.headers.get("sec-fetch-site") != "same-origin":
        raise Forbidden("A browser's session makes changes only from the console's own pages.", code="auth.cross_site",
                        hint="Programs send `Authorization: Bearer <token>`.")  # fmt: skip
    return cookie


def keep(response: Response, token: str) -> None:
    """Have the browser keep the token where scripts cannot read it, until it is closed."""
    response.set_cookie(COOKIE, token, secure=True, httponly=True, samesite="strict", path="/")


def forget(response: Response) -> None:
    """Have the browser forget it."""
    response.delete_cookie(COOKIE, secure=True, httponly=True, samesite="strict", path="/")
