"""Which router a network is on: read from routers, so that nothing is kept twice."""

from __future__ import annotations

from altus.common.errors import Conflict
from altus.manager.store.database import Tx
from altus.manager.store.resources import NETWORK, ROUTER
from altus.model.label import require_combinable
from altus.model.network import Network, NetworkState
from altus.model.router import Router, require_apart


def router_of(tx: Tx, network_id: str) -> Router | None:
    """The router that a network is on, if it is on one."""
    named = ROUTER.all(tx, ROUTER.table.c.networks.contains(network_id, autoescape=True))
    return next((router for router in named if network_id in router.networks), None)


def names_of(tx: Tx, router: Router) -> list[str]:
    """What its networks are called, in order."""
    found = (NETWORK.peek(tx, network_id) for network_id in router.networks)
    return sorted(network.name for network in found if network is not None)


def require_attachable(tx: Tx, router: Router, network: Network) -> None:
    """`Conflict` (`network.not_ready`, `label.mismatch`, `router.network_taken`, `router.cidr_overlap`)."""
    if network.state is not NetworkState.READY:
        raise Conflict(f"Network {network.name} is {network.state}.", code="network.not_ready",
                       hint="See `altus network list`.")  # fmt: skip
    require_combinable(f"Putting network {network.name} on router {router.name}", router.label, network.label)
    if (other := router_of(tx, network.id)) is not None:
        raise Conflict(f"Network {network.name} is on router {other.name} already.", code="router.network_taken",
                       hint=f"Take it off: `altus router detach {other.name} {network.name}`.")  # fmt: skip
    members = [*(NETWORK.get(tx, network_id) for network_id in router.networks), network]
    require_apart([(one.name, one.cidr) for one in members])
