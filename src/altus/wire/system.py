"""What the manager tells of itself."""

from __future__ import annotations

from altus.wire.base import View


class HealthView(View):
    """`runs_tasks`: this manager holds the lease; another one's may be healthy without."""

    healthy: bool
    version: str
    database: bool
    runs_tasks: bool
    hosts_up: int
