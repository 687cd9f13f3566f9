"""Disks and NICs of a real guest that runs on: they come, change and go, and what it is defined with agrees."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from altus.common.errors import Conflict
from altus.common.units import KIB, MIB
from altus.model.vm import DiskBus, NicLink, NicModel
from altus.wire.resources import NetworkCreate
from altus.wire.vms import DiskCreate, DiskEdit, NicEdit, VmEdit, VmView
from testbed.administrator import NETWORK, Administrator, fresh
from testbed.patience import GUEST, until

pytestmark = pytest.mark.functional
_RATE, _READ = 256 * KIB, MIB


@pytest.fixture
async def guest(admin: Administrator) -> AsyncIterator[VmView]:
    """The VM that tests share; one that a failed test left with more than it had is removed."""
    vm = await admin.guest()
    yield vm
    after = await admin.altus.vms.get(vm.id)
    if (after.disks, [nic.network_id for nic in after.nics]) != (vm.disks, [nic.network_id for nic in vm.nics]):
        await admin.altus.vms.delete(vm.id, force=True).run()


async def _seen(admin: Administrator, vm: VmView, folder: str, name: str, *, there: bool) -> None:
    """Until the guest has a device, or has it no more."""

    async def look() -> bool:
        return (name in (await admin.run(vm.id, f"ls {folder}")).split()) is there

    await until(look, f"{name} is {'there' if there else 'gone'}", GUEST)


async def test_a_disk_and_a_nic_come_and_go_while_the_guest_runs(admin: Administrator, guest: VmView) -> None:
    volume = await admin.volume(8 * MIB)
    body = VmEdit.model_validate({"attach_volumes": [volume.name], "add_nics": [{"network": NETWORK}], "vcpus": 2})
    plan = await admin.altus.vms.edit(guest.id, body).plan()
    assert (len(plan.details["while it runs"]), plan.details["at its next start"]) == (2, ["vcpus"])
    await admin.altus.vms.edit(guest.id, body.model_copy(update={"vcpus": None})).run()
    more = await admin.answers(guest.id, addresses=2)
    assert not more.restart_pending
    await _seen(admin, guest, "/sys/block", "vdb", there=True)
    assert await admin.run(guest.id, "cat /sys/block/vdb/size") == str(volume.size // 512)
    await admin.healthy()
    added = next(nic for nic in more.nics if nic.id != guest.nics[0].id)
    assert added.address in more.addresses, "it has asked for an address"
    await admin.altus.vms.edit(guest.id, VmEdit(detach_volumes=[volume.name], remove_nics=[added.id])).run()
    less = await admin.altus.vms.get(guest.id)
    assert (less.disks, less.nics, less.restart_pending) == (guest.disks, guest.nics, False)
    await _seen(admin, guest, "/sys/block", "vdb", there=False)
    await _seen(admin, guest, "/sys/class/net", "eth1", there=False)
    assert (await admin.altus.volumes.get(volume.id)).vm_id is None


async def test_the_guest_sees_its_cable_come_and_go(admin: Administrator, guest: VmView) -> None:
    nic = guest.nics[0].mac
    for link, carrier in ((NicLink.DOWN, "0"), (NicLink.UP, "1")):
        await admin.altus.vms.edit_nic(guest.id, nic, NicEdit(link=link)).run()
        assert (await admin.altus.vms.get(guest.id)).nics[0].link is link

        async def look(carrier: str = carrier) -> bool:
            return await admin.run(guest.id, "cat /sys/class/net/eth0/carrier") == carrier

        await until(look, f"the link is {link}", GUEST)
        await admin.healthy()


async def test_a_nic_that_moves_keeps_its_mac_and_its_guest_sees_the_link_drop(
    admin: Administrator, guest: VmView
) -> None:
    name, (old,) = fresh("other"), guest.nics
    await admin.altus.networks.create(NetworkCreate(name=name, cidr="10.66.0.0/24")).run()
    drops = int(await admin.run(guest.id, "cat /sys/class/net/eth0/carrier_down_count"))
    for network in (f"{name}", NETWORK):
        await admin.altus.vms.edit_nic(guest.id, old.id, NicEdit(network=network)).run()
        (nic,) = (await admin.altus.vms.get(guest.id)).nics
        assert (nic.id, nic.mac, nic.network_id == old.network_id) == (old.id, old.mac, network == NETWORK)
        await admin.run(guest.id, "pid=$(cat /run/udhcpc.eth0.pid); kill -USR2 $pid; kill -USR1 $pid")
        await admin.reaches(nic.address)
        await admin.healthy()
    assert int(await admin.run(guest.id, "cat /sys/class/net/eth0/carrier_down_count")) == drops + 2


async def test_a_limited_disk_takes_at_least_as_long_as_the_limit_says(admin: Administrator, guest: VmView) -> None:
    volume = await admin.volume(8 * MIB)
    await admin.altus.vms.edit(guest.id, VmEdit(attach_volumes=[volume.id])).run()
    await _seen(admin, guest, "/sys/block", "vdb", there=True)
    limits = {"read_bytes": {"rate": _RATE, "burst": _RATE}}
    await admin.altus.vms.edit_disk(guest.id, volume.id, DiskEdit.model_validate({"limits": limits})).run()
    await admin.healthy()
    took = await admin.run(guest.id, f"read a _ < /proc/uptime; dd if=/dev/vdb of=/dev/null bs=64k count={_READ >> 16} "
                                     "2> /dev/null; read b _ < /proc/uptime; echo $a $b")  # fmt: skip
    began, ended = map(float, took.split())
    assert ended - began >= (_READ - _RATE) / _RATE
    await admin.altus.vms.edit(guest.id, VmEdit(detach_volumes=[volume.id])).run()


async def test_what_cannot_come_or_go_now_waits_or_is_refused_with_the_reason(admin: Administrator) -> None:
    vm = await admin.vm(image=None, disk_size=MIB, memory=64 * MIB, start=True,
                        disks=[DiskCreate(size=MIB, bus=DiskBus.SATA)])  # fmt: skip
    boot, sata = (disk.volume_id for disk in vm.disks)
    refused = [({"detach_volumes": [boot]}, "volume.in_use"), ({"detach_volumes": [sata]}, "disk.bus_not_pluggable")]
    for fields, code in refused:
        with pytest.raises(Conflict) as caught:
            await admin.altus.vms.edit(vm.id, VmEdit.model_validate(fields)).run()
        assert caught.value.code == code
    await admin.altus.vms.edit_nic(vm.id, vm.nics[0].id, NicEdit(model=NicModel.E1000E)).run()
    assert (await admin.altus.vms.get(vm.id)).restart_pending
    await admin.altus.vms.pause(vm.id).run()
    with pytest.raises(Conflict) as caught:
        await admin.altus.vms.edit(vm.id, VmEdit.model_validate({"add_nics": [{"network": NETWORK}]})).run()
    assert caught.value.code == "vm.paused"
