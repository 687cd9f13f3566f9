"""Operations on the host's own certificate, and on what it believes of other hosts' ones."""

from __future__ import annotations

from altus.agent.drivers import HostDrivers
from altus.agent.handlers.declare import Handler, Report
from altus.wire.operations import (
    CERTIFICATE_ASK,
    CERTIFICATE_DROP,
    CERTIFICATE_RETURN,
    CERTIFICATE_TAKE,
    CERTIFICATES_REVOKE,
    CertificateAsked,
    CertificateRef,
    CertificatesRevoked,
    CertificateTake,
    Message,
    Nothing,
)


async def _ask(host: HostDrivers, _request: Nothing, _report: Report) -> CertificateAsked:
    return await host.credentials.ask()


async def _drop(host: HostDrivers, _request: Nothing, _report: Report) -> Nothing:
    await host.credentials.drop()
    return Nothing()


async def _take(host: HostDrivers, request: CertificateTake, _report: Report) -> Nothing:
    await host.credentials.take(request.certificate, request.instead_of)
    return Nothing()


async def _return(host: HostDrivers, request: CertificateRef, _report: Report) -> Nothing:
    await host.credentials.give_back(request.serial)
    return Nothing()


async def _revoke(host: HostDrivers, request: CertificatesRevoked, _report: Report) -> Nothing:
    await host.credentials.revoke(request.serials)
    return Nothing()


def _about(_request: Message) -> str:
    return "certificate"


HANDLERS = (
    Handler(operation=CERTIFICATE_ASK, run=_ask, about=_about),
    Handler(operation=CERTIFICATE_DROP, run=_drop, about=_about),
    Handler(operation=CERTIFICATE_TAKE, run=_take, about=_about),
    Handler(operation=CERTIFICATE_RETURN, run=_return, about=_about),
    Handler(operation=CERTIFICATES_REVOKE, run=_revoke, about=lambda _request: "revoked"),
)
