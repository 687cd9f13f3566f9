"""The event stream (SSE): every change in the order of commits, resumable after any event's number."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.responses import StreamingResponse

from altus.common.errors import Unauthenticated
from altus.manager.api.credentials import token_of
from altus.manager.api.deps import Requires, ServicesDep
from altus.manager.services.directory import Services
from altus.manager.store import events as outbox
from altus.manager.store.tables import Event
from altus.model.actor import Actor
from altus.model.permission import Permission
from altus.wire.tasks import EventView

router = APIRouter(tags=["events"])
Reader = Annotated[Actor, Depends(Requires(Permission.EVENT_READ))]
LAST = 2**63 - 1
_HEARTBEAT = 10.0


@router.get("/events", response_class=StreamingResponse, responses={200: {"content": {"text/event-stream": {}}}})
async def stream_events(
    actor: Reader,
    services: ServicesDep,
    request: Request,
    after: Annotated[
        int | None, Query(ge=0, le=LAST, description="Start after this event; from now on if left out.")
    ] = None,
    noun: Annotated[list[str], Query(description="Only events about these nouns.")] = [],  # noqa: B006
    last_event_id: Annotated[int | None, Header(ge=0, le=LAST)] = None,
) -> StreamingResponse:
    """What happens, as it happens: `id` is the number to resume after, `event` the kind, `data` an EventView."""
    start = last_event_id if last_event_id is not None else after
    if start is None:
        start = await services.db.read(outbox.last)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    lines = _lines(token_of(request), services, start, frozenset(noun))
    return StreamingResponse(lines, 200, headers, "text/event-stream")


async def _lines(token: str, services: Services, start: int, nouns: frozenset[str]) -> AsyncIterator[str]:
    """Ends when the login does; what its rights show is looked up anew each time."""
    position, news = start, services.db.news
    yield ": connected\n\n"
    while True:
        try:
            actor = await services.security.access.authenticate(token, passive=True)
        except Unauthenticated:
            return
        seen = news.count
        batch = await services.db.read(lambda tx, position=position: outbox.after(tx, position))  # type: ignore[misc]
        for event in batch:
            position = event.seq
            if (not nouns or event.noun in nouns) and _visible(actor, event):
                yield f"id: {event.seq}\nevent: {event.kind}\ndata: {_json(event)}\n\n"
        if not batch:
            yield f": {position}\n\n"
            await news.wait(seen, _HEARTBEAT)


def _visible(actor: Actor, event: Event) -> bool:
    return actor.may(Permission.EVENT_READ, project_id=event.project_id, object_id=event.object_id)


def _json(event: Event) -> str:
    return EventView.model_validate(event).model_dump_json()
