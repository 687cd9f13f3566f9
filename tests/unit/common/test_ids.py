"""Identifiers."""

from __future__ import annotations

import uuid

import pytest

from altus.common.errors import InvalidInput
from altus.common.ids import check_id, derived_id, new_id

ONE = "0192f0c1-7a00-7000-8000-00000000000a"


def test_new_ids_sort_by_the_time_they_were_made() -> None:
    ids = [new_id() for _ in range(1000)]
    assert ids == sorted(ids)
    assert len(set(ids)) == 1000
    assert uuid.UUID(ids[0]).version == 7


def test_derived_ids_depend_on_all_parts() -> None:
    assert derived_id("a", "b") == derived_id("a", "b")
    assert len({derived_id("a", "b"), derived_id("b", "a"), derived_id("a"), derived_id("a", "c")}) == 4
    assert check_id(derived_id("a"))


@pytest.mark.parametrize("text", ["", "x", ONE.upper(), f"{{{ONE}}}", ONE.replace("-", ""), "../etc"])
def test_only_canonical_ids_are_taken(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        check_id(text)
    assert caught.value.code == "id.malformed"
