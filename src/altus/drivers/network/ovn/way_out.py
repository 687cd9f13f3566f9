"""What one host does for networks beside OVN: it is a chassis, and a way out with all that comes in there."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path

from altus.common.errors import Conflict, Unavailable
from altus.drivers.network.ovn import networks, switch, translations
from altus.drivers.network.ovn.database import Database, Listener
from altus.drivers.network.ovn.host import HostStack
from altus.drivers.network.ovn.listeners import require_unheard
from altus.drivers.network.ovn.names import NatNetwork, OvnSettings
from altus.drivers.network.ovn.rows import Rows
from altus.model.translation import TranslationSpec

_log = logging.getLogger(__name__)
_ETHERNET_MTU = 1500
_SOUTHBOUND = {"Port_Binding": ("logical_port", "type", "chassis"), "Chassis": ("name",)}
_CHOICES = {"Port_Binding": (("type", "==", "chassisredirect"),)}
"""Of all ports only those that say by which host a network goes out."""


@dataclass(frozen=True)
class _Part:
    """What this host has to do: for the NAT networks that may go out here, `held` those outside addresses which it has
    to answer for since it is the way out now."""

    networks: list[NatNetwork]
    translations: list[TranslationSpec]
    held: frozenset[str]


class WayOut:
    """The host's part of networks; all of it follows from the databases."""

    def __init__(self, settings: OvnSettings, north: Database, local: Database, has_kernel_datapath: Callable[[], bool],
                 listener: Listener) -> None:  # fmt: skip
        self._settings = settings
        self._north = north
        self._local = local
        self._has_kernel_datapath = has_kernel_datapath
        self._userspace: bool | None = None
        self._host = HostStack(settings)
        south = settings.southbound or switch.SOUTHBOUND
        self._south = Database(south, "OVN_Southbound", _SOUTHBOUND, timeout=settings.timeout, tls=settings.tls,
                               listener=listener, only=_CHOICES)  # fmt: skip
        self._chosen: frozenset[str] = frozenset()

    async def chassis(self) -> switch.Chassis:
        """This host as a chassis of OVN, which it is made into."""
        userspace = await self.in_userspace()
        machine_id = (await asyncio.to_thread(Path("/etc/machine-id").read_text)).strip()
        return await self._local.run(
            lambda rows: switch.ensure_chassis(
                rows, self._settings, machine_id, socket.gethostname(), userspace=userspace
            )
        )

    async def in_userspace(self) -> bool:
        """Whether packets are forwarded without the kernel."""
        if self._userspace is None:
            self._userspace = not await asyncio.to_thread(self._has_kernel_datapath)
        return self._userspace

    async def join(self, chassis: str) -> None:
        """A host that came later lets the networks that are there out as well, but for those whose addresses it
        reaches elsewhere."""
        if self._settings.sole:
            return
        for nat in await self._north.run(networks.nat_networks):
            if chassis in await self._north.run(lambda rows, nat=nat: networks.ways_out(rows, nat.id)):  # type: ignore[misc]
                continue
            try:
                await self.check_free(nat.cidr)
            except Conflict as error:
                _log.warning("network %s does not go out by this host: %s", nat.id, error)
                continue
            await self._north.run(lambda rows, nat=nat: networks.join(rows, nat.id, chassis))  # type: ignore[misc]

    async def check_free(self, cidr: IPv4Network) -> None:
        """`Conflict` (`network.cidr_overlap`) if the host reaches these addresses elsewhere."""
        transit = self._settings.transit.network
        if cidr.overlaps(transit):
            raise Conflict(f"{cidr} overlaps {transit}, which Altus uses between routers and host.",
                           code="network.cidr_overlap", hint="Choose other addresses.")  # fmt: skip
        await self._host.check_free(cidr)

    async def check_own(self, translation: TranslationSpec) -> None:
        """`Conflict` (`translation.own_address`, `translation.own_port`) if it is about what the host itself has."""
        if translation.address:
            await self._host.check_own(translation.address)
        elif translation.protocol is not None:
            await asyncio.to_thread(require_unheard, translation.protocol, translation.port)

    async def apply(self, chassis: switch.Chassis) -> None:
        """The host's part, from what the databases say now: of networks that may go out here."""
        userspace = await self.in_userspace()
        part = await self._part(chassis.name)
        nats = part.networks
        if nats:
            mtu = max(_ETHERNET_MTU, *(nat.mtu for nat in nats))
            await self._local.run(lambda rows: switch.ensure_uplink(rows, self._settings, mtu, userspace=userspace))
        await self._host.apply(nats, part.translations, part.held)
        if not nats:
            await self._local.run(lambda rows: switch.remove_uplink(rows, self._settings))

    async def broken(self) -> list[str]:
        """The ids of translations for which this host does not do what it should."""
        part = await self._part((await self.chassis()).name)
        if not part.translations or await self._host.intact(part.held):
            return []
        return [one.id for one in part.translations]

    async def close(self) -> None:
        """Let go of the connection of its own."""
        await self._south.close()

    async def _part(self, chassis: str) -> _Part:
        sole = self._settings.sole
        nats, every = await self._north.run(
            lambda rows: (networks.nat_networks(rows, "" if sole else chassis), translations.translations(rows))
        )
        here = {nat.id for nat in nats}
        mine = [one for one in every if one.network_id in here]
        if mine and not sole:
            with contextlib.suppress(Unavailable):  # then it is as it was: OVN does not choose another one either
                self._chosen = await self._south.run(lambda rows: _chosen(rows, chassis))
            here &= self._chosen
        held = frozenset(one.address for one in mine if one.network_id in here and one.address)
        return _Part(nats, mine, held)


def _chosen(rows: Rows, chassis: str) -> frozenset[str]:
    """The networks that go out by this chassis now."""
    found = set()
    for binding in rows.all("Port_Binding"):
        network_id = networks.of_way_out(binding.logical_port)
        if network_id and any(one.name == chassis for one in binding.chassis):
            found.add(network_id)
    return frozenset(found)
