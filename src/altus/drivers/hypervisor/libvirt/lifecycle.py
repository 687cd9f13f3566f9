"""Changes of a domain's state. Blocking: run them in a worker thread. All but `reboot` may be repeated."""

from __future__ import annotations

import json
from collections.abc import Callable

import libvirt
import libvirt_qemu

from altus.common.errors import Conflict
from altus.drivers.hypervisor.libvirt.errors import not_running
from altus.drivers.hypervisor.libvirt.observe import read_metadata
from altus.model.cpu import CpuOffer, require_cpu

Change = Callable[[libvirt.virDomain], None]

_UNDEFINE = (
    libvirt.VIR_DOMAIN_UNDEFINE_MANAGED_SAVE
    | libvirt.VIR_DOMAIN_UNDEFINE_NVRAM
    | libvirt.VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA
    | libvirt.VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA
)
_AGENT_SECONDS = 1


def start(domain: libvirt.virDomain, *, offer: CpuOffer) -> None:
    """`virDomainCreate`, which restores a managed save image if there is one. `Conflict` (`host.cpu`): without KVM
    libvirt itself would start a guest without what QEMU cannot emulate of its CPU."""
    if domain.isActive():
        return
    metadata = read_metadata(domain)
    require_cpu("The host", offer, metadata.vm().cpu if metadata is not None else None)
    try:
        domain.create()
    except libvirt.libvirtError:
        if not domain.isActive():  # else another start was faster
            raise


def destroy(domain: libvirt.virDomain) -> None:
    """`virDomainDestroy`, then the saved state is dropped."""
    if domain.isActive():
        try:
            domain.destroy()
        except libvirt.libvirtError:
            if domain.isActive():  # else it ended by itself
                raise
    if domain.hasManagedSaveImage():
        domain.managedSaveRemove()


def undefine(domain: libvirt.virDomain) -> None:
    """`virDomainUndefineFlags` with all that belongs to the domain; refuses while it runs."""
    if domain.isActive():
        raise Conflict(
            "The VM is running and cannot be removed.", code="vm.running", hint="Stop it first.",
            vm_id=domain.UUIDString(),
        )  # fmt: skip
    domain.undefineFlags(_UNDEFINE)


def shutdown(domain: libvirt.virDomain, *, insist: bool) -> None:
    """Ask the guest agent; press the power button if it does not answer, or if asking was not enough before (`insist`).
    Libvirt's own way of asking the agent waits up to a minute for the guest's end, so the agent is told directly."""
    state, _ = domain.state()
    if state == libvirt.VIR_DOMAIN_SHUTOFF:
        if domain.hasManagedSaveImage():
            raise not_running(domain.UUIDString())
        return
    if state == libvirt.VIR_DOMAIN_RUNNING and _ask_agent(domain, "powerdown") and not insist:
        return
    try:
        domain.shutdownFlags(libvirt.VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN)
    except libvirt.libvirtError:
        if domain.isActive():  # else it ended by itself
            raise


def reboot(domain: libvirt.virDomain, *, force: bool) -> None:
    """`virDomainReset`, or a request to the agent or, without one, by the power button (libvirt then resets instead
    of ending QEMU)."""
    state, _ = domain.state()
    if state == libvirt.VIR_DOMAIN_SHUTOFF:
        raise not_running(domain.UUIDString())
    if force:
        domain.reset()
    elif not _ask_agent(domain, "reboot"):
        domain.reboot(libvirt.VIR_DOMAIN_REBOOT_ACPI_POWER_BTN)


def pause(domain: libvirt.virDomain) -> None:
    """`virDomainSuspend`."""
    _require_active(domain)
    if domain.state()[0] != libvirt.VIR_DOMAIN_PAUSED:
        domain.suspend()


def resume(domain: libvirt.virDomain) -> None:
    """`virDomainResume`."""
    _require_active(domain)
    if domain.state()[0] == libvirt.VIR_DOMAIN_PMSUSPENDED:
        domain.pMWakeup()
    elif domain.state()[0] != libvirt.VIR_DOMAIN_RUNNING:
        domain.resume()


def suspend(domain: libvirt.virDomain) -> None:
    """`virDomainManagedSave`; also a paused VM runs when it is started from there."""
    if not domain.isActive() and domain.hasManagedSaveImage():
        return
    _require_active(domain)
    domain.managedSave(libvirt.VIR_DOMAIN_SAVE_RUNNING)


def _require_active(domain: libvirt.virDomain) -> None:
    if not domain.isActive():
        raise not_running(domain.UUIDString())


def _ask_agent(domain: libvirt.virDomain, mode: str) -> bool:
    """Send guest-shutdown; whether an agent took it. It answers only if it cannot do it, so silence is success."""
    command = json.dumps({"execute": "guest-shutdown", "arguments": {"mode": mode}})
    try:
        domain.agentSetResponseTimeout(_AGENT_SECONDS)
        libvirt_qemu.qemuAgentCommand(domain, '{"execute":"guest-ping"}', _AGENT_SECONDS, 0)
    except libvirt.libvirtError:
        return False
    try:
        libvirt_qemu.qemuAgentCommand(domain, command, _AGENT_SECONDS, 0)
    except libvirt.libvirtError as error:
        return bool(error.get_error_code() == libvirt.VIR_ERR_AGENT_UNRESPONSIVE)
    return True
