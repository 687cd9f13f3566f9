"""Ranges of IPv4 addresses, and which addresses of a network are left beside them."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from altus.common.errors import InvalidInput

MAX_RANGES = 32
"""That a network keeps back."""


@dataclass(frozen=True)
class AddressRange:
    """From `first` to `last`, both included, as numbers."""

    first: int
    last: int

    @classmethod
    def parse(cls, text: str, cidr: ipaddress.IPv4Network) -> AddressRange:
        """`10.0.0.9` or `10.0.0.9-10.0.0.20` within the network; `InvalidInput` (`network.range_invalid`)."""
        first, _, last = text.partition("-")
        try:
            found = cls(int(ipaddress.IPv4Address(first)), int(ipaddress.IPv4Address(last or first)))
        except ValueError as error:
            raise _invalid(f"{text[:64]!r} is no range of IPv4 addresses.") from error
        if found.first > found.last:
            raise _invalid(f"The range {text} ends before it begins.")
        if found.first < int(cidr.network_address) or found.last > int(cidr.broadcast_address):
            raise _invalid(f"The range {text} is not within {cidr}.")
        return found


def _invalid(why: str) -> InvalidInput:
    return InvalidInput(why, code="network.range_invalid", hint="Write it like 10.20.0.2-10.20.0.20.")


def merged(ranges: Iterable[AddressRange]) -> list[AddressRange]:
    """The same addresses in ranges that neither overlap nor touch, in their order."""
    found: list[AddressRange] = []
    for one in sorted(ranges, key=lambda one: one.first):
        if found and one.first <= found[-1].last + 1:
            found[-1] = AddressRange(found[-1].first, max(found[-1].last, one.last))
        else:
            found.append(one)
    return found


def nth_outside(number: int, first: int, last: int, taken: Sequence[AddressRange]) -> int | None:
    """Number `number` (from 0) of the addresses from `first` to `last` outside of the `taken` ranges, which are merged;
    None beyond the last one."""
    place = first + number
    for one in taken:
        if one.last < first:
            continue
        if one.first > place:
            break
        place += one.last - max(one.first, first) + 1
    return place if place <= last else None
