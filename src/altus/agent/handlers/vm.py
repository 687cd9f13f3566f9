"""Operations on virtual machines: ids are resolved to this host's files and ports, the hypervisor does the rest."""

from __future__ import annotations

import asyncio

from altus.agent.drivers import HostDrivers
from altus.agent.handlers.declare import Handler, Report
from altus.drivers.hypervisor.base import VmAttachments
from altus.wire.operations import (
    VM_DEFINE,
    VM_DESTROY,
    VM_GIVE_BACK,
    VM_OBSERVE,
    VM_PAUSE,
    VM_PLUG,
    VM_REBOOT,
    VM_RESUME,
    VM_SHUTDOWN,
    VM_START,
    VM_SUSPEND,
    VM_TAKE,
    VM_UNDEFINE,
    DomainRef,
    Nothing,
    VmDefine,
    VmPlug,
    VmPlugged,
    VmReboot,
    VmRef,
    VmSeen,
)


async def attachments(host: HostDrivers, request: VmDefine) -> VmAttachments:
    """The definition's volumes, ports and images as this host has them."""
    hardware, storage = request.vm.hardware, host.storage(request.vm.storage_id)
    nics = await asyncio.gather(*(host.network.attachment(nic.id) for nic in hardware.nics))
    kernel_id, cdrom_id = hardware.kernel_image_id, hardware.cdrom_image_id
    return VmAttachments(
        disks=[storage.volume_source(disk.volume_id) for disk in hardware.disks],
        nics=nics,
        kernel=await storage.image_kernel(kernel_id) if kernel_id else None,
        cdrom=storage.image_source(cdrom_id) if cdrom_id else None,
        seed=request.seed,
    )


async def _seen(host: HostDrivers, vm_id: str) -> VmSeen:
    return VmSeen(observation=await host.hypervisor.observe(vm_id))


async def _define(host: HostDrivers, request: VmDefine, _report: Report) -> VmSeen:
    await host.hypervisor.define(request.vm, await attachments(host, request))
    return await _seen(host, request.vm.id)


async def _plug(host: HostDrivers, request: VmPlug, _report: Report) -> VmPlugged:
    found, devices = await attachments(host, VmDefine(vm=request.vm)), host.hypervisor.devices
    kept = await devices.plug(request.vm, found, request.device_ids, held=request.held, asked=request.asked)
    return VmPlugged(kept=kept)


async def _take(host: HostDrivers, request: DomainRef, _report: Report) -> Nothing:
    await host.hypervisor.adoptions.take(request.domain_id)
    return Nothing()


async def _give_back(host: HostDrivers, request: DomainRef, _report: Report) -> Nothing:
    await host.hypervisor.adoptions.give_back(request.domain_id)
    return Nothing()


async def _undefine(host: HostDrivers, request: VmRef, _report: Report) -> Nothing:
    await host.hypervisor.undefine(request.vm_id)
    return Nothing()


async def _start(host: HostDrivers, request: VmRef, _report: Report) -> VmSeen:
    await host.hypervisor.start(request.vm_id)
    return await _seen(host, request.vm_id)


async def _shutdown(host: HostDrivers, request: VmRef, _report: Report) -> VmSeen:
    await host.hypervisor.shutdown(request.vm_id)
    return await _seen(host, request.vm_id)


async def _destroy(host: HostDrivers, request: VmRef, _report: Report) -> VmSeen:
    await host.hypervisor.destroy(request.vm_id)
    return await _seen(host, request.vm_id)


async def _reboot(host: HostDrivers, request: VmReboot, _report: Report) -> Nothing:
    await host.hypervisor.reboot(request.vm_id, force=request.force)
    return Nothing()


async def _pause(host: HostDrivers, request: VmRef, _report: Report) -> VmSeen:
    await host.hypervisor.pause(request.vm_id)
    return await _seen(host, request.vm_id)


async def _resume(host: HostDrivers, request: VmRef, _report: Report) -> VmSeen:
    await host.hypervisor.resume(request.vm_id)
    return await _seen(host, request.vm_id)


async def _suspend(host: HostDrivers, request: VmRef, _report: Report) -> VmSeen:
    await host.hypervisor.suspend(request.vm_id)
    return await _seen(host, request.vm_id)


async def _observe(host: HostDrivers, request: VmRef, _report: Report) -> VmSeen:
    return await _seen(host, request.vm_id)


def _about(request: VmRef | VmReboot) -> str:
    return f"vm:{request.vm_id}"


HANDLERS = (
    Handler(operation=VM_DEFINE, run=_define, about=lambda request: f"vm:{request.vm.id}"),
    Handler(operation=VM_PLUG, run=_plug, about=lambda request: f"vm:{request.vm.id}"),
    Handler(operation=VM_TAKE, run=_take, about=lambda request: f"vm:{request.domain_id}"),
    Handler(operation=VM_GIVE_BACK, run=_give_back, about=lambda request: f"vm:{request.domain_id}"),
    Handler(operation=VM_UNDEFINE, run=_undefine, about=_about),
    Handler(operation=VM_START, run=_start, about=_about),
    Handler(operation=VM_SHUTDOWN, run=_shutdown, about=_about),
    Handler(operation=VM_DESTROY, run=_destroy, about=_about),
    Handler(operation=VM_REBOOT, run=_reboot, about=_about),
    Handler(operation=VM_PAUSE, run=_pause, about=_about),
    Handler(operation=VM_RESUME, run=_resume, about=_about),
    Handler(operation=VM_SUSPEND, run=_suspend, about=_about),
    Handler(operation=VM_OBSERVE, run=_observe, about=None),
)
