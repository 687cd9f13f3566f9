"""Floating addresses: addresses of the outside that lead to a NIC of a VM, wherever it runs."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from altus.common.errors import Conflict, InvalidInput, LimitExceeded
from altus.model.address_range import AddressRange, merged, nth_outside
from altus.model.pool import Pool
from altus.model.resource import Resource
from altus.model.translation import TranslationSpec

_EVERYWHERE = ipaddress.IPv4Network("0.0.0.0/0")
MAX_OUTSIDE = 65536
"""Addresses of a pool's range: nobody has more, and a range typed wrong is found."""


class FloatingIpState(StrEnum):
    """A floating address leads to NICs only when ready."""

    CREATING = "creating"
    READY = "ready"
    DELETING = "deleting"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class FloatingIp(Resource):
    """An address of the outside, by which it is also called, for NICs on one NAT network. Attached, it leads to the NIC
    `nic_id` of the VM `vm_id`, which has the address `inside` there; else all three are empty."""

    state: FloatingIpState = FloatingIpState.CREATING
    address: str
    network_id: str
    vm_id: str = ""
    nic_id: str = ""
    inside: str = ""

    @property
    def spec(self) -> TranslationSpec:
        """The driver's view of one that is attached."""
        return TranslationSpec(id=self.id, network_id=self.network_id, port_id=self.nic_id, address=self.address,
                               inside=self.inside)  # fmt: skip


def outside_of(text: str) -> AddressRange:
    """The addresses that a pool gives as floating ones, such as 192.0.2.10-192.0.2.99. `InvalidInput`
    (`network.range_invalid`)."""
    found = AddressRange.parse(text, _EVERYWHERE)
    first = ipaddress.IPv4Address(found.first)
    if first.is_loopback or first.is_multicast or first.is_link_local or first.is_unspecified:
        raise InvalidInput(f"{text} are no addresses of hosts.", code="network.range_invalid",
                           hint="Write it like 192.0.2.10-192.0.2.99.")  # fmt: skip
    if found.last - found.first >= MAX_OUTSIDE:
        raise InvalidInput(f"{text} are more than {MAX_OUTSIDE} addresses.", code="network.range_invalid",
                           hint="Choose a smaller range.")  # fmt: skip
    return found


def require_apart(pool: str, outside: AddressRange, others: Iterable[tuple[str, AddressRange]]) -> None:
    """`Conflict` (`pool.outside_overlap`) if the pool's outside addresses are also those of another pool or network,
    given as words and addresses."""
    for told, other in others:
        if other.first <= outside.last and outside.first <= other.last:
            raise Conflict(f"The outside addresses of pool {pool} overlap those of {told}.",
                           code="pool.outside_overlap", hint="Choose other addresses.")  # fmt: skip


def addresses_of(cidr: str) -> AddressRange:
    """All addresses of a network."""
    network = ipaddress.IPv4Network(cidr)
    return AddressRange(int(network.network_address), int(network.broadcast_address))


def choose_address(pools: Iterable[Pool], taken: Iterable[str], wanted: str) -> str:
    """The wanted address, or the lowest free one of the pools' outside ranges. `InvalidInput`
    (`floating_ip.address_invalid`), `Conflict` (`floating_ip.address_taken`) or `LimitExceeded`
    (`floating_ip.exhausted`)."""
    ranges = [outside_of(pool.outside) for pool in pools if pool.outside]
    if not ranges:
        raise Conflict("No pool declares outside addresses.", code="floating_ip.no_outside",
                       hint="Declare some: `altus pool edit default --outside 192.0.2.10-192.0.2.99`.")  # fmt: skip
    if wanted:
        return _wanted(ranges, set(taken), wanted)
    used = merged(AddressRange(number, number) for number in (int(ipaddress.IPv4Address(one)) for one in taken))
    for one in ranges:
        if (free := nth_outside(0, one.first, one.last, used)) is not None:
            return str(ipaddress.IPv4Address(free))
    raise LimitExceeded("All outside addresses are given away.", code="floating_ip.exhausted",
                        hint="Delete floating addresses which are not needed, or widen a pool's range.")  # fmt: skip


def _wanted(ranges: Iterable[AddressRange], taken: set[str], wanted: str) -> str:
    try:
        number = int(ipaddress.IPv4Address(wanted))
    except ValueError:
        number = -1
    if not any(one.first <= number <= one.last for one in ranges):
        raise InvalidInput(f"{wanted[:64]!r} is not among the outside addresses of any pool.",
                           code="floating_ip.address_invalid",
                           hint="See `altus pool show`, or leave it out.")  # fmt: skip
    if wanted in taken:
        raise Conflict(f"The address {wanted} is given away already.", code="floating_ip.address_taken",
                       hint="See `altus floating-ip list`.")  # fmt: skip
    return wanted
