"""A host joins the pool: both ends of it, over HTTPS on loopback."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from aiohttp import web
from pydantic import ValidationError

from altus.agent.enrol import enrol
from altus.agent.identity import Identity
from altus.common.errors import AltusError, Conflict, Forbidden, InvalidInput, Unauthenticated, Unavailable
from altus.common.pki import Authority, Subject, fingerprint, make_csr, open_key, serial
from altus.manager.services.audit import AuditLog
from altus.manager.services.enrolment import EnrolmentService
from altus.manager.store import certificates
from altus.manager.store.audit import AuditChain
from altus.manager.store.database import Database
from altus.manager.store.enrolment import ENROLMENTS
from altus.manager.store.resources import HOST
from altus.model.actor import Actor, Right
from altus.model.host import HostState
from altus.model.label import Label
from altus.model.permission import SYSTEM_ROLE
from altus.wire.agent import EnrolRequest, EnrolToken
from tests.unit.agent.conftest import certify

ADMIN = Actor(account_id="a", name="sysadmin", rights=(Right(SYSTEM_ROLE.permissions),))


class Manager:
    """The two routes that a host needs."""

    def __init__(self, service: EnrolmentService) -> None:
        self.service = service
        self.lose_answer = False

    async def ca(self, _request: web.Request) -> web.StreamResponse:
        return web.Response(text=self.service.ca)

    async def enrol(self, request: web.Request) -> web.StreamResponse:
        try:
            answer = await self.service.redeem(EnrolRequest.model_validate_json(await request.read()))
        except AltusError as error:
            problem = {"kind": error.kind, "code": error.code, "detail": error.message, "hint": error.hint}
            return web.json_response(problem, status=409)
        if self.lose_answer:
            self.lose_answer = False
            assert request.transport is not None
            request.transport.abort()
        return web.json_response(answer.model_dump(), status=201)


@pytest.fixture
def service(sqlite_db: Database, authority: Authority, tmp_path: Path) -> EnrolmentService:
    audit = AuditLog(sqlite_db, AuditChain.open(tmp_path / "audit.key", tmp_path / "anchor"))
    return EnrolmentService(audit, authority, "https://127.0.0.1:1")


@pytest.fixture
async def manager(service: EnrolmentService, authority: Authority, tmp_path: Path) -> AsyncIterator[Manager]:
    manager = Manager(service)
    app = web.Application()
    app.add_routes([web.get("/api/v1/ca", manager.ca), web.post("/api/v1/enrolments", manager.enrol)])
    identity = certify(tmp_path / "manager", authority, Subject(common_name="m", names=("127.0.0.1",)))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(identity.certificate, identity.key)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    service._url = f"https://127.0.0.1:{runner.addresses[0][1]}"
    yield manager
    await runner.cleanup()


async def join(token: EnrolToken, folder: Path) -> str:
    return await enrol(token, folder, "h1", "127.0.0.1:8441")


async def test_host_joins_with_its_token(manager: Manager, tmp_path: Path, sqlite_db: Database) -> None:
    token = await manager.service.issue(ADMIN, "h1", Label.INTERNAL)
    host_id = await join(EnrolToken.decode(token.encode()), tmp_path / "h")
    identity = Identity(tmp_path / "h/tls")
    assert identity.host_id() == host_id
    assert identity.key.stat().st_mode & 0o777 == 0o600
    assert fingerprint(identity.ca.read_text()) == token.ca
    host = await sqlite_db.read(lambda tx: HOST.get(tx, host_id))
    assert (host.name, host.address, host.label) == ("h1", "127.0.0.1:8441", Label.INTERNAL)
    assert host.state is HostState.ENROLLING
    assert "urn:altus:label:internal" in str(ssl._ssl._test_decode_cert(str(identity.certificate)))  # type: ignore[attr-defined]


async def test_lost_answer_is_made_good_by_repeating(manager: Manager, tmp_path: Path) -> None:
    token = await manager.service.issue(ADMIN, "h1")
    manager.lose_answer = True
    with pytest.raises(Unavailable):
        await join(token, tmp_path / "h")
    assert await join(token, tmp_path / "h") == await join(token, tmp_path / "h")


async def test_used_token_is_refused_to_another_host(manager: Manager, tmp_path: Path) -> None:
    token = await manager.service.issue(ADMIN, "h1")
    await join(token, tmp_path / "h")
    with pytest.raises(Conflict) as caught:
        await join(token, tmp_path / "thief")
    assert caught.value.code == "enrolment.token_used"
    with pytest.raises(Conflict):
        Identity(tmp_path / "thief/tls").host_id()


async def test_expired_token_is_refused(manager: Manager, tmp_path: Path) -> None:
    token = await manager.service.issue(ADMIN, "h1", life=-1)
    with pytest.raises(Unauthenticated) as caught:
        await join(token, tmp_path / "h")
    assert caught.value.code == "enrolment.token_expired"


async def test_newer_token_makes_the_older_void_and_keeps_the_host(manager: Manager, tmp_path: Path) -> None:
    first = await manager.service.issue(ADMIN, "h1")
    second = await manager.service.issue(ADMIN, "h1")
    with pytest.raises(Unauthenticated) as caught:
        await join(first, tmp_path / "h")
    assert caught.value.code == "enrolment.token_unknown"
    host_id = await join(second, tmp_path / "h")
    third = await manager.service.issue(ADMIN, "h1")
    assert await join(third, tmp_path / "reinstalled") == host_id


async def test_key_that_takes_a_hosts_place_ends_the_trust_in_the_older_one(manager: Manager, tmp_path: Path,
                                                                            sqlite_db: Database) -> None:  # fmt: skip
    await join(await manager.service.issue(ADMIN, "h1"), tmp_path / "h")
    await join(await manager.service.issue(ADMIN, "h1"), tmp_path / "h")
    assert await sqlite_db.read(certificates.revoked) == {}
    older = serial(Identity(tmp_path / "h/tls").certificate.read_text())
    await join(await manager.service.issue(ADMIN, "h1"), tmp_path / "reinstalled")
    revoked = await sqlite_db.read(certificates.revoked)
    assert older in revoked
    assert serial(Identity(tmp_path / "reinstalled/tls").certificate.read_text()) not in revoked


async def test_secret_goes_to_the_pool_of_the_token_only(manager: Manager, tmp_path: Path) -> None:
    token = await manager.service.issue(ADMIN, "h1")
    with pytest.raises(InvalidInput) as caught:
        await join(token.model_copy(update={"ca": "00" * 32}), tmp_path / "h")
    assert caught.value.code == "enrolment.ca_differs"
    await join(token, tmp_path / "h")


async def test_manager_that_is_not_there_is_said_so(service: EnrolmentService, tmp_path: Path) -> None:
    with pytest.raises(Unavailable) as caught:
        await join(await service.issue(ADMIN, "h1"), tmp_path / "h")
    assert caught.value.code == "manager.unreachable"


async def test_only_who_may_write_hosts_makes_tokens(service: EnrolmentService) -> None:
    with pytest.raises(Forbidden):
        await service.issue(Actor(account_id="b", name="nobody"), "h1")


async def test_secret_is_not_stored(service: EnrolmentService, sqlite_db: Database) -> None:
    token = await service.issue(ADMIN, "h1")
    await service.issue(ADMIN, "h2")
    rows = await sqlite_db.read(lambda tx: tx.execute(sa.select(ENROLMENTS)).all())
    assert len(rows) == 2
    assert token.secret not in str(rows)


@pytest.mark.parametrize("address", ["", "h1", "h1:", "h1:0", "h1:99999", "h 1:80", ":80"])
async def test_address_must_be_host_and_port(service: EnrolmentService, tmp_path: Path, address: str) -> None:
    token = await service.issue(ADMIN, "h1")
    csr = make_csr(open_key(tmp_path / "k"), "h1")
    with pytest.raises((InvalidInput, ValidationError)):
        await service.redeem(EnrolRequest(secret=token.secret, csr=csr, hostname="h1", address=address))


@pytest.mark.parametrize(
    "garble", [lambda text: text[:-9], lambda text: "x" + text, lambda _text: "", lambda _text: "ä"]
)
def test_half_a_token_is_refused(garble: Callable[[str], str]) -> None:
    token = EnrolToken(url="https://manager:8440", ca="00", secret="s")
    assert EnrolToken.decode(token.encode()) == token
    with pytest.raises(InvalidInput) as caught:
        EnrolToken.decode(garble(token.encode()))
    assert caught.value.code == "enrolment.token_malformed"


async def test_answer_for_another_key_is_not_kept(authority: Authority, tmp_path: Path) -> None:
    other = make_csr(open_key(tmp_path / "other"), "x")
    certificate = authority.issue(other, Subject(common_name="x", host_id="h", label="open"))
    identity = Identity(tmp_path / "tls")
    with pytest.raises(InvalidInput):
        identity.store(certificate, authority.certificate, authority.fingerprint)
    assert not identity.certificate.exists()
