"""Tasks: look at them, end them."""

from __future__ import annotations

from collections.abc import Callable

from altus.common.errors import Conflict
from altus.manager.services.audit import Act, AuditLog
from altus.manager.services.changes import waits_for
from altus.manager.store import events as outbox
from altus.manager.store import tasks as rows
from altus.manager.store.database import Tx
from altus.manager.store.tables import Event
from altus.manager.tasks.run import World
from altus.model.actor import Actor
from altus.model.permission import Permission
from altus.model.query import ListQuery, Page
from altus.model.task import Task


class TaskService:
    """What is going on and what was."""

    def __init__(self, world: World, audit: AuditLog, wake: Callable[[], None]) -> None:
        self.db = world.db
        self.audit = audit
        self._wake = wake

    async def get(self, actor: Actor, task_id: str) -> tuple[Task, list[str]]:
        """A task, and the ids of the tasks it waits for."""

        def look(tx: Tx) -> tuple[Task, list[str]]:
            task = _visible(tx, actor, task_id)
            return task, waits_for(tx, task)

        return await self.db.read(look)

    async def page(self, actor: Actor, query: ListQuery) -> Page[Task]:
        """A page of the tasks the actor may see."""
        projects = actor.visible_projects(Permission.TASK_READ)
        objects = actor.visible_objects(Permission.TASK_READ)
        return await self.db.read(lambda tx: rows.page(tx, query, projects, objects))

    async def children(self, actor: Actor, task_id: str) -> list[Task]:
        """The tasks which this one started."""
        await self.get(actor, task_id)
        return await self.db.read(lambda tx: rows.children(tx, task_id))

    async def cancel(self, actor: Actor, task_id: str) -> Task:
        """Ask a task to end; it undoes what it did. Asking twice is fine; a finished task is a `Conflict`."""

        def work(tx: Tx) -> Task:
            task = _visible(tx, actor, task_id)
            actor.require(Permission.TASK_CANCEL, project_id=task.project_id, object_id=task.object_id)
            if task.state.finished:
                raise Conflict(f"The task is {task.state} already.", code="task.finished",
                               hint="There is nothing left to end.")  # fmt: skip
            if not task.cancellable:
                why = f" now: {task.waiting_for}" if task.waiting_for else ""
                raise Conflict(f"A task of kind {task.kind} cannot be taken back{why}.", code="task.not_cancellable",
                               hint="It ends by itself: see `altus task show`.")  # fmt: skip
            act.object_name, act.project_id = task.title, task.project_id
            tx.on_commit(self._wake)
            return rows.request_cancel(tx, task_id)

        act = Act("task.cancel", object_id=task_id)
        return await self.audit.change(actor, act, work)

    async def events_of(self, actor: Actor, object_id: str, project_id: str) -> list[Event]:
        """The newest events of one object, newest first."""
        actor.require(Permission.EVENT_READ, project_id=project_id, object_id=object_id)
        return await self.db.read(lambda tx: outbox.of_object(tx, object_id))


def _visible(tx: Tx, actor: Actor, task_id: str) -> Task:
    """A task about something that the actor may not see is not there."""
    task = rows.get(tx, task_id)
    if not actor.may(Permission.TASK_READ, project_id=task.project_id, object_id=task.object_id):
        raise rows.missing(task_id)
    return task
