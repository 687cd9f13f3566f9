"""`snapshot.keep`: a snapshot that a schedule took stays until somebody deletes it."""

from __future__ import annotations

from dataclasses import dataclass

from altus.manager.store.resources import SNAPSHOT
from altus.manager.tasks.declare import Step, TaskType
from altus.manager.tasks.run import Run
from altus.manager.tasks.snapshot_parts import require_ready, the_snapshot
from altus.model.permission import Permission
from altus.model.task import exclusive


@dataclass(frozen=True, kw_only=True)
class SnapshotKeep:
    """Which snapshot of which VM."""

    vm_id: str
    snapshot_id: str


async def _check(run: Run[SnapshotKeep]) -> None:
    require_ready(await run.db.read(lambda tx: the_snapshot(tx, run.args.vm_id, run.args.snapshot_id)))


async def _release(run: Run[SnapshotKeep]) -> None:
    """As if a person had taken it; what is one already stays one."""
    run.write(lambda tx: SNAPSHOT.change(tx, run.args.snapshot_id, schedule_id=None, due_at=None))


SNAPSHOT_KEEP = TaskType(
    "snapshot.keep",
    SnapshotKeep,
    title="Keep snapshot",
    permission=Permission.SNAPSHOT_WRITE,
    noun="snapshot",
    locks=lambda args: [exclusive("snapshot", args.snapshot_id)],
    check=_check,
    steps=(Step("release", "Take it out of its schedule", _release),),
)
