"""Operations on the host as a whole."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable
from typing import TypeVar

from altus.agent.drivers import HostDrivers
from altus.agent.handlers.declare import Handler, Report
from altus.drivers.storage.base import StorageDriver
from altus.model.domain import DomainDisk, DomainFacts
from altus.wire.operations import HOST_CENSUS, HOST_DOMAINS, Census, Domains, Nothing

T = TypeVar("T")


async def _of_all(host: HostDrivers, ask: Callable[[StorageDriver], Awaitable[T]]) -> dict[str, T]:
    ids = [repository.id for repository in host.repositories]
    answers = await asyncio.gather(*(ask(repository.driver) for repository in host.repositories))
    return dict(zip(ids, answers, strict=True))


async def _domains(host: HostDrivers) -> list[DomainFacts]:
    """Their disks named by volumes where they are some of this host's."""

    def named(disk: DomainDisk) -> DomainDisk:
        for repository in host.repositories:
            if (volume_id := repository.driver.volume_at(disk.path)) is not None:
                return dataclasses.replace(disk, volume_id=volume_id, storage_id=repository.id)
        return disk

    def all_named(domain: DomainFacts) -> DomainFacts:
        live = domain.live
        if live is not None:
            live = dataclasses.replace(live, disks=tuple(named(disk) for disk in live.disks))
        return dataclasses.replace(domain, disks=tuple(named(disk) for disk in domain.disks), live=live)

    return [all_named(domain) for domain in await host.hypervisor.domains()]


async def _list(host: HostDrivers, _request: Nothing, _report: Report) -> Domains:
    return Domains(domains=await _domains(host))


async def _census(host: HostDrivers, _request: Nothing, _report: Report) -> Census:
    vms, processes, truth, volumes, images, usage = await asyncio.gather(
        host.hypervisor.observe_all(),
        host.processes(),
        host.network.truth(),
        _of_all(host, lambda storage: storage.volumes()),
        _of_all(host, lambda storage: storage.images()),
        _of_all(host, lambda storage: storage.usage()),
    )
    domains = await _domains(host)
    layers = await _of_all(host, lambda storage: storage.layers.all())
    return Census(vms=vms, processes=processes, volumes=volumes, layers=layers, images=images, usage=usage,
                  networks=sorted(truth.networks), ports=truth.ports, security_groups=truth.security_groups,
                  memberships=truth.memberships, limits=truth.limits,
                  routers=truth.routers, translations=truth.translations, domains=domains)  # fmt: skip


HANDLERS = (
    Handler(operation=HOST_CENSUS, run=_census, about=None),
    Handler(operation=HOST_DOMAINS, run=_list, about=None),
)
