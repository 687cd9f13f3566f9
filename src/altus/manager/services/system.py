"""What the manager tells of itself."""

from __future__ import annotations

import sqlalchemy as sa
from prometheus_client import CollectorRegistry, Gauge, generate_latest

import altus
from altus.common.errors import Unavailable
from altus.manager.store.database import Database, Tx
from altus.manager.store.resources import HOST
from altus.manager.store.tables import HOSTS, TASKS, VMS
from altus.manager.tasks.engine import Engine
from altus.model.host import HostState
from altus.wire.system import HealthView


class SystemService:
    """Health and metrics of this manager."""

    def __init__(self, db: Database, engine: Engine, ca_pem: str) -> None:
        self.db = db
        self.engine = engine
        self.ca_pem = ca_pem

    async def health(self) -> HealthView:
        """Looks at the database and at the lease."""
        try:
            up = await self.db.read(lambda tx: len(HOST.all(tx, HOSTS.table.c.state == HostState.UP)))
            database = True
        except Unavailable:
            up, database = 0, False
        return HealthView(healthy=database, version=altus.__version__, database=database,
                          runs_tasks=self.engine.lease is not None, hosts_up=up)  # fmt: skip

    async def metrics(self) -> bytes:
        """Counts by state, in Prometheus' text format."""
        registry = CollectorRegistry()
        counts = await self.db.read(_counts)
        for noun, by_state in counts.items():
            gauge = Gauge(f"altus_{noun}s", f"Number of {noun}s by state", ["state"], registry=registry)
            for state, count in by_state.items():
                gauge.labels(state).set(count)
        leader = Gauge("altus_manager_runs_tasks", "1 while this manager holds the lease", registry=registry)
        leader.set(self.engine.lease is not None)
        return generate_latest(registry)


def _counts(tx: Tx) -> dict[str, dict[str, int]]:
    answer: dict[str, dict[str, int]] = {}
    for noun, record in (("vm", VMS), ("host", HOSTS), ("task", TASKS)):
        state = record.table.c.state
        rows = tx.execute(sa.select(state, sa.func.count().label("total")).group_by(state))
        answer[noun] = {str(row.state): int(row.total) for row in rows}
    return answer
