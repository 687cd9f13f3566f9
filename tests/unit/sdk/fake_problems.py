"""What a fake manager and those who ask it agree on."""

from __future__ import annotations

from typing import Any

from aiohttp import web

TOKEN = "altt_fake"
PASSWORD = "correct horse 7"


def problem(status: int, detail: str, code: str, hint: str = "", **context: Any) -> web.Response:
    body = {"type": "about:blank", "title": "", "status": status, "detail": detail, "code": code, "hint": hint,
            "context": context, "request_id": "request-1"}  # fmt: skip
    return web.json_response(body, status=status, content_type="application/problem+json")
