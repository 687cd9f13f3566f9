"""Routers between networks: those on one reach each other."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from altus.common.errors import Conflict
from altus.model.resource import Resource


class RouterState(StrEnum):
    """A router takes networks only when ready."""

    CREATING = "creating"
    READY = "ready"
    DELETING = "deleting"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class RouterSpec:
    """What the network driver needs to know."""

    id: str
    networks: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """Its networks in one order, to be compared with what an engine has."""
        return " ".join(sorted(self.networks))


@dataclass(frozen=True, kw_only=True)
class Router(Resource):
    """The networks on it, by their ids, reach each other by their gateways; each network is on one router at most."""

    state: RouterState = RouterState.CREATING
    networks: tuple[str, ...] = ()

    @property
    def spec(self) -> RouterSpec:
        """The driver's view of it."""
        return RouterSpec(id=self.id, networks=self.networks)


def require_apart(cidrs: Sequence[tuple[str, str]]) -> None:
    """`Conflict` (`router.cidr_overlap`) if networks, given by what they are called and their CIDR, have addresses in
    common: a router could not tell them apart."""
    for number, (name, cidr) in enumerate(cidrs):
        for other, theirs in cidrs[:number]:
            if ipaddress.IPv4Network(cidr).overlaps(ipaddress.IPv4Network(theirs)):
                raise Conflict(f"{cidr} of network {name} overlaps {theirs} of network {other}.",
                               code="router.cidr_overlap",
                               hint="Networks on one router need addresses of their own.")  # fmt: skip
