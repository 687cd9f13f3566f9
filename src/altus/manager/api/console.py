"""The web console's files, as the build left them in `FILES`: pages are a program in the browser that uses the API.

Whatever is not below /api and not a file is the page itself: the browser's program knows its own addresses.
"""

from __future__ import annotations

import secrets
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import FileResponse, Response
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.routing import Match, Route
from starlette.types import Scope

FILES = Path(__file__).parent / "static"
_NONCE = "{{nonce}}"
"""Stands in the page where each answer has a number of its own, with which the page may add styles."""
_IMMUTABLE = "assets/"
"""Files whose names change with their content."""
_POLICY = "; ".join((
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self' 'nonce-{nonce}'",
    "img-src 'self' blob: data:",
    "font-src 'self'",
    "connect-src 'self'",
    "manifest-src 'self'",
    "worker-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
))  # fmt: skip
_HEADERS = {"Referrer-Policy": "no-referrer", "Cross-Origin-Opener-Policy": "same-origin"}


def install(app: FastAPI, files: Path = FILES) -> None:
    """Serve the console, if it was built."""
    page = files / "index.html"
    if page.is_file():
        app.router.routes.append(_Anything(_Console(files, page.read_text())))


class _Anything(Route):
    """Every address that is not the API's, to look at only."""

    def __init__(self, console: _Console) -> None:
        super().__init__("/{path:path}", console.answer, include_in_schema=False)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Leaves the API and other methods as they are without a console."""
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD") or _is_api(scope["path"]):
            return Match.NONE, {}
        return super().matches(scope)


def _is_api(path: str) -> bool:
    return path == "/api" or path.startswith("/api/")


class _Console:
    """Answers with files and the page."""

    def __init__(self, files: Path, page: str) -> None:
        self._files = files
        self._page = page
        self._known = {str(path.relative_to(files)) for path in files.rglob("*") if path.is_file()}

    async def answer(self, request: Request) -> Response:
        """The file of that name, or the page. Names come from the folder's listing, so no path leads out of it."""
        path = request.path_params["path"]
        if path in self._known and path != "index.html":
            return self._file(path, zipped="gzip" in request.headers.get("accept-encoding", ""))
        if path.startswith(_IMMUTABLE):
            raise HTTPException(404, "The console has no such file.")
        return self._shown_page()

    def _file(self, path: str, *, zipped: bool) -> Response:
        headers = {"Vary": "Accept-Encoding", "Cache-Control": "no-cache"}
        if path.startswith(_IMMUTABLE):
            headers["Cache-Control"] = "public, max-age=31536000, immutable"
        smaller = f"{path}.gz"
        if not zipped or smaller not in self._known:
            return FileResponse(self._files / path, headers=headers)
        plain = FileResponse(self._files / path).media_type
        return FileResponse(self._files / smaller, headers={**headers, "Content-Encoding": "gzip"}, media_type=plain)

    def _shown_page(self) -> Response:
        nonce = secrets.token_urlsafe(16)
        headers = {"Content-Security-Policy": _POLICY.format(nonce=nonce), "Cache-Control": "no-store", **_HEADERS}
        return Response(self._page.replace(_NONCE, nonce), headers=headers, media_type="text/html")
