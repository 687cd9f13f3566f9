"""docs/reference/api.md: every route with the permission that it declares."""

from collections.abc import Iterator
from dataclasses import dataclass

from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, APIWebSocketRoute

from altus.manager.api.app import PREFIX
from altus.manager.api.deps import Requires
from altus.manager.api.routes import ROUTERS
from devkit.reference import markdown as md

_TEXT = (
    "Everything under `/api/v1`, over TLS, with `Authorization: Bearer` and a session's or an API token. The full "
    "description with all shapes is what a running manager serves: `/api/openapi.json`, and for people `/api/docs`."
)
_GENERAL = """\
- Errors are `application/problem+json` with a stable `code`: [errors.md](errors.md).
- A change answers `202` with the task that does it. `?plan=true` answers `200` with the plan and writes nothing.
- `Idempotency-Key` on a change makes it safe to send again: the same key and request give the same task.
- Lists take `filter=field:value` (`~` part, `!` not; may be repeated), `sort=[-]field`, `limit`, `after` and `fields`,
  and answer `{"items": […], "next": …}`; give `next` back as `after`.
- `X-Request-Id` is taken from the client or made, and is in the answer, the logs, the audit and the task."""


@dataclass(frozen=True)
class Route:
    """One method of one path; `permission` is empty where no login is needed."""

    method: str
    path: str
    name: str
    permission: str
    text: str


def routes() -> Iterator[Route]:
    """All, in the order of the routers."""
    for router in ROUTERS:
        for route in router.routes:
            if isinstance(route, APIRoute | APIWebSocketRoute):
                permission = ", ".join(_permissions(route.dependant))
                methods = sorted(route.methods or ()) if isinstance(route, APIRoute) else ["WebSocket"]
                text = md.first_line(route.endpoint)
                yield from (Route(method, PREFIX + route.path, route.name, permission, text) for method in methods)


def page() -> str:
    """The page."""
    rows = [
        (md.code(f"{route.method} {route.path.removeprefix(PREFIX)}"), md.code(route.name),
         md.code(route.permission) or "none", route.text)
        for route in routes()
    ]  # fmt: skip
    return md.page("API", _TEXT, _GENERAL, md.table(("Route", "Operation", "Permission", ""), rows))


def _permissions(dependant: Dependant) -> Iterator[str]:
    for dependency in dependant.dependencies:
        if isinstance(dependency.call, Requires):
            yield dependency.call.permission.value
        yield from _permissions(dependency)
