"""What nobody should send: a systematic corpus over the OpenAPI document."""

from __future__ import annotations

import copy
import itertools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

TEXTS = (
    "", " ", "../../etc/passwd", "a/../b", "\0", "a\0b", "a\n", "\x1b[31mred", "\x7f", "x" * 100_000, "\U0001f984",
    "é" * 70, "\u202eevil", "\ud800", "%00", "'; DROP TABLE vms; --", "-rf", "$(id)", "{{7*7}}",
)  # fmt: skip
NUMBERS = (-1, 0, 2**31, 2**63, 2**64, 10**40, 1.5, float("nan"), float("inf"))
WRONG: Mapping[str, tuple[Any, ...]] = {
    "string": (5, 1.5, True, [], {}, ["x"], {"x": "y"}),
    "integer": ("5", "x", True, [], {}, 1.5, None),
    "number": ("5", "x", [], {}, float("nan"), None),
    "boolean": ("true", "yes", 1, 0, [], {}, None),
    "array": ("x", 5, {}, True, None),
    "object": ("x", 5, [], True),
}
REFERENCES = ("..", "..%2f..%2fetc%2fpasswd", "%00", "a%00b", "%0a", "%ff", "%ed%a0%80", "x" * 81, "x" * 5000,
              "%F0%9F%A6%84", "'%20OR%201=1--", "%3Cscript%3E", "no-such-thing")  # fmt: skip
QUERIES: Mapping[str, tuple[str, ...]] = {
    "filter": ("x", "nope:1", "name", "created_at:yesterday", "revision:" + "9" * 40, "enabled:maybe", "name:\0"),
    "sort": ("nope", "-", "", "\0", "hardware"),
    "after": ("x", "e30", "W10", "\0", "9" * 400),
    "limit": ("0", "-1", "1001", "1e3", "NaN", "9" * 50, "", "x"),
    "fields": ("nope", "name,,", "\0", "../name"),
    "plan": ("maybe", "2", "\0"),
    "keep_volumes": ("maybe", "2"),
    "offset": ("-1", "x", "9" * 40, "1.5"),
    "since": ("yesterday", "9999-99-99", "\0", "1e400"),
    "until": ("yesterday", "\0"),
    "user": ("no-such-user", "\0", "x" * 5000),
}  # fmt: skip
HEADERS: Mapping[str, tuple[str, ...]] = {
    "idempotency-key": ("short", "x" * 101, "with space", "../../../../etc"),
    "last-event-id": ("-1", "x", "9" * 40),
}
BROKEN: tuple[bytes, ...] = (
    b"", b"{", b"nonsense", b"\xff\xfe", b"null", b"[]", b'"x"', b"7", b"[" * 20_000, b'{"name":' * 10_000,
    b'{"a":' + b"9" * 10_000 + b"}", b'{"\\ud800": 1}', b'{"' + b"x" * 100_000 + b'": 1}',
)  # fmt: skip


@dataclass(frozen=True)
class Shot:
    """One request. `refused`: it must not be accepted, whatever else happens."""

    method: str
    path: str
    data: bytes | None = None
    content_type: str = "application/json"
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    refused: bool = True


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Method, path and description of every operation."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path.removeprefix("/api/v1"), operation


def shots(document: dict[str, Any], refs: Mapping[str, str], bodies: Mapping[str, Any]) -> Iterator[Shot]:
    """Everything. `refs` are things that exist, by the path before `{ref}`; `bodies` sound ones by operation id."""
    for method, path, operation in operations(document):
        real = _real(path, refs)
        sound = bodies.get(operation["operationId"])
        data = None if sound is None else json.dumps(sound).encode()
        yield from _references(method, path, data)
        yield from _parameters(method, real, operation, data)
        schema = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
        if schema is not None and sound is not None:
            yield from _raw(method, real, data or b"", optional="anyOf" in schema)
            for body, refused in _mutants(document, schema, sound):
                yield Shot(method, real, json.dumps(body).encode(), refused=refused)


def _real(path: str, refs: Mapping[str, str]) -> str:
    start, brace, rest = path.partition("{")
    return start + refs.get(start, "no-such-thing") + rest.partition("}")[2].replace("{user}", "x") if brace else path


def _references(method: str, path: str, data: bytes | None) -> Iterator[Shot]:
    if "{" in path:
        start, _, rest = path.partition("{")
        for reference in REFERENCES:
            yield Shot(method, start + reference + rest.partition("}")[2].replace("{user}", reference), data)


def _parameters(method: str, path: str, operation: dict[str, Any], data: bytes | None) -> Iterator[Shot]:
    for parameter in operation.get("parameters", ()):
        name = parameter["name"]
        for value in QUERIES.get(name, ()) if parameter["in"] == "query" else ():
            yield Shot(method, path, data, query={name: value})
        for value in HEADERS.get(name, ()) if parameter["in"] == "header" else ():
            yield Shot(method, path, data, headers={name: value})


def _raw(method: str, path: str, sound: bytes, *, optional: bool) -> Iterator[Shot]:
    for data in BROKEN:
        yield Shot(method, path, data, refused=not (optional and data in (b"", b"null")))
    for content_type in ("text/plain", "application/xml", "application/x-www-form-urlencoded"):
        yield Shot(method, path, sound, content_type)
    yield Shot(method, path, b'{"x": "' + b"x" * 3_000_000 + b'"}')


def _mutants(document: dict[str, Any], schema: dict[str, Any], sound: Any) -> Iterator[tuple[Any, bool]]:
    """Bodies that are wrong in one place, and whether they must be refused."""
    if isinstance(sound, dict):
        yield {**sound, "no_such_field": 1}, True
    for place, part in _places(document, _resolved(document, schema), ()):
        for value, refused in _values(part):
            body = copy.deepcopy(sound)
            if _put(body, place, value):
                yield body, refused


def _places(document: dict[str, Any], schema: dict[str, Any], place: tuple[Any, ...]) -> Iterator[Any]:
    if place:
        yield place, schema
    for name, part in schema.get("properties", {}).items():
        yield from _places(document, _resolved(document, part), (*place, name))
    if schema.get("type") == "array":
        yield from _places(document, _resolved(document, schema["items"]), (*place, 0))


def _resolved(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """Without references, and without the choice of null."""
    for choice in schema.get("anyOf", ()):
        if choice.get("type") != "null":
            return _resolved(document, choice) | {"nullable": any(c.get("type") == "null" for c in schema["anyOf"])}
    if "$ref" in schema:
        found: dict[str, Any] = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        return found
    return schema


def _values(schema: dict[str, Any]) -> Iterator[tuple[Any, bool]]:
    kind = schema.get("type", "string")
    for value in WRONG[kind]:
        if value is not None or not schema.get("nullable"):
            yield value, True
    if kind == "string":
        picky = "pattern" in schema or "enum" in schema
        yield from ((text, picky) for text in TEXTS)
    elif kind in ("integer", "number"):
        yield from ((number, False) for number in NUMBERS)
    elif kind == "array":
        yield ["x" * 100] * 1000, True
        yield [None], True


def _put(body: Any, place: tuple[Any, ...], value: Any) -> bool:
    """Set a value deep in a body, making what is on the way; False if that is not possible."""
    for step, following in itertools.pairwise(place):
        empty: Any = [{}] if following == 0 else {}
        if isinstance(step, int):
            if not isinstance(body, list) or not body:
                return False
            body = body[step]
        else:
            body = body.setdefault(step, empty) or body.__setitem__(step, empty) or body[step]
    if isinstance(body, list):
        body[:] = [value]
    elif isinstance(body, dict):
        body[place[-1]] = value
    else:
        return False
    return True
