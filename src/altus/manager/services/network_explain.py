"""Whether a packet would get from a VM to another one or to an address, and what decides it."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from altus.common.errors import Conflict, InvalidInput, NotFound
from altus.manager.services.lookup import visible
from altus.manager.store import ports
from altus.manager.store.database import Tx
from altus.manager.store.resources import NETWORK, SECURITY_GROUP, VM
from altus.manager.store.routers import router_of
from altus.manager.tasks.run import World
from altus.model.actor import Actor
from altus.model.network import Network, NetworkKind
from altus.model.network_trace import Outcome, PacketSpec, TraceDecision, action_of, decided, rule_of
from altus.model.permission import Permission
from altus.model.security_group import SecurityGroup
from altus.model.vm import Vm, VmNic
from altus.wire.network_trace import NetworkAnswer, NetworkDecision, NetworkQuestion
from altus.wire.operations import NETWORK_TRACE, NetworkTrace


@dataclass(frozen=True, kw_only=True)
class _Case:
    """What is asked, as ids. `target` is the network where the receiver is, if it is a VM's NIC."""

    host_id: str
    packet: PacketSpec
    network: Network
    target: Network | None
    groups: dict[str, SecurityGroup]


class NetworkExplainService:
    """Asks a host's network engine; nothing is sent."""

    def __init__(self, world: World) -> None:
        self.world = world

    async def explain(self, actor: Actor, question: NetworkQuestion) -> NetworkAnswer:
        """`NotFound` (`vm.not_found`, `nic.not_found`), `Conflict` (`vm.no_nic`, `vm.no_host`)."""
        case = await self.world.db.read(lambda tx: _case(tx, actor, question))
        told = await self.world.agents.call(case.host_id, NETWORK_TRACE, NetworkTrace(packet=case.packet))
        facts = told.facts
        decisions = [_decision(decision, case.groups) for decision in facts.decisions]
        passes = facts.outcome is Outcome.ARRIVES or (facts.outcome is Outcome.LEAVES and case.target is None)
        reasons = [*(decision.reason for decision in decisions), _end(case, facts.outcome)]
        return NetworkAnswer(passes=passes, outcome=facts.outcome, network_id=case.network.id, reasons=reasons,
                             decisions=decisions, trace=facts.text)  # fmt: skip


def _decision(decision: TraceDecision, groups: dict[str, SecurityGroup]) -> NetworkDecision:
    rule = rule_of(decision, groups)
    return NetworkDecision(direction=decision.direction, security_group_id=decision.group_id,
                           rule_id=rule.id if rule is not None else "", action=action_of(decision, groups),
                           reason=decided(decision, groups))  # fmt: skip


def _case(tx: Tx, actor: Actor, question: NetworkQuestion) -> _Case:
    sender = visible(tx, actor, VM, question.sender, Permission.VM_READ)
    if sender.host_id is None:
        raise Conflict(f"VM {sender.name} is on no host.", code="vm.no_host", hint="Delete it and create it again.")
    receiver, address = _receiver(tx, actor, question.receiver)
    theirs = receiver.hardware.nics if receiver is not None else ()
    nic = _nic(sender, question.nic, {one.network_id for one in theirs})
    there = next((one for one in theirs if one.network_id == nic.network_id), None)
    if address:
        there = _neighbour(tx, nic.network_id, address)
    elsewhere = theirs[0] if there is None and theirs else None
    target = there or elsewhere
    reached = there
    if reached is None and elsewhere is not None and _meet(tx, nic.network_id, elsewhere.network_id):
        reached = elsewhere
    packet = PacketSpec(network_id=nic.network_id, port_id=nic.id, mac=nic.mac, address=nic.address,
                        to_address=address or (target.address if target else ""), protocol=question.protocol,
                        port=question.port, to_port_id=reached.id if reached else "",
                        to_mac=there.mac if there else "")  # fmt: skip
    groups = {group.id: group for group in SECURITY_GROUP.all(tx)}
    return _Case(host_id=sender.host_id, packet=packet, network=NETWORK.get(tx, nic.network_id), groups=groups,
                 target=NETWORK.get(tx, target.network_id) if target is not None else None)  # fmt: skip


def _meet(tx: Tx, one: str, other: str) -> bool:
    """Whether two networks are on one router."""
    router = router_of(tx, one)
    return router is not None and other in router.networks


def _receiver(tx: Tx, actor: Actor, reference: str) -> tuple[Vm | None, str]:
    """A VM, or an address."""
    try:
        return None, str(ipaddress.IPv4Address(reference))
    except ValueError:
        vm = visible(tx, actor, VM, reference, Permission.VM_READ)
    if not vm.hardware.nics:
        raise Conflict(
            f"VM {vm.name} has no NIC.", code="vm.no_nic", hint="Give it one: `altus vm edit --add-network`."
        )
    return vm, ""


def _nic(vm: Vm, reference: str | None, preferred: set[str]) -> VmNic:
    """The one named, or one on a preferred network, or the first."""
    nics = vm.hardware.nics
    if reference is not None:
        found = [one for one in nics if reference.lower() in (one.id, one.mac.lower())]
        if not found:
            raise NotFound(f"VM {vm.name} has no NIC {reference[:80]!r}.", code="nic.not_found",
                           hint=f"See `altus vm show {vm.name}`.")  # fmt: skip
        return found[0]
    if not nics:
        raise Conflict(
            f"VM {vm.name} has no NIC.", code="vm.no_nic", hint="Give it one: `altus vm edit --add-network`."
        )
    return next((one for one in nics if one.network_id in preferred), nics[0])


def _neighbour(tx: Tx, network_id: str, address: str) -> VmNic | None:
    """The NIC with an address of the sender's own network. `InvalidInput` (`network.nobody_there`) if none has it."""
    found = ports.owner(tx, network_id, address)
    if found is not None:
        port_id, vm_id = found
        return next((nic for nic in VM.get(tx, vm_id).hardware.nics if nic.id == port_id), None)
    network = NETWORK.get(tx, network_id)
    if ipaddress.IPv4Address(address) in ipaddress.IPv4Network(network.cidr):
        raise InvalidInput(f"No VM on network {network.name} has the address {address}.", code="network.nobody_there",
                           hint="Name a VM, or an address elsewhere.")  # fmt: skip
    return None


def _end(case: _Case, outcome: Outcome) -> str:
    """The last sentence."""
    if outcome is Outcome.ARRIVES:
        return "It arrives."
    if outcome is Outcome.LEAVES and case.target is not None:
        return f"Networks {case.network.name} and {case.target.name} do not meet: the host drops it."
    if outcome is Outcome.LEAVES:
        return f"It leaves network {case.network.name} by its host, which sends it on from its own address."
    if outcome is Outcome.REJECTED:
        return "It is dropped, and its sender is told."
    if case.network.kind is NetworkKind.ISOLATED and not case.packet.to_port_id:
        return f"It is dropped: network {case.network.name} is isolated."
    return "It is dropped."
