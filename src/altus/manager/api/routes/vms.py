"""Virtual machines."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import Response
from pydantic import TypeAdapter

from altus.manager.api.deps import CHANGE_RESPONSES, AnswerDep, Listing, Ref, Requires, SelectionDep, ServicesDep, send
from altus.manager.api.views import vm_json, vm_view
from altus.model.actor import Actor
from altus.model.permission import Permission
from altus.model.vm_action import VmAction
from altus.wire.base import ListView
from altus.wire.tasks import EventView
from altus.wire.vms import DiskEdit, NicEdit, VmClone, VmCreate, VmDelete, VmEdit, VmMigrate, VmRestart, VmStop, VmView

router = APIRouter(prefix="/vms", tags=["vms"])
_ONE, _LIST = TypeAdapter(VmView), Listing(VmView)
_EVENTS = Listing(EventView)
Reader = Annotated[Actor, Depends(Requires(Permission.VM_READ))]
Creator = Annotated[Actor, Depends(Requires(Permission.VM_CREATE))]
Editor = Annotated[Actor, Depends(Requires(Permission.VM_EDIT))]
Deleter = Annotated[Actor, Depends(Requires(Permission.VM_DELETE))]
Operator = Annotated[Actor, Depends(Requires(Permission.VM_OPERATE))]
EventReader = Annotated[Actor, Depends(Requires(Permission.EVENT_READ))]


@router.get("", response_model=ListView[VmView])
async def list_vms(actor: Reader, services: ServicesDep, selection: SelectionDep) -> Response:
    """VMs, a page at a time."""
    page = await services.vms.page(actor, selection.query)
    if selection.whole:
        return _LIST.send_encoded([vm_json(actor, vm) for vm in page.items], page.next)
    return selection.send(_LIST, [vm_view(actor, vm) for vm in page.items], page.next)


@router.post("", status_code=202, responses=CHANGE_RESPONSES)
async def create_vm(actor: Creator, services: ServicesDep, answer: AnswerDep, body: VmCreate) -> Response:
    """Create a VM, from an image or with empty disks, and start it if asked."""
    return await answer(actor, services.vms.create(actor, body))


@router.get("/{ref}", response_model=VmView)
async def get_vm(actor: Reader, services: ServicesDep, ref: Ref) -> Response:
    """One VM."""
    return send(_ONE, vm_view(actor, *await services.vms.show(actor, ref)))


@router.patch("/{ref}", status_code=202, responses=CHANGE_RESPONSES)
async def edit_vm(actor: Editor, services: ServicesDep, answer: AnswerDep, ref: Ref, body: VmEdit) -> Response:
    """Change a VM; disks and NICs of a running guest come and go at once, what it cannot take up applies at its next
    start."""
    return await answer(actor, services.vms.edit(actor, ref, body))


@router.patch("/{ref}/nics/{nic}", status_code=202, responses=CHANGE_RESPONSES)
async def edit_vm_nic(actor: Editor, services: ServicesDep, answer: AnswerDep, ref: Ref, nic: Ref,
                      body: NicEdit) -> Response:  # fmt: skip
    """Change a NIC of a VM, by its id or MAC; a running guest goes on."""
    return await answer(actor, services.vms.edit_nic(actor, ref, nic, body))


@router.patch("/{ref}/disks/{disk}", status_code=202, responses=CHANGE_RESPONSES)
async def edit_vm_disk(actor: Editor, services: ServicesDep, answer: AnswerDep, ref: Ref, disk: Ref,
                       body: DiskEdit) -> Response:  # fmt: skip
    """Change a disk of a VM, by its volume's id or name; a running guest goes on."""
    return await answer(actor, services.vms.edit_disk(actor, ref, disk, body))


@router.delete("/{ref}", status_code=202, responses=CHANGE_RESPONSES)
async def delete_vm(actor: Deleter, services: ServicesDep, answer: AnswerDep, ref: Ref,
                    keep_volumes: bool = False, force: bool = False) -> Response:  # fmt: skip
    """Delete a VM, with its disks unless they are to be kept; `force` cuts a running one's power first."""
    return await answer(actor, services.vms.delete(actor, ref, VmDelete(keep_volumes=keep_volumes, force=force)))


