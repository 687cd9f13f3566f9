"""Joining a pool: with a one-time token this host gets its certificate. Killed anywhere, it can be repeated."""

from __future__ import annotations

import asyncio
import json
import ssl
from pathlib import Path

import aiohttp
from pydantic import ValidationError

from altus.agent.identity import Identity
from altus.common.errors import AltusError, Failed, InvalidInput, Unavailable, from_dict
from altus.common.pki import fingerprint, make_csr, open_key
from altus.wire.agent import EnrolledAs, EnrolRequest, EnrolToken

_CA_PATH = "/api/v1/ca"
_ENROL_PATH = "/api/v1/enrolments"
_TIMEOUT = aiohttp.ClientTimeout(total=30)


async def enrol(token: EnrolToken, state_dir: Path, hostname: str, address: str) -> str:
    """Enrol this host and return its id. The CA is fetched first and must be the one that the token names; only then
    is the secret sent, over TLS that trusts this CA (or one that the system trusts).

    Raises what the manager answered, such as `enrolment.token_used`; `Unavailable` (`manager.unreachable`);
    `InvalidInput` (`enrolment.ca_differs`).
    """
    identity = Identity(state_dir / "tls")
    key = await asyncio.to_thread(open_key, identity.key)
    request = EnrolRequest(secret=token.secret, csr=make_csr(key, hostname), hostname=hostname, address=address)
    try:
        async with aiohttp.ClientSession(timeout=_TIMEOUT) as session:
            ca = await _fetch_ca(session, token)
            answer = await _send(session, token, request, ca)
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise Unavailable(f"The manager at {token.url} does not answer: {error}.", code="manager.unreachable",
                          hint="Can this host reach that address?") from error  # fmt: skip
    await asyncio.to_thread(identity.store, answer.certificate, ca, token.ca)
    return answer.host_id


async def _fetch_ca(session: aiohttp.ClientSession, token: EnrolToken) -> str:
    async with session.get(token.url.rstrip("/") + _CA_PATH, ssl=False) as response:
        ca = await response.text()
    try:
        found = fingerprint(ca)
    except ValueError:
        found = ""
    if found != token.ca:
        raise InvalidInput("Whoever answers at the manager's address is not the pool of this token.",
                           code="enrolment.ca_differs", hint="Make a new token, and check the address.")  # fmt: skip
    return ca


async def _send(session: aiohttp.ClientSession, token: EnrolToken, request: EnrolRequest, ca: str) -> EnrolledAs:
    trust = ssl.create_default_context()
    trust.load_verify_locations(cadata=ca)
    url = token.url.rstrip("/") + _ENROL_PATH
    async with session.post(url, json=request.model_dump(), ssl=trust, allow_redirects=False) as response:
        body = await response.read()
    if response.status not in (200, 201):
        raise _refusal(body, response.status)
    try:
        return EnrolledAs.model_validate_json(body)
    except ValidationError as error:
        raise Failed("The manager's answer cannot be understood.", code="enrolment.answer_invalid") from error


def _refusal(body: bytes, status: int) -> AltusError:
    """The manager's problem document as the error it was."""
    try:
        problem = json.loads(body)
        return from_dict({"kind": problem.get("kind", "failed"), "code": problem["code"], "hint": problem.get("hint"),
                          "message": problem.get("detail") or problem.get("message") or problem["title"]})  # fmt: skip
    except (ValueError, KeyError, TypeError, AttributeError):
        return Failed(f"The manager refused with status {status}.", code="enrolment.refused")
