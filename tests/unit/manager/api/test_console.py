"""How the console's files are served, and that the API is what it was beside them."""

from __future__ import annotations

import asyncio
import gzip
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from altus.manager.api import console
from altus.manager.api.app import create_api

PAGE = '<!doctype html><meta name="csp-nonce" content="{{nonce}}"><div id="root"></div>'
SCRIPT = "console.log('altus')" * 50


@dataclass
class Answer:
    """What an application sent."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FastAPI:
    """The API with a small console."""
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text(PAGE)
    (tmp_path / "icon.svg").write_text("<svg/>")
    (tmp_path / "assets/main-1234.js").write_text(SCRIPT)
    (tmp_path / "assets/main-1234.js.gz").write_bytes(gzip.compress(SCRIPT.encode()))
    monkeypatch.setattr(console.install, "__defaults__", (tmp_path,))
    return _api()


def _api() -> FastAPI:
    services: Any = None
    return create_api(services)


async def _ask(app: FastAPI, path: str, method: str = "GET", **headers: str) -> Answer:
    """One request without a server."""
    answer = Answer()
    named = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "path": path,
             "raw_path": path.encode(), "query_string": b"", "headers": named, "scheme": "https"}  # fmt: skip

    asked = iter([{"type": "http.request", "body": b"", "more_body": False}])

    async def receive() -> dict[str, Any]:
        """The whole request; then nothing more, since nobody hangs up."""
        for message in asked:
            return message
        forever: asyncio.Future[dict[str, Any]] = asyncio.Future()
        return await forever

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            answer.status = message["status"]
            answer.headers = {name.decode().lower(): value.decode() for name, value in message["headers"]}
        answer.body += message.get("body", b"")

    await app(scope, receive, send)
    return answer


@pytest.mark.parametrize("path", ["/", "/vms", "/vms/0192f0c1-0000-7000-8000-000000000001", "/no/such.page"])
async def test_every_address_of_the_console_is_the_page(app: FastAPI, path: str) -> None:
    answer = await _ask(app, path)
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers["cache-control"] == "no-store"


async def test_the_page_may_run_nothing_but_its_own_files(app: FastAPI) -> None:
    first, second = await _ask(app, "/"), await _ask(app, "/")
    [nonce] = re.findall(r'content="([\w-]{20,})"', first.body.decode())
    policy = dict(part.split(" ", 1) for part in first.headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == "'self'"
    assert policy["style-src"] == f"'self' 'nonce-{nonce}'"
    assert policy["frame-ancestors"] == "'none'"
    assert "unsafe" not in first.headers["content-security-policy"]
    assert nonce not in second.body.decode()


async def test_files_named_by_their_content_are_kept_for_ever(app: FastAPI) -> None:
    answer = await _ask(app, "/assets/main-1234.js")
    assert answer.body.decode() == SCRIPT
    assert "immutable" in answer.headers["cache-control"]
    assert (await _ask(app, "/icon.svg")).headers["cache-control"] == "no-cache"


async def test_smaller_files_are_sent_to_who_can_read_them(app: FastAPI) -> None:
    answer = await _ask(app, "/assets/main-1234.js", accept_encoding="gzip, br")
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["content-type"].startswith("text/javascript")
    assert answer.headers["vary"] == "Accept-Encoding"
    assert gzip.decompress(answer.body).decode() == SCRIPT


@pytest.mark.parametrize("path", ["/assets/gone-1.js", "/assets/../../credentials.py", "/assets/"])
async def test_missing_files_are_not_the_page(app: FastAPI, path: str) -> None:
    answer = await _ask(app, path)
    assert answer.status == 404
    assert json.loads(answer.body)["code"] == "route.not_found"


@pytest.mark.parametrize("path", ["/../app.py", "//etc/passwd", "/..%2fapp.py"])
async def test_no_path_leads_out_of_the_folder(app: FastAPI, path: str) -> None:
    answer = await _ask(app, path)
    assert b"csp-nonce" in answer.body  # an address of the console like any other


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/api/v1/nothing"), ("GET", "/api"), ("POST", "/vms"), ("DELETE", "/"), ("GET", "/api/v1/password")],
)
async def test_the_api_answers_as_without_a_console(app: FastAPI, method: str, path: str,
                                                    monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    monkeypatch.setattr(console.install, "__defaults__", (Path("/nonexistent"),))
    there, without = await _ask(app, path, method), await _ask(_api(), path, method)
    assert there.status == without.status in (404, 405)
    assert json.loads(there.body)["code"] == json.loads(without.body)["code"]


async def test_without_a_build_there_is_no_page(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(console.install, "__defaults__", (tmp_path,))
    assert (await _ask(_api(), "/")).status == 404
