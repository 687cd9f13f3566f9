"""Virtual machines."""

from __future__ import annotations

from altus.sdk.changes import Change
from altus.sdk.resources import Resources
from altus.sdk.shapes import read_page, segment
from altus.wire.base import ListView
from altus.wire.tasks import EventView
from altus.wire.vms import DiskEdit, NicEdit, VmAdopt, VmClone, VmCreate, VmEdit, VmMigrate, VmRestart, VmStop, VmView


class Vms(Resources[VmView]):
    """`/vms`; every argument `vm` is an id or a name."""

    path = "/vms"
    view = VmView

    def create(self, body: VmCreate) -> Change:
        """A new VM."""
        return self._change("POST", self.path, body)

    def adopt(self, host: str, body: VmAdopt) -> Change:
        """Let a domain on a host that is off and unmanaged become a VM."""
        return self._change("POST", f"/hosts/{segment(host)}/adopt", body)

    def edit(self, vm: str, body: VmEdit) -> Change:
        """Change what `body` has set."""
        return self._change("PATCH", self._one(vm), body)

    def edit_nic(self, vm: str, nic: str, body: NicEdit) -> Change:
        """Change what `body` has set of a NIC, named by its id or MAC."""
        return self._change("PATCH", self._one(vm, f"nics/{segment(nic)}"), body)

    def edit_disk(self, vm: str, disk: str, body: DiskEdit) -> Change:
        """Change a disk, named by its volume's id or name."""
        return self._change("PATCH", self._one(vm, f"disks/{segment(disk)}"), body)

    def delete(self, vm: str, *, keep_volumes: bool = False, force: bool = False) -> Change:
        """Remove it, with its disks unless they are to be kept; `force` cuts a running one's power first."""
        options = {"keep_volumes": keep_volumes, "force": force}
        query = [(name, "true") for name, wanted in options.items() if wanted]
        return self._change("DELETE", self._one(vm), query=query)

    def clone(self, vm: str, body: VmClone) -> Change:
        """Copy a stopped VM."""
        return self._change("POST", self._one(vm, "clone"), body)

    def start(self, vm: str) -> Change:
        """Start it; a suspended one goes on."""
        return self._change("POST", self._one(vm, "start"))

    def stop(self, vm: str, body: VmStop | None = None) -> Change:
        """Ask the guest to shut down."""
        return self._change("POST", self._one(vm, "stop"), body or VmStop())

    def restart(self, vm: str, body: VmRestart | None = None) -> Change:
        """Restart the guest."""
        return self._change("POST", self._one(vm, "restart"), body or VmRestart())

    def kill(self, vm: str) -> Change:
        """Cut its power."""
        return self._change("POST", self._one(vm, "kill"))

    def pause(self, vm: str) -> Change:
        """Stop its vCPUs."""
        return self._change("POST", self._one(vm, "pause"))

    def resume(self, vm: str) -> Change:
        """Let a paused or suspended one run again."""
        return self._change("POST", self._one(vm, "resume"))

    def suspend(self, vm: str) -> Change:
        """Save its memory to disk and stop it."""
        return self._change("POST", self._one(vm, "suspend"))

    def migrate(self, vm: str, body: VmMigrate | None = None) -> Change:
        """Let it go on on another host while it runs."""
        return self._change("POST", self._one(vm, "migrate"), body or VmMigrate())

    def repair(self, vm: str) -> Change:
        """Have its host know it as the database does; no disk is made."""
        return self._change("POST", self._one(vm, "repair"))

    async def events(self, vm: str) -> ListView[EventView]:
        """What happened to it, newest first."""
        return read_page(EventView, (await self._transport.call("GET", self._one(vm, "events"))).body)

    async def screenshot(self, vm: str) -> bytes:
        """Its screen as PNG."""
        return (await self._transport.call("GET", self._one(vm, "screenshot"))).body
