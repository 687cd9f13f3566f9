"""Finding the NIC that a request names."""

from __future__ import annotations

from altus.common.errors import Conflict, NotFound
from altus.model.vm import Vm, VmNic


def named_nic(vm: Vm, nic: str) -> VmNic:
    """By id or MAC. `NotFound` (`nic.not_found`)."""
    found = next((one for one in vm.hardware.nics if nic.lower() in (one.id, one.mac.lower())), None)
    if found is None:
        raise NotFound(f"VM {vm.name} has no NIC {nic[:80]!r}.", code="nic.not_found",
                       hint=f"See `altus vm show {vm.name}`.")  # fmt: skip
    return found


def nic_on(vm: Vm, network_id: str, nic: str | None) -> VmNic:
    """The named one, or the only one on the network. `NotFound` (`nic.not_found`), `Conflict` (`nic.ambiguous`)."""
    if nic is not None:
        return named_nic(vm, nic)
    found = [one for one in vm.hardware.nics if one.network_id == network_id]
    if not found:
        raise NotFound(f"VM {vm.name} has no NIC on that network.", code="nic.not_found",
                       hint=f"Add one: `altus vm edit {vm.name} --add-nic`.")  # fmt: skip
    if len(found) > 1:
        raise Conflict(f"VM {vm.name} has {len(found)} NICs on that network.", code="nic.ambiguous",
                       hint=f"Name one by id or MAC, such as {vm.name}:{found[0].mac}.")  # fmt: skip
    return found[0]
