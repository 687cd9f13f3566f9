"""Changes of running guests' disks and NICs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from altus.common.units import MIB
from altus.manager.services.changes import Change
from altus.model.vm import NicLink, NicModel
from altus.wire import vms as vm_shapes
from tests.unit.manager.changes.routers import new_isolated
from tests.unit.manager.changes.site import ADMIN, Site

Draft = Coroutine[Any, Any, Change[Any]]
Prepare = Callable[[Site], Awaitable[Callable[[], Draft]]]


async def _edit_plugged(site: Site) -> Callable[[], Draft]:
    """A running guest gets a disk and a NIC, and gives others up."""
    vm, volume = await site.new_vm(start=True), await site.new_volume()
    body = vm_shapes.VmEdit.model_validate({
        "attach_volumes": [volume], "detach_volumes": [vm.hardware.disks[1].volume_id],
        "add_nics": [{"network": site.lan}], "remove_nics": [vm.hardware.nics[0].id],
    })  # fmt: skip
    return lambda: site.vms.edit(ADMIN, vm.id, body)


async def _edit_disk(site: Site) -> Callable[[], Draft]:
    """A limited disk of a running guest gets other limits."""
    slow = {"limits": {"write_bytes": {"rate": 4 * MIB}}}
    vm = await site.new_vm(start=True, disks=[{"size": 2 * MIB, **slow}])
    body = vm_shapes.DiskEdit.model_validate({"limits": {"total_iops": {"rate": 50, "burst": 100, "seconds": 5}}})
    return lambda: site.vms.edit_disk(ADMIN, vm.id, vm.hardware.disks[1].volume_id, body)


async def _move_nic(site: Site) -> Callable[[], Draft]:
    """To another network, where its MAC stays and its address does not."""
    vm, network = await site.new_vm(start=True), await new_isolated(site)
    body = vm_shapes.NicEdit(network=network, model=NicModel.E1000E)
    return lambda: site.vms.edit_nic(ADMIN, vm.id, vm.hardware.nics[0].id, body)


async def _unlink_nic(site: Site) -> Callable[[], Draft]:
    """The cable of a running guest is pulled."""
    vm = await site.new_vm(start=True)
    return lambda: site.vms.edit_nic(ADMIN, vm.id, vm.hardware.nics[0].id, vm_shapes.NicEdit(link=NicLink.DOWN))


async def _edit_running(site: Site) -> Callable[[], Draft]:
    """A NIC at once, memory at the next start."""
    vm = await site.new_vm(start=True)
    body = vm_shapes.VmEdit.model_validate({"memory": 256 * MIB, "add_nics": [{"network": site.lan}]})
    return lambda: site.vms.edit(ADMIN, vm.id, body)


DEVICES: dict[str, tuple[str, Prepare]] = {
    "vm.edit-running": ("vm.edit", _edit_running),
    "vm.edit-plugged": ("vm.edit", _edit_plugged),
    "vm.edit_nic-moved": ("vm.edit_nic", _move_nic),
    "vm.edit_nic-link": ("vm.edit_nic", _unlink_nic),
    "vm.edit_disk": ("vm.edit_disk", _edit_disk),
}
"""For cases of a VM that runs, by their names."""
