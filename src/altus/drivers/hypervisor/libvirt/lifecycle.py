"""Changes of a domain's state. Blocking: run them in a worker thread. All but `reboot` may be repeated."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from xml.etree import ElementTree as ET

import libvirt
import libvirt_qemu

from altus.common.errors import Conflict
from altus.drivers.hypervisor.libvirt.errors import not_running
from altus.drivers.hypervisor.libvirt.observe import read_metadata
from altus.drivers.hypervisor.libvirt.switch import without_backing
from altus.drivers.hypervisor.libvirt.xml.channel import AGENT_CHANNEL
from altus.model.cpu import CpuOffer, require_cpu

Change = Callable[[libvirt.virDomain], None]

_UNDEFINE = (
    libvirt.VIR_DOMAIN_UNDEFINE_MANAGED_SAVE
    | libvirt.VIR_DOMAIN_UNDEFINE_NVRAM
    | libvirt.VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA
    | libvirt.VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA
)
_AT_ITS_END = (libvirt.VIR_DOMAIN_SHUTDOWN, libvirt.VIR_DOMAIN_SHUTOFF)
"""The guest has powered off; libvirt, which notices QEMU's end a little later, presses no button any more."""
_AGENT_SECONDS = 1
_LISTENS = f"devices/channel/target[@name='{AGENT_CHANNEL}'][@state='connected']"


def start(domain: libvirt.virDomain, *, offer: CpuOffer) -> None:
    """`virDomainCreate`, which restores a managed save image if there is one. `Conflict` (`host.cpu`): without KVM
    libvirt itself would start a guest without what QEMU cannot emulate of its CPU."""
    if domain.isActive():
        return
    metadata = read_metadata(domain)
    require_cpu("The host", offer, metadata.vm().cpu if metadata is not None else None)
    _forget_backing(domain)
    try:
        domain.create()
    except libvirt.libvirtError:
        if not domain.isActive():  # else another start was faster
            raise


def _forget_backing(domain: libvirt.virDomain) -> None:
    """A saved guest may have had its disks switched while it ran."""
    if domain.hasManagedSaveImage():
        saved = domain.managedSaveGetXMLDesc(libvirt.VIR_DOMAIN_SAVE_IMAGE_XML_SECURE)
        domain.managedSaveDefineXML(without_backing(saved))


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


def shutdown(domain: libvirt.virDomain) -> None:
    """Ask the guest agent, which is told directly: libvirt's own way waits up to a minute for the guest's end. An agent
    that went away when it was told has obeyed; one that stays is as silent as one that hangs, so the power button is
    pressed as well. A guest that hears both stops once, but later."""
    state, _ = domain.state()
    if state == libvirt.VIR_DOMAIN_SHUTOFF:
        if domain.hasManagedSaveImage():
            raise not_running(domain.UUIDString())
        return
    if state == libvirt.VIR_DOMAIN_RUNNING and _agent_listens(domain):
        with contextlib.suppress(libvirt.libvirtError):
            _tell_agent(domain, "guest-shutdown", mode="powerdown")
        if not _agent_listens(domain):
            return
    try:
        domain.shutdownFlags(libvirt.VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN)
    except libvirt.libvirtError:
        if domain.state()[0] not in _AT_ITS_END:  # else it ends, or has ended, by itself
            raise


def reboot(domain: libvirt.virDomain, *, force: bool) -> None:
    """`virDomainReset`, or a request to the agent or, without one, by the power button (libvirt then resets instead
    of ending QEMU)."""
    state, _ = domain.state()
    if state == libvirt.VIR_DOMAIN_SHUTOFF:
        raise not_running(domain.UUIDString())
    if force:
        domain.reset()
    elif not _reboots(domain):
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


def _reboots(domain: libvirt.virDomain) -> bool:
    """Whether an agent took it: it answers only if it cannot do it, so silence after an answered ping is success."""
    try:
        _tell_agent(domain, "guest-ping")
    except libvirt.libvirtError:
        return False
    try:
        _tell_agent(domain, "guest-shutdown", mode="reboot")
    except libvirt.libvirtError as error:
        return bool(error.get_error_code() == libvirt.VIR_ERR_AGENT_UNRESPONSIVE)
    return True


def _agent_listens(domain: libvirt.virDomain) -> bool:
    """Whether a program in the guest has the agent's channel open."""
    return ET.fromstring(domain.XMLDesc()).find(_LISTENS) is not None  # noqa: S314 - libvirt's own


def _tell_agent(domain: libvirt.virDomain, command: str, **arguments: str) -> None:
    """`virDomainQemuAgentCommand`; raises `libvirtError` if there is no answer within _AGENT_SECONDS."""
    domain.agentSetResponseTimeout(_AGENT_SECONDS)
    libvirt_qemu.qemuAgentCommand(domain, json.dumps({"execute": command, "arguments": arguments}), _AGENT_SECONDS, 0)
