"""Devices of the fake's running VMs. Its guests let go of everything at once, unless they are `stubborn`."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from typing import TypeVar

from altus.drivers.hypervisor.base import VmAttachments
from altus.drivers.hypervisor.fake_host import ACTIVE, FakeHost
from altus.drivers.hypervisor.fake_store import devices_of
from altus.drivers.hypervisor.refusals import no_slot
from altus.model.domain import DomainDevices, DomainDisk, DomainNic
from altus.model.vm import NicLink, VmDefinition

_T = TypeVar("_T")
_SPARE = 4


class FakeDevices:
    """See `Devices`. The ids of VMs in `stubborn` have guests that let go of nothing."""

    def __init__(self, host: FakeHost) -> None:
        self._host = host
        self.stubborn: set[str] = set()

    async def plug(self, vm: VmDefinition, attachments: VmAttachments, device_ids: Collection[str], *,
                   held: Collection[str] = (), asked: Collection[str] = ()) -> list[str]:  # fmt: skip
        """See `Devices.plug`."""
        self._host.enter("plug")
        found = self._host.find(vm.id)
        if found.state not in ACTIVE or found.live is None:
            return []
        wanted = devices_of(vm, [disk.path for disk in attachments.disks])
        disks, new_disks = _merged(found.live.disks, wanted.disks, device_ids, _volume_id)
        nics, new_nics = _merged(found.live.nics, wanted.nics, device_ids, _port_id)
        if new_disks + new_nics > _SPARE:
            raise no_slot(vm.id, new_disks + new_nics, _SPARE)
        nics = tuple(replace(nic, link=NicLink.DOWN) if nic.port_id in held else nic for nic in nics)
        there = {disk.volume_id for disk in wanted.disks} | {nic.port_id for nic in wanted.nics}
        leaving = set(device_ids) - there
        kept = leaving & {*map(_volume_id, disks), *map(_port_id, nics)} if vm.id in self.stubborn else set()
        disks = tuple(disk for disk in disks if disk.volume_id not in leaving - kept)
        nics = tuple(nic for nic in nics if nic.port_id not in leaving - kept)
        self._host.save(replace(found, live=DomainDevices(disks=disks, nics=nics)), "devices changed")
        return sorted(kept)


def _volume_id(disk: DomainDisk) -> str:
    return disk.volume_id


def _port_id(nic: DomainNic) -> str:
    return nic.port_id


def _merged(live: tuple[_T, ...], wanted: tuple[_T, ...], device_ids: Collection[str],
            key: Callable[[_T], str]) -> tuple[tuple[_T, ...], int]:  # fmt: skip
    """What is there with what is wanted of these, and how many of them are new."""
    changed = {key(one): one for one in wanted if key(one) in device_ids}
    kept = {key(one): changed.get(key(one), one) for one in live}
    return tuple({**kept, **changed}.values()), len(changed.keys() - {key(one) for one in live})
