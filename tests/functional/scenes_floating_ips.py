"""Scenes of floating addresses and port forwards: what must be true when a task of theirs has ended, done or undone."""

from __future__ import annotations

import asyncio
import subprocess

from altus.wire.floating_ips import FloatingIpAttach, FloatingIpCreate, FloatingIpView
from altus.wire.forwards import ForwardCreate
from altus.wire.tasks import TaskView
from altus.wire.vms import VmEdit, VmView
from testbed.administrator import NETWORK, Administrator
from testbed.patience import until
from tests.functional.scenes import Go, bare_vm, done, is_there, nbctl, scene


async def _given(admin: Administrator) -> FloatingIpView:
    """A floating address that leads nowhere."""
    task = await admin.altus.floating_ips.create(FloatingIpCreate(network=NETWORK)).run()
    return await admin.altus.floating_ips.get(task.object_id)


async def _attached(admin: Administrator) -> tuple[FloatingIpView, VmView]:
    """One that leads to a VM."""
    floating, vm = await _given(admin), await bare_vm(admin)
    await admin.altus.floating_ips.attach(floating.id, FloatingIpAttach(vm=vm.id)).run()
    return floating, vm


async def _said(*command: str) -> str:
    ended = await asyncio.to_thread(subprocess.run, command, check=True, capture_output=True, text=True)
    return str(ended.stdout)


async def _is_led(floating: FloatingIpView) -> bool:
    """Whether OVN says where it leads, and the host does that: both, or none."""
    told = floating.address in await nbctl("--columns=vips", "list", "Load_Balancer")

    async def agrees() -> bool:
        rules = await _said("nft", "list", "map", "ip", "altus", "arriving")
        device = await _said("ip", "-4", "address", "show", "altus-ext")
        return (floating.address in rules) is told is (f"{floating.address}/32" in device)

    await until(agrees, "the host does what OVN says")
    return told


@scene("floating_ip.create")
async def _create(admin: Administrator, go: Go) -> None:
    task = await go(admin.altus.floating_ips.create(FloatingIpCreate(network=NETWORK)))
    assert await is_there(admin.altus.floating_ips, task.object_id) is done(task)


@scene("floating_ip.attach")
async def _attach(admin: Administrator, go: Go) -> None:
    floating, vm = await _given(admin), await bare_vm(admin)
    task = await go(admin.altus.floating_ips.attach(floating.id, FloatingIpAttach(vm=vm.id)))
    after = await admin.altus.floating_ips.get(floating.id)
    assert (after.vm_id == vm.id) is done(task)
    assert await _is_led(floating) is done(task)


@scene("floating_ip.detach")
async def _detach(admin: Administrator, go: Go) -> None:
    floating, _ = await _attached(admin)
    task = await go(admin.altus.floating_ips.detach(floating.id))
    after = await admin.altus.floating_ips.get(floating.id)
    assert (after.vm_id == "") is done(task)
    assert await _is_led(floating) is not done(task)


@scene("floating_ip.delete")
async def _delete(admin: Administrator, go: Go) -> None:
    floating = await _given(admin)
    await go(admin.altus.floating_ips.delete(floating.id))
    assert not await is_there(admin.altus.floating_ips, floating.id)


@scene("floating_ip.repair")
async def _repair(admin: Administrator, go: Go) -> None:
    """The manager asks for it by itself when it is gone from OVN."""
    floating, _ = await _attached(admin)
    its = ("kind:floating_ip.repair", f"object_id:{floating.id}")

    async def repaired() -> TaskView:
        await nbctl("lb-del", f"altus-{floating.id}")

        async def look() -> TaskView | None:
            return next(iter((await admin.altus.tasks.page(its)).items), None)

        return await until(look, "it is repaired")

    await go(repaired())
    assert await _is_led(floating)


@scene("vm.edit (a floating address loses its NIC)")
async def _vm_edit(admin: Administrator, go: Go) -> None:
    floating, vm = await _attached(admin)
    task = await go(admin.altus.vms.edit(vm.id, VmEdit(remove_nics=[vm.nics[0].id])))
    after = await admin.altus.floating_ips.get(floating.id)
    assert (after.vm_id == "") is done(task)
    assert await _is_led(floating) is not done(task)


# -- port forwards -----------------------------------------------------------------------------------------------------


def _forward(vm: VmView) -> ForwardCreate:
    return ForwardCreate(network=NETWORK, port=7022, vm=vm.id, to_port=22)


async def _leads() -> bool:
    """Whether OVN says where the port leads, and the host does that: both, or none."""
    told = ":7022" in await nbctl("--columns=vips", "list", "Load_Balancer")

    async def agrees() -> bool:
        return ("dport 7022 dnat" in await _said("nft", "list", "chain", "ip", "altus", "prerouting")) is told

    await until(agrees, "the host does what OVN says")
    return told


@scene("forward.create")
async def _forward_create(admin: Administrator, go: Go) -> None:
    task = await go(admin.altus.forwards.create(_forward(await bare_vm(admin))))
    assert await is_there(admin.altus.forwards, task.object_id) is done(task)
    assert await _leads() is done(task)


@scene("forward.delete")
async def _forward_delete(admin: Administrator, go: Go) -> None:
    await admin.altus.forwards.create(_forward(await bare_vm(admin))).run()
    await go(admin.altus.forwards.delete("tcp-7022"))
    assert not await is_there(admin.altus.forwards, "tcp-7022")
    assert not await _leads()


@scene("forward.repair")
async def _forward_repair(admin: Administrator, go: Go) -> None:
    """The manager asks for it by itself when it is gone from OVN."""
    made = await admin.altus.forwards.create(_forward(await bare_vm(admin))).run()

    async def repaired() -> TaskView:
        await nbctl("lb-del", f"altus-{made.object_id}")

        async def look() -> TaskView | None:
            its = ("kind:forward.repair", f"object_id:{made.object_id}")
            return next(iter((await admin.altus.tasks.page(its)).items), None)

        return await until(look, "it is repaired")

    await go(repaired())
    assert await _leads()
