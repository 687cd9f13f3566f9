"""Security groups."""

from __future__ import annotations

from altus.common.ids import new_id
from altus.manager.services.changes import Change
from altus.manager.services.lookup import project_for, visible, visible_page
from altus.manager.store.database import Database, Tx
from altus.manager.store.resources import SECURITY_GROUP
from altus.manager.tasks.security_group_tasks import (
    SECURITY_GROUP_CREATE_TASK,
    SECURITY_GROUP_DELETE_TASK,
    SECURITY_GROUP_EDIT_TASK,
    SecurityGroupChoice,
    SecurityGroupEdit,
    SecurityGroupMake,
)
from altus.model.actor import Actor
from altus.model.permission import Permission
from altus.model.query import ListQuery, Page
from altus.model.security_group import SecurityGroup, SecurityRule, check_rules
from altus.wire import security_groups as wire


class SecurityGroupService:
    """Who may speak with whom."""

    def __init__(self, db: Database) -> None:
        self.db = db

    async def get(self, actor: Actor, reference: str) -> SecurityGroup:
        """By id or name."""
        return await self.db.read(
            lambda tx: visible(tx, actor, SECURITY_GROUP, reference, Permission.SECURITY_GROUP_READ)
        )

    async def page(self, actor: Actor, query: ListQuery) -> Page[SecurityGroup]:
        """A page of the groups the actor may see."""
        return await self.db.read(
            lambda tx: visible_page(tx, actor, SECURITY_GROUP, query, Permission.SECURITY_GROUP_READ)
        )

    async def create(self, actor: Actor, body: wire.SecurityGroupCreate) -> Change[SecurityGroupMake]:
        """A new group."""

        def draft(tx: Tx) -> SecurityGroup:
            project = project_for(tx, actor, body.project, Permission.SECURITY_GROUP_WRITE)
            return SecurityGroup(id=new_id(), name=body.name, project_id=project, label=body.label,
                                 description=body.description, rules=_rules(tx, actor, body.rules))  # fmt: skip

        group = await self.db.read(draft)
        check_rules(group.rules)

        def reserve(tx: Tx) -> None:
            SECURITY_GROUP.insert(tx, group)

        return Change(kind=SECURITY_GROUP_CREATE_TASK, arguments=SecurityGroupMake(group=group), object_id=group.id,
                      object_name=group.name, project_id=group.project_id, reserve=reserve)  # fmt: skip

    async def edit(self, actor: Actor, reference: str, body: wire.SecurityGroupEdit) -> Change[SecurityGroupEdit]:
        """Change a group, and what its members may do."""
        group = await self._to_change(actor, reference)
        added = await self.db.read(lambda tx: _rules(tx, actor, body.add_rules))
        arguments = SecurityGroupEdit(group_id=group.id, name=body.name, description=body.description, add_rules=added,
                                      remove_rules=tuple(dict.fromkeys(body.remove_rules)))  # fmt: skip
        return Change(kind=SECURITY_GROUP_EDIT_TASK, arguments=arguments, object_id=group.id, object_name=group.name,
                      project_id=group.project_id)  # fmt: skip

    async def delete(self, actor: Actor, reference: str) -> Change[SecurityGroupChoice]:
        """Remove a group that nobody uses."""
        group = await self._to_change(actor, reference)
        return Change(kind=SECURITY_GROUP_DELETE_TASK, arguments=SecurityGroupChoice(group_id=group.id),
                      object_id=group.id, object_name=group.name, project_id=group.project_id)  # fmt: skip

    async def _to_change(self, actor: Actor, reference: str) -> SecurityGroup:
        group = await self.get(actor, reference)
        actor.require(Permission.SECURITY_GROUP_WRITE, project_id=group.project_id, object_id=group.id)
        return group


def _rules(tx: Tx, actor: Actor, wanted: list[wire.SecurityRuleCreate]) -> tuple[SecurityRule, ...]:
    """With ids, and the groups that they name by theirs."""
    remotes: dict[str, str] = {}
    for name in {rule.group for rule in wanted if rule.group is not None}:
        remotes[name] = visible(tx, actor, SECURITY_GROUP, name, Permission.SECURITY_GROUP_READ).id
    return tuple(_rule(rule, remotes.get(rule.group or "", "")) for rule in wanted)


def _rule(rule: wire.SecurityRuleCreate, remote_id: str) -> SecurityRule:
    plain = rule.model_dump(exclude={"group", "cidr", "last_port"})
    last = rule.last_port if rule.last_port is not None else rule.first_port
    return SecurityRule(id=new_id(), cidr=rule.cidr or "", remote_group_id=remote_id, last_port=last, **plain)
