"""Numbers for Prometheus, and whether the agent is well."""

from __future__ import annotations

from collections.abc import Iterable

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

from altus.agent.core import AgentCore
from altus.agent.http import CORE


class AgentCollector(Collector):
    """Reads what the agent counts anyway."""

    def __init__(self, core: AgentCore) -> None:
        self._core = core

    def collect(self) -> Iterable[Metric]:
        """One sample of everything."""
        calls, states = self._core.calls, self._core.watcher.states()
        yield GaugeMetricFamily("altus_agent_calls_running", "Calls that last.", value=calls.running)
        yield GaugeMetricFamily("altus_agent_listeners", "Managers that listen.", value=self._core.hub.listeners)
        ended = CounterMetricFamily("altus_agent_calls", "Calls that ended.", labels=["operation", "outcome"])
        for (operation, outcome), count in calls.ended.items():
            ended.add_metric([operation, outcome], count)
        yield ended
        vms = GaugeMetricFamily("altus_agent_vms", "VMs by state.", labels=["state"])
        for state, count in states.items():
            vms.add_metric([state], count)
        yield vms
        yield from self._storage()

    def _storage(self) -> Iterable[Metric]:
        for name in ("capacity", "used", "available"):
            family = GaugeMetricFamily(f"altus_storage_{name}_bytes", f"Storage: {name}.", labels=["storage"])
            for storage in self._core.facts.storages:
                if storage.usage is not None:
                    family.add_metric([storage.name], getattr(storage.usage, name))
            yield family


async def metrics(request: web.Request) -> web.StreamResponse:
    """GET /metrics."""
    registry = CollectorRegistry()
    registry.register(AgentCollector(request.app[CORE]))
    return web.Response(body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})


async def health(request: web.Request) -> web.StreamResponse:
    """GET /healthz: 200 while the agent sees its hypervisor, 503 otherwise."""
    core = request.app[CORE]
    return web.json_response(
        {"host_id": core.drivers.host_id, "sees": core.watcher.sees}, status=200 if core.watcher.sees else 503
    )


ROUTES = [web.get("/metrics", metrics), web.get("/healthz", health)]
