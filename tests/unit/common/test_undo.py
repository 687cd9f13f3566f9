"""Undo is a stack."""

from __future__ import annotations

import pytest

from altus.common.undo import Undo


async def test_a_failure_undoes_in_reverse_and_is_raised_even_if_an_undo_fails() -> None:
    done: list[str] = []

    async def later() -> None:
        done.append("second")

    def broken() -> None:
        done.append("broken")
        raise OSError("stuck")

    async def fail() -> None:
        async with Undo() as undo:
            undo.push(lambda: done.append("first"))
            undo.push(later)
            undo.push(broken)
            raise ValueError("the cause")

    with pytest.raises(ValueError, match="cause"):
        await fail()
    assert done == ["broken", "second", "first"]


async def test_success_undoes_nothing() -> None:
    done: list[str] = []
    async with Undo() as undo:
        undo.push(lambda: done.append("undone"))
    assert done == []
