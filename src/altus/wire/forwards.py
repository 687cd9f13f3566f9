"""Port forwards on the public API."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from altus.model.forward import ForwardState
from altus.model.label import Label
from altus.model.translation import PortProtocol
from altus.wire.base import ActionView, Reference, ResourceView, Shape, example

Port = Annotated[int, Field(ge=1, le=65535, strict=True)]


class ForwardCreate(Shape):
    """Lead `port` to `to_port` of a VM: of the host by which the NAT network goes out, or of the floating `address`.
    The NIC is named by id or MAC; without one, it is the VM's only one on the network."""

    model_config = example(network="lan", port=8022, vm="web1", to_port=22)

    network: Reference
    protocol: PortProtocol = PortProtocol.TCP
    port: Port
    vm: Reference
    nic: Reference | None = None
    to_port: Port
    address: Reference | None = None
    project: Reference | None = None
    label: Label = Label.OPEN


class ForwardView(ResourceView):
    """A port forward, named by what it is about. `address` is empty for the host by which the network goes out."""

    state: ForwardState
    network_id: str
    address: str
    protocol: PortProtocol
    port: int
    vm_id: str
    nic_id: str
    inside: str
    inside_port: int
    allowed_actions: dict[str, ActionView]
