"""JSON of the manager as typed values, and references as parts of a path."""

from __future__ import annotations

from functools import cache
from typing import Any, TypeVar
from urllib.parse import quote

from pydantic import BaseModel, TypeAdapter, ValidationError

from altus.common.errors import Failed, InvalidInput
from altus.wire.base import ListView

V = TypeVar("V", bound=BaseModel)


def make(shape: type[V], **fields: Any) -> V:
    """A value to send; `InvalidInput` (`request.invalid`) that names the fields which are wrong, never their values:
    one could be a password."""
    try:
        return shape(**fields)
    except ValidationError as error:
        problems = [(".".join(map(str, e["loc"])), str(e["msg"]).removeprefix("Value error, ")) for e in error.errors()]
        raise InvalidInput("; ".join(f"{place}: {text}" if place else text for place, text in problems[:5]) + ".",
                           code="request.invalid") from None  # fmt: skip


def read(view: type[V], body: bytes) -> V:
    """One value; `Failed` (`client.answer`) if the server answers with something else."""
    value: V = _read(_adapter(view), body)
    return value


def read_page(view: type[V], body: bytes) -> ListView[V]:
    """One page of a list."""
    page: ListView[V] = _read(_page_adapter(view), body)
    return page


def segment(reference: str) -> str:
    """An id or name as one part of a path, whatever it contains."""
    quoted = quote(reference, safe="")
    return quoted.replace(".", "%2E") if quoted in (".", "..") else quoted


@cache
def _adapter(view: type[Any]) -> TypeAdapter[Any]:
    return TypeAdapter(view)


@cache
def _page_adapter(view: type[Any]) -> TypeAdapter[Any]:
    return TypeAdapter(ListView[view])  # type: ignore[valid-type]


def _read(adapter: TypeAdapter[Any], body: bytes) -> Any:
    try:
        return adapter.validate_json(body)
    except ValidationError as error:
        raise Failed("The server's answer is not understood.", code="client.answer",
                     hint="Is the manager of the same version? See `altus version`.") from error  # fmt: skip
