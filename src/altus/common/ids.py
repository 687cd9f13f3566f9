"""Identifiers: UUIDv7 in canonical text, so that ids sort by the time they were made."""

from __future__ import annotations

import uuid

import uuid_utils

from altus.common.errors import InvalidInput

_ALTUS = uuid.UUID("6d1f6f0e-5c1b-5c06-9a3e-0a17a5a17a50")


def new_id() -> str:
    """A fresh UUIDv7, lower case with dashes."""
    return str(uuid_utils.uuid7())


def derived_id(*parts: str) -> str:
    """The one id that belongs to these parts: the same parts give the same id, so that a repeated step makes nothing
    twice."""
    return str(uuid.uuid5(_ALTUS, "/".join(parts)))


def is_id(text: str) -> bool:
    """Whether it is a canonical UUID."""
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False


def check_id(text: str) -> str:
    """`text` itself if it is a canonical UUID; `InvalidInput` otherwise."""
    if is_id(text):
        return text
    raise InvalidInput(f"{text[:64]!r} is not an id.", code="id.malformed", hint="Ids look like 0192f0c1-….")
