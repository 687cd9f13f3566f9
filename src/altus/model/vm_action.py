"""What may be done with a VM in which state: the one table from which checks, `allowed_actions` and clients derive."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from altus.common.errors import Conflict
from altus.model.permission import Permission
from altus.model.vm import Vm, VmState


class VmAction(StrEnum):
    """Verbs, as in the API and the command line."""

    START = "start"
    STOP = "stop"
    RESTART = "restart"
    KILL = "kill"
    PAUSE = "pause"
    RESUME = "resume"
    SUSPEND = "suspend"
    MIGRATE = "migrate"
    EDIT = "edit"
    REPAIR = "repair"
    CLONE = "clone"
    DELETE = "delete"
    CONSOLE = "console"


_S = VmState
_ON_HOST = frozenset({_S.STOPPED, _S.RUNNING, _S.PAUSED, _S.SUSPENDED, _S.CRASHED})


@dataclass(frozen=True)
class ActionRule:
    """The states in which an action is possible, and the permission it needs. Deleting and repairing are offered for
    `unknown` too, since a VM may be gone from its host; the task looks there first."""

    states: frozenset[VmState]
    permission: Permission


RULES: dict[VmAction, ActionRule] = {
    VmAction.START: ActionRule(frozenset({_S.STOPPED, _S.SUSPENDED, _S.CRASHED}), Permission.VM_OPERATE),
    VmAction.STOP: ActionRule(frozenset({_S.RUNNING}), Permission.VM_OPERATE),
    VmAction.RESTART: ActionRule(frozenset({_S.RUNNING}), Permission.VM_OPERATE),
    VmAction.KILL: ActionRule(frozenset({_S.RUNNING, _S.PAUSED, _S.SUSPENDED, _S.CRASHED}), Permission.VM_OPERATE),
    VmAction.PAUSE: ActionRule(frozenset({_S.RUNNING}), Permission.VM_OPERATE),
    VmAction.RESUME: ActionRule(frozenset({_S.PAUSED, _S.SUSPENDED}), Permission.VM_OPERATE),
    VmAction.SUSPEND: ActionRule(frozenset({_S.RUNNING, _S.PAUSED}), Permission.VM_OPERATE),
    VmAction.MIGRATE: ActionRule(frozenset({_S.RUNNING}), Permission.VM_OPERATE),
    VmAction.EDIT: ActionRule(_ON_HOST, Permission.VM_EDIT),
    VmAction.REPAIR: ActionRule(_ON_HOST | {_S.UNKNOWN}, Permission.VM_EDIT),
    VmAction.CLONE: ActionRule(frozenset({_S.STOPPED}), Permission.VM_CREATE),
    VmAction.DELETE: ActionRule(
        frozenset({_S.STOPPED, _S.CRASHED, _S.SUSPENDED, _S.UNKNOWN, _S.FAILED}), Permission.VM_DELETE
    ),
    VmAction.CONSOLE: ActionRule(frozenset({_S.RUNNING, _S.PAUSED}), Permission.VM_CONSOLE),
}

_HINTS = {
    _S.RUNNING: "Stop it first.",
    _S.STOPPED: "Start it first.",
    _S.PAUSED: "Resume it first.",
    _S.SUSPENDED: "Start it first: it goes on from its saved memory.",
    _S.UNKNOWN: "Its host does not answer; see `altus host list`.",
    _S.CREATING: "Wait until it is created.",
    _S.DELETING: "It is being deleted.",
    _S.FAILED: "It could not be made whole; delete it.",
}


def refusal(vm: Vm, action: VmAction) -> str:
    """Why the action is not possible now, as a sentence; empty if it is."""
    if vm.state not in RULES[action].states:
        return f"VM {vm.name} is {vm.state}."
    if action is VmAction.DELETE and vm.protected:
        return f"VM {vm.name} is protected from deletion."
    if action is VmAction.MIGRATE and vm.restart_pending:
        return f"VM {vm.name} does not run with its new hardware yet."
    return ""


def require(vm: Vm, action: VmAction) -> None:
    """Raise `Conflict` (`vm.state`, `vm.protected`, `vm.restart_pending`) if the action is not possible now."""
    why = refusal(vm, action)
    if not why:
        return
    if vm.state in RULES[action].states and action is VmAction.MIGRATE:
        raise Conflict(why, code="vm.restart_pending", hint="Restart it first.")
    if vm.state in RULES[action].states:
        raise Conflict(why, code="vm.protected", hint="Take its protection away first: `altus vm edit --unprotect`.")
    raise Conflict(
        f"{why} It cannot be told to {action} now.", code="vm.state", hint=_HINTS.get(vm.state, ""), state=vm.state
    )
