"""What the guest agent tells. Blocking: run it in a worker thread."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Iterator, Mapping
from typing import Any

import libvirt
import libvirt_qemu

from altus.model.vm import GuestFacts, GuestFilesystem

_ANSWER_SECONDS = 1
_WANTED = (
    libvirt.VIR_DOMAIN_GUEST_INFO_OS
    | libvirt.VIR_DOMAIN_GUEST_INFO_HOSTNAME
    | libvirt.VIR_DOMAIN_GUEST_INFO_FILESYSTEM
    | libvirt.VIR_DOMAIN_GUEST_INFO_INTERFACES
)
_ALL_SUPPORTED = 0


def ask_guest(domain: libvirt.virDomain) -> GuestFacts | None:
    """Facts by `virDomainGetGuestInfo` and the agent's `guest-info`; None if no agent answers."""
    if domain.state()[0] != libvirt.VIR_DOMAIN_RUNNING:
        return None
    try:
        domain.agentSetResponseTimeout(_ANSWER_SECONDS)
        answer = libvirt_qemu.qemuAgentCommand(domain, '{"execute":"guest-info"}', _ANSWER_SECONDS, 0)
        return _facts(str(json.loads(answer)["return"]["version"]), _info(domain))
    except libvirt.libvirtError as error:
        if error.get_error_code() in {
            libvirt.VIR_ERR_AGENT_UNRESPONSIVE,
            libvirt.VIR_ERR_AGENT_UNSYNCED,
            libvirt.VIR_ERR_OPERATION_INVALID,  # it stopped between two questions
        }:
            return None
        raise


def _info(domain: libvirt.virDomain) -> Mapping[str, Any]:
    try:
        return dict(domain.guestInfo(_WANTED))
    except libvirt.libvirtError as error:
        if error.get_error_code() == libvirt.VIR_ERR_AGENT_UNRESPONSIVE:
            raise
        return dict(domain.guestInfo(_ALL_SUPPORTED))  # an agent that cannot do one of them: take what it can


def _facts(version: str, info: Mapping[str, Any]) -> GuestFacts:
    return GuestFacts(
        agent_version=version,
        hostname=str(info.get("hostname", "")),
        os_name=str(info.get("os.pretty-name") or info.get("os.name") or ""),
        kernel=str(info.get("os.kernel-release", "")),
        addresses=tuple(_addresses(info)),
        filesystems=tuple(_filesystems(info)),
    )


def _addresses(info: Mapping[str, Any]) -> Iterator[str]:
    """Addresses by which others can reach the guest."""
    for nic in range(info.get("if.count", 0)):
        for index in range(info.get(f"if.{nic}.addr.count", 0)):
            address = ipaddress.ip_address(info[f"if.{nic}.addr.{index}.addr"])
            if not (address.is_loopback or address.is_link_local):
                yield str(address)


def _filesystems(info: Mapping[str, Any]) -> Iterator[GuestFilesystem]:
    for index in range(info.get("fs.count", 0)):
        name = f"fs.{index}"
        yield GuestFilesystem(
            mountpoint=str(info[f"{name}.mountpoint"]),
            type=str(info.get(f"{name}.fstype", "")),
            total=int(info.get(f"{name}.total-bytes", 0)),
            used=int(info.get(f"{name}.used-bytes", 0)),
        )
