"""What routes ask for: who is asking and may, the services, the list query, and how a change is to be answered."""

from __future__ import annotations

import contextlib
import dataclasses
import re
from collections.abc import Coroutine, Iterable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import Depends, Header, Path, Query, Request
from fastapi.responses import Response
from fastapi.security import HTTPBearer
from pydantic import TypeAdapter
from pydantic_core import to_json

from altus.common.errors import AltusError, Forbidden, InvalidInput
from altus.manager.api.credentials import token_of
from altus.manager.services.audit import Act
from altus.manager.services.changes import Change, Idempotency
from altus.manager.services.directory import Services
from altus.model.actor import Actor
from altus.model.permission import Permission
from altus.model.query import MAX_PAGE, Filter, FilterOp, ListQuery
from altus.model.task import Task
from altus.wire.base import ListView, View
from altus.wire.tasks import PlanView, TaskView

_PLAN, _TASK = TypeAdapter(PlanView), TypeAdapter(TaskView)
_FILTER = re.compile(r"([a-z_]{1,40})([:~!])(.{0,4000})", re.DOTALL)
"""Long enough for the ids of a hundred objects."""
_BEARER = Depends(HTTPBearer(auto_error=False, description="A session's or an API token's text."))
"""Only described here; `authenticate` reads the header itself."""
Ref = Annotated[str, Path(min_length=1, max_length=80, description="Id or name.")]


async def get_services(request: Request) -> Services:  # what is not async costs a thread
    """The services, as made at start."""
    services: Services = request.app.state.services
    return services


ServicesDep = Annotated[Services, Depends(get_services)]


class Requires:
    """A route's declared permission. As a dependency it tells who is asking, or refuses.

    Whether that one may do it to the object at hand is checked by the service; here, whether to any at all.
    """

    def __init__(self, permission: Permission) -> None:
        self.permission = permission

    async def __call__(self, request: Request, services: ServicesDep, _scheme: Annotated[Any, _BEARER]) -> Actor:
        """Authenticate and check."""
        actor = await authenticate(request, services)
        try:
            actor.require_somewhere(self.permission)
        except Forbidden as error:
            await services.audit.failed(actor, Act(f"{self.permission.replace(':', '.')}"), error)
            raise
        return actor


async def authenticate(request: Request, services: Services) -> Actor:
    """Who has the token that this request shows."""
    token = token_of(request)
    source = request.client.host if request.client else ""
    return await services.security.access.authenticate(token, source, request.state.request_id)


async def _public() -> None:
    """Marks a route that needs no login; a test demands that every route has this or `Requires`."""


PUBLIC = [Depends(_public)]


class Listing:
    """A list of views as it is sent."""

    def __init__(self, view: type[View]) -> None:
        self.adapter: TypeAdapter[Any] = TypeAdapter(ListView[view])  # type: ignore[valid-type]
        self.fields = frozenset(view.model_fields)

    def send(self, items: Sequence[View], following: str | None = None, include: Any = None) -> Response:
        """One page as JSON, or all there is; `following` is where the next page starts."""
        return send(self.adapter, ListView.model_construct(items=list(items), next=following), include=include)

    def send_encoded(self, items: Iterable[bytes], following: str | None) -> Response:
        """As `send`, of views that are JSON already."""
        body = b'{"items":[%b],"next":%b}' % (b",".join(items), to_json(following))
        return Response(body, media_type="application/json")


@dataclass(frozen=True)
class Selection:
    """A list's query and the fields wanted of each item (None: all)."""

    query: ListQuery
    fields: frozenset[str] | None

    @property
    def whole(self) -> bool:
        """Whether no selection of fields was asked for."""
        return self.fields is None

    @property
    def numbered(self) -> ListQuery:
        """The query for records that are sorted by their number unless asked otherwise."""
        return dataclasses.replace(self.query, sort="seq") if self.query.sort == "id" else self.query

    def send(self, listing: Listing, items: Sequence[View], following: str | None) -> Response:
        """The page with the fields that were asked for. `InvalidInput` (`list.fields`)."""
        include: Any = None
        if self.fields is not None:
            unknown = sorted(self.fields - listing.fields)
            if unknown:
                raise InvalidInput(f"There is no field {unknown[0][:40]!r}.", code="list.fields",
                                   hint=f"Fields: {', '.join(sorted(listing.fields))}.")  # fmt: skip
            include = {"items": {"__all__": set(self.fields)}, "next": True}
        return listing.send(items, following, include)


