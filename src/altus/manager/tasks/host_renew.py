"""`host.renew`: a host gets a new key, which it makes itself, and a certificate for it, before the old one expires.

The old certificate is good until the host has been seen to show the new one. Until then the host can go back to it.
"""

from __future__ import annotations

from altus.common.errors import Conflict, Unavailable
from altus.common.pki import key_fingerprint, serial
from altus.manager.store import certificates
from altus.manager.store.database import Tx
from altus.manager.store.resources import HOST
from altus.manager.tasks.declare import Step, TaskType
from altus.manager.tasks.host_tasks import HostChange
from altus.manager.tasks.run import Run
from altus.model.host_action import HostAction, require
from altus.model.permission import Permission
from altus.model.task import exclusive
from altus.wire.operations import (
    CERTIFICATE_ASK,
    CERTIFICATE_DROP,
    CERTIFICATE_RETURN,
    CERTIFICATE_TAKE,
    CertificateRef,
    CertificateTake,
    Nothing,
)


async def _check(run: Run[HostChange]) -> None:
    require(await run.db.read(lambda tx: HOST.get(tx, run.args.host_id)), HostAction.RENEW)


async def _ask(run: Run[HostChange]) -> dict[str, str]:
    """The host makes a key and a request for it, and tells what it shows now (`serial`, hex)."""
    return (await run.call(run.args.host_id, CERTIFICATE_ASK, Nothing())).model_dump()


async def _drop(run: Run[HostChange]) -> None:
    await run.call(run.args.host_id, CERTIFICATE_DROP, Nothing())


async def _sign(run: Run[HostChange]) -> str:
    """Written down by the checkpoint that keeps it: nobody has a certificate that the manager does not know."""
    host = await run.db.read(lambda tx: HOST.get(tx, run.args.host_id))
    certificate, issued = certificates.sign(run.world.authority, host, run.result_of("ask")["csr"])

    def write(tx: Tx) -> None:
        HOST.get(tx, host.id)
        certificates.insert(tx, issued)

    run.write(write)
    return certificate


async def _revoke_new(run: Run[HostChange]) -> None:
    certificate = run.result_of("sign")
    if certificate is not None:
        run.write(lambda tx: certificates.revoke(tx, serial(certificate)))


def _require_good(tx: Tx, certificate: str) -> None:
    """`Conflict` (`certificate.other`) if the host was enrolled anew, or left, since the certificate was signed."""
    if not certificates.is_good(tx, serial(certificate)):
        raise Conflict("The host has another certificate by now.", code="certificate.other",
                       hint="Was it enrolled anew?")  # fmt: skip


async def _take(run: Run[HostChange]) -> None:
    certificate, old = run.result_of("sign"), run.result_of("ask")["serial"]
    await run.db.read(lambda tx: _require_good(tx, certificate))
    await run.call(run.args.host_id, CERTIFICATE_TAKE, CertificateTake(certificate=certificate, instead_of=old))


async def _give_back(run: Run[HostChange]) -> None:
    await run.call(run.args.host_id, CERTIFICATE_RETURN, CertificateRef(serial=run.result_of("ask")["serial"]))


async def _look(run: Run[HostChange]) -> None:
    """Over a connection of its own: those that are there go on as they began."""
    host_id = run.args.host_id
    if await run.world.agents.shown(host_id) != serial(run.result_of("sign")):
        raise Unavailable("The host does not show its new certificate yet.", code="certificate.not_shown",
                          hint="See the agent's log on the host.", host_id=host_id)  # fmt: skip


async def _revoke_old(run: Run[HostChange]) -> None:
    """The host forgets its old key when it is told so (`manager/periodic/hosts.py`)."""

    def write(tx: Tx) -> None:
        _require_good(tx, run.result_of("sign"))
        certificates.revoke_others(tx, run.args.host_id, key_fingerprint(run.result_of("ask")["csr"]))

    run.write(write)


HOST_RENEW = TaskType(
    "host.renew",
    HostChange,
    title="Renew certificate of host",
    permission=Permission.HOST_WRITE,
    noun="host",
    # not the host itself: one that dies meanwhile is to be given up as lost all the same
    locks=lambda args: [exclusive("certificate", args.host_id)],
    check=_check,
    steps=(
        Step("ask", "Have the host make a new key", _ask, undo=_drop),
        Step("sign", "Sign a certificate for it", _sign, undo=_revoke_new),
        Step("take", "Have the host show it", _take, undo=_give_back),
        Step("look", "Make sure that it does", _look),
        Step("revoke", "Revoke the old certificate", _revoke_old, commits=True),
    ),
)
