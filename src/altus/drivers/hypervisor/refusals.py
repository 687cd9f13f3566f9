"""Errors that all hypervisor drivers share."""

from __future__ import annotations

from altus.common.errors import Conflict, LimitExceeded


def not_quiesced(vm_id: str, reason: str) -> Conflict:
    """The error for a guest whose agent did not have its file systems written out."""
    return Conflict(
        f"The guest's agent did not write its file systems out: {reason.rstrip('.')}.",
        code="snapshot.not_quiesced",
        hint="Install the guest agent, or take the snapshot without it.",
        vm_id=vm_id,
    )


def no_slot(vm_id: str, wanted: int, free: int) -> LimitExceeded:
    """The error for a running guest without room for so many more disks and NICs."""
    return LimitExceeded(
        f"The running guest has {free} free slots, {wanted} are needed.",
        code="device.no_slot",
        hint="A restart gives it new ones: `altus vm restart --force`, or stop the VM first.",
        vm_id=vm_id,
    )
