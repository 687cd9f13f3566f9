"""Requests to try things with."""

from __future__ import annotations

from altus.common.ids import new_id
from altus.common.units import GIB
from altus.manager.agents.base import Agents
from altus.model.label import Label
from altus.model.network import NetworkKind, NetworkSpec, PortSpec, mac_of
from altus.model.vm import VmDefinition, VmDisk, VmHardware, VmNic
from altus.wire import operations as op


def vm(storage_id: str, **hardware: object) -> VmDefinition:
    """A definition."""
    return VmDefinition(id=new_id(), name="web1", project_id=new_id(), label=Label.OPEN, revision=1,
                        storage_id=storage_id, hardware=VmHardware(**hardware))  # type: ignore[arg-type]  # fmt: skip


async def make_vm(agents: Agents, host_id: str, storage_id: str) -> VmDefinition:
    """A VM with a disk and a NIC, defined on the host."""
    volume, network, nic = new_id(), new_id(), new_id()
    spec = NetworkSpec(id=network, kind=NetworkKind.NAT, cidr="10.20.0.0/24", gateway="10.20.0.1")
    port = PortSpec(id=nic, network_id=network, mac=mac_of(nic), address="10.20.0.2")
    create = op.VolumeCreate(storage_id=storage_id, volume_id=volume, size=GIB)
    await agents.call(host_id, op.VOLUME_CREATE, create)
    await agents.call(host_id, op.NETWORK_ENSURE, op.NetworkEnsure(network=spec))
    await agents.call(host_id, op.PORT_ENSURE, op.PortEnsure(port=port))
    definition = vm(storage_id, disks=(VmDisk(volume_id=volume),),
                    nics=(VmNic(id=nic, network_id=network, mac=port.mac, address=port.address),))  # fmt: skip
    await agents.call(host_id, op.VM_DEFINE, op.VmDefine(vm=definition))
    return definition