async def get_selection(
    filter: Annotated[  # noqa: A002 - the query parameter's public name
        list[str],
        Query(description="`field:value` (several values by comma), `field~part` or `field!value`; all must hold."),
    ] = [],  # noqa: B006 - FastAPI copies it
    sort: Annotated[str, Query(max_length=40, description="A field; `-field` for descending.")] = "id",
    after: Annotated[str | None, Query(max_length=400, description="`next` of the previous page.")] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 100,
    fields: Annotated[
        str | None, Query(max_length=400, description="Only these fields of each item, by comma.")
    ] = None,
) -> Selection:
    """Parse the parameters which every list has."""
    conditions = tuple(parse_filter(text) for text in filter[:20])
    query = ListQuery(filters=conditions, sort=sort.removeprefix("-"), descending=sort.startswith("-"), after=after,
                      limit=limit)  # fmt: skip
    return Selection(query, None if fields is None else frozenset(fields.split(",")))


def parse_filter(text: str) -> Filter:
    """`state:running,paused` and the like."""
    match = _FILTER.fullmatch(text)
    if match is None:
        raise InvalidInput(f"{text[:60]!r} is not a filter.", code="list.filter",
                           hint="Write field:value, field~part or field!value.")  # fmt: skip
    return Filter(match[1], FilterOp(match[2]), tuple(match[3].split(",")))


SelectionDep = Annotated[Selection, Depends(get_selection)]


def send(adapter: TypeAdapter[Any], value: Any, status: int = 200, headers: dict[str, str] | None = None, *,
         include: Any = None) -> Response:  # fmt: skip
    """JSON at once, without a second validation by the framework: lists stay fast."""
    return Response(adapter.dump_json(value, include=include), status, headers, "application/json")


@dataclass(frozen=True)
class Answer:
    """How a change is answered: its plan (200), or the task that does it (202)."""

    services: Services
    plan: bool
    idempotency: Idempotency | None

    async def __call__(self, actor: Actor, draft: Coroutine[Any, Any, Change[Any]]) -> Response:
        """Plan or submit what the draft comes to. A repeated request is answered before it is drafted again."""
        with contextlib.closing(draft):
            if (earlier := await self._earlier(actor)) is not None:
                return _task(earlier)
            try:
                change = await draft
                if not self.plan:
                    return _task(await self.services.changes.submit(actor, change, self.idempotency))
            except AltusError as error:
                if (earlier := await self._earlier(actor)) is not None:  # the first of two at once has just been queued
                    return _task(earlier)
                await self._denied(actor, error)
                raise
        return send(_PLAN, PlanView.model_validate(await self.services.changes.plan(actor, change)))

    async def _earlier(self, actor: Actor) -> Task | None:
        if self.idempotency is None or self.plan:
            return None
        return await self.services.changes.replay(actor, self.idempotency)

    async def _denied(self, actor: Actor, error: AltusError) -> None:
        """What was refused for want of a right is audited here; other refusals where the change is submitted."""
        if isinstance(error, Forbidden):
            act = Act(str(error.context.get("permission", "access")).replace(":", "."))
            await self.services.audit.failed(actor, act, error)


def _task(task: Task) -> Response:
    return send(_TASK, TaskView.model_validate(task), HTTPStatus.ACCEPTED, {"Location": f"/api/v1/tasks/{task.id}"})


async def get_answer(
    request: Request,
    services: ServicesDep,
    plan: Annotated[bool, Query(description="Show what would be done, and do nothing.")] = False,
    idempotency_key: Annotated[str | None, Header(min_length=8, max_length=100, pattern=r"^[A-Za-z0-9._:-]+$")] = None,
) -> Answer:
    """Parse the parameters which every change has."""
    idempotency = None
    if idempotency_key is not None:
        body = await request.body()
        place = f"{request.method} {request.url.path}?{request.url.query}"
        idempotency = Idempotency.of(idempotency_key, place.encode(), body)
    return Answer(services, plan, idempotency)


AnswerDep = Annotated[Answer, Depends(get_answer)]
CHANGE_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"model": PlanView, "description": "The plan (`plan=true`)."},
    202: {"model": TaskView, "description": "The task that does it."},
}
