"""The one place where libvirt's errors become ours."""

from __future__ import annotations

import re

import libvirt

from altus.common.errors import AltusError, Conflict, Failed, InvalidInput, LimitExceeded, NotFound, Unavailable

_GONE = frozenset({libvirt.VIR_ERR_NO_CONNECT, libvirt.VIR_ERR_INVALID_CONN, libvirt.VIR_ERR_RPC,
                   libvirt.VIR_ERR_AUTH_UNAVAILABLE, libvirt.VIR_ERR_NO_CLIENT})  # fmt: skip
_BUSY = frozenset({libvirt.VIR_ERR_OPERATION_TIMEOUT, libvirt.VIR_ERR_RESOURCE_BUSY})
_XML = frozenset({libvirt.VIR_ERR_XML_ERROR, libvirt.VIR_ERR_XML_DETAIL, libvirt.VIR_ERR_XML_INVALID_SCHEMA,
                  libvirt.VIR_ERR_CONFIG_UNSUPPORTED})  # fmt: skip
_GENERAL = frozenset({libvirt.VIR_ERR_SYSTEM_ERROR, libvirt.VIR_ERR_INTERNAL_ERROR})
_TRANSPORT = frozenset({libvirt.VIR_FROM_RPC, libvirt.VIR_FROM_REMOTE, libvirt.VIR_FROM_NONE,
                        libvirt.VIR_FROM_STREAMS})  # fmt: skip
_GONE_TEXT = re.compile(r"client socket is closed|Cannot recv data|End of file while reading|Broken pipe|"
                        r"Failed to connect socket|Connection refused|keepalive", re.IGNORECASE)  # fmt: skip
_MEMORY_TEXT = re.compile(r"cannot set up guest memory|Cannot allocate memory", re.IGNORECASE)


def not_on_host(vm_id: str) -> NotFound:
    """The VM has no domain here."""
    return NotFound(f"VM {vm_id} is not on this host.", code="vm.not_on_host", vm_id=vm_id)


def not_running(vm_id: str) -> Conflict:
    """What was asked for needs a running guest."""
    return Conflict(f"VM {vm_id} is not running.", code="vm.not_running", hint="Start it first.", vm_id=vm_id)


def unavailable(reason: str) -> Unavailable:
    """Libvirt does not answer."""
    return Unavailable(
        f"Libvirt does not answer: {reason}.",
        code="hypervisor.unavailable",
        hint="The same call succeeds when libvirtd is back; see its log if it stays away.",
    )


def is_connection_loss(error: libvirt.libvirtError) -> bool:
    """Whether the error says that libvirtd went away, rather than that it refused."""
    code = error.get_error_code()
    if code in _GONE:
        return True
    return code in _GENERAL and error.get_error_domain() in _TRANSPORT and bool(_GONE_TEXT.search(str(error)))


def translate(error: libvirt.libvirtError, vm_id: str = "") -> AltusError:
    """Our error for libvirt's; codes: https://libvirt.org/html/libvirt-virterror.html."""
    code = error.get_error_code()
    text = (error.get_error_message() or str(error)).strip().rstrip(".")
    context = {"vm_id": vm_id} if vm_id else {}
    if is_connection_loss(error):
        return unavailable(text)
    if code == libvirt.VIR_ERR_NO_DOMAIN:
        return not_on_host(vm_id)
    if code in _BUSY:
        return Unavailable(f"The VM is busy: {text}.", code="vm.busy", hint="Try again soon.", **context)
    if code in _XML:
        return InvalidInput(f"Libvirt refuses the definition: {text}.", code="hypervisor.definition_refused", **context)
    if code == libvirt.VIR_ERR_OPERATION_INVALID:
        return Conflict(f"The VM's state does not allow it: {text}.", code="vm.wrong_state", **context)
    if code == libvirt.VIR_ERR_NO_MEMORY or _MEMORY_TEXT.search(text):
        return LimitExceeded(f"The host has not enough memory: {text}.", code="hypervisor.no_memory", **context)
    return Failed(f"Libvirt failed: {text}.", code="hypervisor.failed", libvirt_code=code, **context)