@router.post("/{ref}/clone", status_code=202, responses=CHANGE_RESPONSES)
async def clone_vm(actor: Creator, services: ServicesDep, answer: AnswerDep, ref: Ref, body: VmClone) -> Response:
    """Copy a stopped VM."""
    return await answer(actor, services.vms.clone(actor, ref, body))


@router.post("/{ref}/start", status_code=202, responses=CHANGE_RESPONSES)
async def start_vm(actor: Operator, services: ServicesDep, answer: AnswerDep, ref: Ref) -> Response:
    """Start a VM; a suspended one goes on from its saved memory."""
    return await answer(actor, services.power.simple(actor, ref, VmAction.START))


@router.post("/{ref}/stop", status_code=202, responses=CHANGE_RESPONSES)
async def stop_vm(actor: Operator, services: ServicesDep, answer: AnswerDep, ref: Ref,
                  body: VmStop | None = None) -> Response:  # fmt: skip
    """Ask the guest to shut down."""
    return await answer(actor, services.power.stop(actor, ref, body or VmStop()))


@router.post("/{ref}/restart", status_code=202, responses=CHANGE_RESPONSES)
async def restart_vm(actor: Operator, services: ServicesDep, answer: AnswerDep, ref: Ref,
                     body: VmRestart | None = None) -> Response:  # fmt: skip
    """Restart the guest, politely or by reset."""
    return await answer(actor, services.power.restart(actor, ref, body or VmRestart()))


@router.post("/{ref}/kill", status_code=202, responses=CHANGE_RESPONSES)
async def kill_vm(actor: Operator, services: ServicesDep, answer: AnswerDep, ref: Ref) -> Response:
    """Cut a VM's power."""
    return await answer(actor, services.power.simple(actor, ref, VmAction.KILL))


@router.post("/{ref}/pause", status_code=202, responses=CHANGE_RESPONSES)
async def pause_vm(actor: Operator, services: ServicesDep, answer: AnswerDep, ref: Ref) -> Response:
    """Stop a VM's vCPUs."""
    return await answer(actor, services.power.simple(actor, ref, VmAction.PAUSE))


@router.post("/{ref}/resume", status_code=202, responses=CHANGE_RESPONSES)
async def resume_vm(actor: Operator, services: ServicesDep, answer: AnswerDep, ref: Ref) -> Response:
    """Let a paused or suspended VM run again."""
    return await answer(actor, services.power.simple(actor, ref, VmAction.RESUME))


@router.post("/{ref}/suspend", status_code=202, responses=CHANGE_RESPONSES)
async def suspend_vm(actor: Operator, services: ServicesDep, answer: AnswerDep, ref: Ref) -> Response:
    """Save a VM's memory to disk and stop it."""
    return await answer(actor, services.power.simple(actor, ref, VmAction.SUSPEND))


@router.post("/{ref}/migrate", status_code=202, responses=CHANGE_RESPONSES)
async def migrate_vm(actor: Operator, services: ServicesDep, answer: AnswerDep, ref: Ref, body: VmMigrate) -> Response:
    """Let a running VM go on on another host that reaches its storage."""
    return await answer(actor, services.power.migrate(actor, ref, body))


@router.post("/{ref}/repair", status_code=202, responses=CHANGE_RESPONSES)
async def repair_vm(actor: Editor, services: ServicesDep, answer: AnswerDep, ref: Ref) -> Response:
    """Have its host know it as the database does: its ports and its definition, which a running guest gets at its next
    start. No disk is made."""
    return await answer(actor, services.vms.repair(actor, ref))


@router.get("/{ref}/events", response_model=ListView[EventView])
async def list_vm_events(actor: EventReader, services: ServicesDep, ref: Ref) -> Response:
    """What happened to a VM, newest first."""
    vm = await services.vms.get(actor, ref)
    events = await services.tasks.events_of(actor, vm.id, vm.project_id)
    return _EVENTS.send([EventView.model_validate(event) for event in events])
