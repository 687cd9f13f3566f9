"""Floating addresses on the public API."""

from __future__ import annotations

from typing import Annotated

from pydantic import StringConstraints

from altus.model.floating_ip import FloatingIpState
from altus.model.label import Label
from altus.wire.base import ActionView, Reference, ResourceView, Shape, example

Address = Annotated[str, StringConstraints(max_length=15)]


class FloatingIpCreate(Shape):
    """A floating address for VMs on a NAT network: `address`, or a free one of those that pools declare."""

    model_config = example(network="lan")

    network: Reference
    address: Address = ""
    project: Reference | None = None
    label: Label = Label.OPEN


class FloatingIpAttach(Shape):
    """The NIC to lead it to, by id or MAC; without one, the VM's only NIC on the network."""

    model_config = example(vm="web1")

    vm: Reference
    nic: Reference | None = None


class FloatingIpView(ResourceView):
    """A floating address, called by it. Attached, it leads to the NIC `nic_id` with the address `inside`; else `vm_id`,
    `nic_id` and `inside` are empty."""

    state: FloatingIpState
    address: str
    network_id: str
    vm_id: str
    nic_id: str
    inside: str
    allowed_actions: dict[str, ActionView]
