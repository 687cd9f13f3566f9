"""How hosts come into the pool: a one-time token, made by an administrator, becomes a certificate on the host."""

from __future__ import annotations

import hashlib
import secrets

from altus.common.errors import Conflict, Unauthenticated
from altus.common.ids import new_id
from altus.common.pki import Authority, key_fingerprint
from altus.manager.services.audit import Act, AuditLog
from altus.manager.store import certificates
from altus.manager.store import enrolment as rows
from altus.manager.store.database import Tx
from altus.manager.store.resources import HOST
from altus.model.actor import Actor
from altus.model.host import Host, split_address
from altus.model.label import Label
from altus.model.permission import Permission
from altus.model.resource import check_name
from altus.wire.agent import EnrolledAs, EnrolRequest, EnrolToken

TOKEN_LIFE = 3600.0
"""Seconds for which a token is good."""


class EnrolmentService:
    """Makes and redeems tokens. `url` is where hosts reach this manager's public API."""

    def __init__(self, audit: AuditLog, authority: Authority, url: str) -> None:
        self._audit = audit
        self._authority = authority
        self._url = url

    @property
    def ca(self) -> str:
        """The pool's CA (PEM): public, and checked by hosts against their token."""
        return self._authority.certificate

    async def issue(self, actor: Actor, name: str, label: Label = Label.OPEN, life: float = TOKEN_LIFE) -> EnrolToken:
        """A token for the host called `name`, which is known from now on; `label` is of a new host. For a host that is
        there it lets another key take its place, and earlier tokens are void. Needs `host:write`."""
        act = Act("host.enrol", object_name=name)

        def work(tx: Tx) -> EnrolToken:
            actor.require(Permission.HOST_WRITE)
            host = _host(tx, name, label)
            act.about(host)
            return issue(tx, host.id, self._url, self._authority, life)

        return await self._audit.change(actor, act, work)

    async def redeem(self, request: EnrolRequest, source: str = "") -> EnrolledAs:
        """The certificate for the host that sends this. The same key gets one again while the token is good, so that a
        host may repeat what was interrupted.

        `Unauthenticated` (`enrolment.token_unknown`, `enrolment.token_expired`), `Conflict` (`enrolment.token_used`),
        `InvalidInput` (`csr.invalid`, `host.address_invalid`).
        """
        act = Act("host.enrolled", object_name=request.hostname)
        host_actor = Actor(account_id="", name="enrolling host", source=source)

        def work(tx: Tx) -> EnrolledAs:
            answer, host = redeem(tx, request, self._authority)
            act.about(host)
            return answer

        return await self._audit.change(host_actor, act, work)


def issue(tx: Tx, host_id: str, url: str, authority: Authority, life: float) -> EnrolToken:
    """A new token for a host; only its hash is kept."""
    secret = secrets.token_urlsafe(32)
    rows.insert(tx, _hash(secret), host_id, tx.now() + life)
    return EnrolToken(url=url, ca=authority.fingerprint, secret=secret)


def redeem(tx: Tx, request: EnrolRequest, authority: Authority) -> tuple[EnrolledAs, Host]:
    """Bind the token to the key of the request, and certify it."""
    key = key_fingerprint(request.csr)
    split_address(request.address)
    found = rows.peek(tx, _hash(request.secret))
    if found is None:
        raise Unauthenticated("This enrolment token is not known.", code="enrolment.token_unknown",
                              hint="Make a new one with `altus host add`.")  # fmt: skip
    if tx.now() >= found.expires_at:
        raise Unauthenticated("This enrolment token has expired.", code="enrolment.token_expired",
                              hint="Make a new one with `altus host add`.")  # fmt: skip
    if found.key_hash not in ("", key):
        raise Conflict("This enrolment token was used by another host already.", code="enrolment.token_used",
                       hint="If that was not you, remove the host; then make a new token.")  # fmt: skip
    rows.bind(tx, _hash(request.secret), key)
    host = HOST.change(tx, found.host_id, address=request.address) or HOST.get(tx, found.host_id)
    certificate = certificates.certify(tx, authority, host, request.csr)
    certificates.revoke_others(tx, host.id, key)
    return EnrolledAs(host_id=host.id, certificate=certificate, ca=authority.certificate), host


def _host(tx: Tx, name: str, label: Label) -> Host:
    known = HOST.all(tx, HOST.table.c.name == check_name(name))
    return known[0] if known else HOST.insert(tx, Host(id=new_id(), name=name, label=label))


def _hash(secret: str) -> str:
    """Secrets are 256 random bits, so a plain hash is enough."""
    return hashlib.sha256(secret.encode()).hexdigest()
