"""Disks of the fake's running VMs: there is nothing to switch, but the same is refused."""

from __future__ import annotations

from collections.abc import Sequence

from altus.drivers.hypervisor.fake_host import FakeHost
from altus.drivers.hypervisor.refusals import not_quiesced
from altus.model.vm import VmState


class FakeDisks:
    """See `DiskSwitch`."""

    def __init__(self, host: FakeHost) -> None:
        self._host = host

    async def switch(self, vm_id: str, paths: Sequence[str], *, quiesce: bool = False) -> None:
        """See `DiskSwitch.switch`."""
        self._host.enter("switch")
        found = self._host.require_active(vm_id)
        if quiesce and (found.state is not VmState.RUNNING or vm_id not in self._host.with_agent):
            raise not_quiesced(vm_id, "it does not answer")
