"""Security group tasks: `security_group.create`, `.edit`, `.delete`, `.repair`."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

from altus.common.errors import Conflict
from altus.manager.store.database import Tx
from altus.manager.store.resources import SECURITY_GROUP
from altus.manager.store.security_groups import require_ready, require_remotes, users_of
from altus.manager.tasks.declare import Step, TaskType
from altus.manager.tasks.every_host import on_hosts_that_answer
from altus.manager.tasks.run import Run
from altus.model.permission import Permission
from altus.model.security_group import SecurityGroup, SecurityGroupState, SecurityRule, check_rules
from altus.model.task import Lock, exclusive, shared
from altus.wire.operations import (
    SECURITY_GROUP_DELETE,
    SECURITY_GROUP_ENSURE,
    SecurityGroupEnsure,
    SecurityGroupRef,
)

_GROUP = TypeAdapter(SecurityGroup)


@dataclass(frozen=True, kw_only=True)
class SecurityGroupMake:
    """The group as it will be stored."""

    group: SecurityGroup


@dataclass(frozen=True, kw_only=True)
class SecurityGroupEdit:
    """Only what is not None changes."""

    group_id: str
    name: str | None = None
    description: str | None = None
    add_rules: tuple[SecurityRule, ...] = ()
    remove_rules: tuple[str, ...] = ()

    def applied(self, group: SecurityGroup) -> SecurityGroup:
        """The group with the change."""
        plain = {f: v for f in ("name", "description") if (v := getattr(self, f)) is not None}
        rules = tuple(rule for rule in group.rules if rule.id not in self.remove_rules) + self.add_rules
        return dataclasses.replace(group, rules=rules, **plain)


@dataclass(frozen=True, kw_only=True)
class SecurityGroupChoice:
    """Which group."""

    group_id: str


def _remotes(rules: tuple[SecurityRule, ...], own_id: str) -> list[Lock]:
    """Groups that are named must stay, and not come to name this one meanwhile."""
    remotes = {rule.remote_group_id for rule in rules} - {"", own_id}
    return [shared("security_group", remote) for remote in sorted(remotes)]


async def _check_make(run: Run[SecurityGroupMake]) -> None:
    check_rules(run.args.group.rules)
    await run.db.read(lambda tx: require_remotes(tx, run.args.group))


async def _make(run: Run[SecurityGroupMake]) -> None:
    await on_hosts_that_answer(run, SECURITY_GROUP_ENSURE, SecurityGroupEnsure(group=run.args.group.spec))


async def _unmake(run: Run[SecurityGroupMake]) -> None:
    await on_hosts_that_answer(run, SECURITY_GROUP_DELETE, SecurityGroupRef(group_id=run.args.group.id))


def _made(run: Run[SecurityGroupMake], tx: Tx) -> None:
    SECURITY_GROUP.change(tx, run.args.group.id, state=SecurityGroupState.READY)


def _failed(run: Run[SecurityGroupMake], tx: Tx) -> None:
    SECURITY_GROUP.change(tx, run.args.group.id, state=SecurityGroupState.FAILED)


async def _check_edit(run: Run[SecurityGroupEdit]) -> None:
    def look(tx: Tx) -> None:
        group = SECURITY_GROUP.get(tx, run.args.group_id)
        require_ready(group)
        for missing in set(run.args.remove_rules) - {rule.id for rule in group.rules}:
            raise Conflict(f"Security group {group.name} has no rule {missing}.", code="security_group.no_such_rule",
                           hint=f"See `altus security-group show {group.name}`.")  # fmt: skip
        newer = run.args.applied(group)
        check_rules(newer.rules)
        require_remotes(tx, newer)
        SECURITY_GROUP.require_free_name(tx, newer)

    await run.db.read(look)


async def _remember(run: Run[SecurityGroupEdit]) -> Any:
    """How the group was, for the way back."""
    group = await run.db.read(lambda tx: SECURITY_GROUP.get(tx, run.args.group_id))
    return _GROUP.dump_python(group, mode="json")


def _before(run: Run[SecurityGroupEdit]) -> SecurityGroup | None:
    plain = run.result_of("prepare")
    return None if plain is None else _GROUP.validate_python(plain)


async def _apply(run: Run[SecurityGroupEdit]) -> None:
    if (before := _before(run)) is not None:
        await on_hosts_that_answer(run, SECURITY_GROUP_ENSURE, SecurityGroupEnsure(group=run.args.applied(before).spec))


async def _restore(run: Run[SecurityGroupEdit]) -> None:
    if (before := _before(run)) is not None:
        await on_hosts_that_answer(run, SECURITY_GROUP_ENSURE, SecurityGroupEnsure(group=before.spec))


async def _store(run: Run[SecurityGroupEdit]) -> None:
    """Write the change with the end of the task; names are unique in a project, which is decided here for good."""
    if (before := _before(run)) is None:
        return
    newer = run.args.applied(before)

    def write(tx: Tx) -> None:
        SECURITY_GROUP.require_free_name(tx, newer)
        SECURITY_GROUP.change(tx, newer.id, name=newer.name, description=newer.description, rules=newer.rules)

    run.write(write)


async def _check_remove(run: Run[SecurityGroupChoice]) -> None:
    def look(tx: Tx) -> None:
        group = SECURITY_GROUP.get(tx, run.args.group_id)
        if users := users_of(tx, group.id):
            more = f" and {len(users) - 5} more" if len(users) > 5 else ""
            raise Conflict(f"Security group {group.name} is used by {', '.join(users[:5])}{more}.",
                           code="security_group.in_use", users=users[:100],
                           hint="Take their NICs out of it, and remove the rules that name it.")  # fmt: skip

    await run.db.read(look)


async def _mark(run: Run[SecurityGroupChoice]) -> None:
    run.write(lambda tx: SECURITY_GROUP.change(tx, run.args.group_id, state=SecurityGroupState.DELETING))


async def _remove(run: Run[SecurityGroupChoice]) -> None:
    await on_hosts_that_answer(run, SECURITY_GROUP_DELETE, SecurityGroupRef(group_id=run.args.group_id))


def _remove_failed(run: Run[SecurityGroupChoice], tx: Tx) -> None:
    SECURITY_GROUP.change(tx, run.args.group_id, state=SecurityGroupState.FAILED)


async def _check_repair(run: Run[SecurityGroupChoice]) -> None:
    await run.db.read(lambda tx: require_ready(SECURITY_GROUP.get(tx, run.args.group_id)))


async def _repair(run: Run[SecurityGroupChoice]) -> None:
    """As the database says."""
    group = await run.db.read(lambda tx: SECURITY_GROUP.get(tx, run.args.group_id))
    await on_hosts_that_answer(run, SECURITY_GROUP_ENSURE, SecurityGroupEnsure(group=group.spec))


SECURITY_GROUP_CREATE_TASK = TaskType(
    "security_group.create",
    SecurityGroupMake,
    title="Create security group",
    permission=Permission.SECURITY_GROUP_WRITE,
    noun="security_group",
    locks=lambda args: [exclusive("security_group", args.group.id), *_remotes(args.group.rules, args.group.id)],
    check=_check_make,
    steps=(Step("create", "Make the group on every host", _make, undo=_unmake),),
    on_success=_made,
    on_undone=lambda run, tx: SECURITY_GROUP.delete(tx, run.args.group.id),
    on_stuck=_failed,
)
SECURITY_GROUP_EDIT_TASK = TaskType(
    "security_group.edit",
    SecurityGroupEdit,
    title="Change security group",
    permission=Permission.SECURITY_GROUP_WRITE,
    noun="security_group",
    locks=lambda args: [exclusive("security_group", args.group_id), *_remotes(args.add_rules, args.group_id)],
    check=_check_edit,
    steps=(
        Step("prepare", "Remember the group as it is", _remember),
        Step("apply", "Apply the rules on every host", _apply, undo=_restore),
        Step("store", "Store the change", _store),
    ),
)
SECURITY_GROUP_DELETE_TASK = TaskType(
    "security_group.delete",
    SecurityGroupChoice,
    title="Delete security group",
    permission=Permission.SECURITY_GROUP_WRITE,
    noun="security_group",
    locks=lambda args: [exclusive("security_group", args.group_id)],
    check=_check_remove,
    steps=(
        Step("mark", "Mark the group as being deleted", _mark, commits=True),
        Step("delete", "Remove the group from every host", _remove),
    ),
    on_success=lambda run, tx: SECURITY_GROUP.delete(tx, run.args.group_id),
    on_stuck=_remove_failed,
    cancellable=False,
)
SECURITY_GROUP_REPAIR_TASK = TaskType(
    "security_group.repair",
    SecurityGroupChoice,
    title="Repair security group",
    permission=Permission.SECURITY_GROUP_WRITE,
    noun="security_group",
    locks=lambda args: [exclusive("security_group", args.group_id)],
    check=_check_repair,
    steps=(Step("apply", "Make the group be as the database says", _repair),),
)
SECURITY_GROUP_TASKS = (
    SECURITY_GROUP_CREATE_TASK,
    SECURITY_GROUP_EDIT_TASK,
    SECURITY_GROUP_DELETE_TASK,
    SECURITY_GROUP_REPAIR_TASK,
)
