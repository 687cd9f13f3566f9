"""Port forwards: ports of a way out, or of a floating address, that lead to a port of a VM."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from altus.model.resource import Resource
from altus.model.translation import PortProtocol, TranslationSpec


class ForwardState(StrEnum):
    """A forward leads to its VM when ready."""

    CREATING = "creating"
    READY = "ready"
    DELETING = "deleting"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class Forward(Resource):
    """Packets to the port of `address`, or, if that is empty, of the host by which the network goes out, go to
    `inside_port` of the NIC `nic_id` of the VM `vm_id`, which has the address `inside`. Its name is made of that."""

    state: ForwardState = ForwardState.CREATING
    network_id: str
    address: str = ""
    protocol: PortProtocol = PortProtocol.TCP
    port: int
    vm_id: str
    nic_id: str
    inside: str
    inside_port: int

    @property
    def spec(self) -> TranslationSpec:
        """The driver's view of it."""
        return TranslationSpec(id=self.id, network_id=self.network_id, port_id=self.nic_id, address=self.address,
                               inside=self.inside, protocol=self.protocol, port=self.port,
                               inside_port=self.inside_port)  # fmt: skip


def forward_name(address: str, protocol: PortProtocol, port: int) -> str:
    """Such as tcp-8022, or 192.0.2.10-tcp-8022."""
    return "-".join([*([address] if address else []), protocol, str(port)])
