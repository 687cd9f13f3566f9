"""What is written into a VM's definition when it leaves this host with its disks: it may have run on the other one."""

from __future__ import annotations

import libvirt

_NAMESPACE = "https://altus.invalid/left/1"
_PREFIX = "altus-left"
_KIND = libvirt.VIR_DOMAIN_METADATA_ELEMENT
_WHERE = libvirt.VIR_DOMAIN_AFFECT_CONFIG


def note_left(domain: libvirt.virDomain, *, left: bool) -> None:
    """Write it into the definition, or take it out. Blocking."""
    if left or has_left(domain):
        domain.setMetadata(_KIND, "<left/>" if left else None, _PREFIX, _NAMESPACE, _WHERE)


def has_left(domain: libvirt.virDomain) -> bool:
    """Whether the definition says so. Blocking."""
    try:
        domain.metadata(_KIND, _NAMESPACE, _WHERE)
    except libvirt.libvirtError as error:
        if error.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN_METADATA:
            return False
        raise
    return True
