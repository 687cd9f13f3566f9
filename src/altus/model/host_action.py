"""What may be done with a host in which state: checks, `allowed_actions` and clients derive from this table."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from altus.common.errors import Conflict
from altus.model.host import Host, HostState


class HostAction(StrEnum):
    """`maintain` and `activate` are maintenance on and off; `renew` gives a new certificate; `remove` is for
    hosts that are to leave, `forget` for those that will never come back."""

    MAINTAIN = "maintain"
    ACTIVATE = "activate"
    RENEW = "renew"
    REMOVE = "remove"
    FORGET = "forget"


@dataclass(frozen=True)
class ActionRule:
    """The states in which an action is possible; `maintenance` tells whether it must have been asked for before (None:
    either). A host that never came has nothing to be maintained."""

    states: frozenset[HostState]
    maintenance: bool | None = None
    hint: str = ""


_S = HostState
RULES: dict[HostAction, ActionRule] = {
    HostAction.MAINTAIN: ActionRule(frozenset({_S.UP}), False, hint="Maintenance begins on a host that is up."),
    HostAction.ACTIVATE: ActionRule(
        frozenset({_S.UP, _S.MAINTENANCE, _S.UNREACHABLE}), True, hint="There is no maintenance to end."
    ),
    HostAction.RENEW: ActionRule(
        frozenset({_S.UP, _S.MAINTENANCE}), hint="A host that has lost its key is enrolled again: `altus host add`."
    ),
    HostAction.REMOVE: ActionRule(
        frozenset({_S.ENROLLING, _S.MAINTENANCE, _S.UNREACHABLE}),
        True,
        hint="Put it into maintenance first; one that is off for ever is given up: `altus host forget`.",
    ),
    HostAction.FORGET: ActionRule(
        frozenset({_S.ENROLLING, _S.UNREACHABLE}), hint="A host that answers is put into maintenance and removed."
    ),
}


def refusal(host: Host, action: HostAction) -> str:
    """Why the action is not possible now, as a sentence; empty if it is."""
    rule = RULES[action]
    if host.state not in rule.states:
        return f"Host {host.name} is {host.state.words}."
    if host.state is HostState.ENROLLING or rule.maintenance is None:
        return ""
    if host.maintenance is not rule.maintenance:
        return f"Maintenance of host {host.name} was {'not ' if rule.maintenance else ''}asked for."
    return ""


def require(host: Host, action: HostAction) -> None:
    """Raise `Conflict` (`host.state`) if the action is not possible now."""
    if why := refusal(host, action):
        raise Conflict(f"{why} It cannot be told to {action} now.", code="host.state", hint=RULES[action].hint,
                       state=host.state)  # fmt: skip
