"""Errors that all hypervisor drivers share."""

from __future__ import annotations

from altus.common.errors import Conflict


def not_quiesced(vm_id: str, reason: str) -> Conflict:
    """The error for a guest whose agent did not have its file systems written out."""
    return Conflict(
        f"The guest's agent did not write its file systems out: {reason.rstrip('.')}.",
        code="snapshot.not_quiesced",
        hint="Install the guest agent, or take the snapshot without it.",
        vm_id=vm_id,
    )
