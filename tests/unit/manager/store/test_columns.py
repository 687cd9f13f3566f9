"""Rows that are shared are made of what nobody can change."""

from __future__ import annotations

import dataclasses
import types
import typing
from typing import Any

import pytest

from altus.model.vm import Vm
from altus.model.volume import Volume


def _changeable(hint: Any, where: str) -> list[str]:
    """Names of fields, however deep, whose values could be changed."""
    origin = typing.get_origin(hint) or hint
    if dataclasses.is_dataclass(origin):
        frozen = origin.__dataclass_params__.frozen  # type: ignore[union-attr]
        hints = typing.get_type_hints(origin)
        inner = [one for name, part in hints.items() for one in _changeable(part, f"{where}.{name}")]
        return inner if frozen else [where, *inner]
    if origin in (typing.Union, types.UnionType, tuple, frozenset):
        return [one for part in typing.get_args(hint) if part is not ... for one in _changeable(part, where)]
    return [where] if origin in (list, dict, set) else []


@pytest.mark.parametrize("kind", [Vm, Volume])
def test_shared_rows_cannot_be_changed(kind: type) -> None:
    assert _changeable(kind, kind.__name__) == []
