"""When an emulated guest that moves is to stand still."""

from __future__ import annotations

from itertools import count

import libvirt
import pytest

from altus.drivers.hypervisor.libvirt.migration_emulated import Standstill, is_emulated

_MOVES = {"operation": libvirt.VIR_DOMAIN_JOB_OPERATION_MIGRATION_OUT}
_TOTAL = 1 << 30
_DISPLAY = _TOTAL // 4


def _seen(left: int, passes: int = 1) -> dict[str, int]:
    return {
        **_MOVES,
        "memory_total": _TOTAL + _DISPLAY,
        "memory_remaining": left + _DISPLAY,
        "memory_iteration": passes,
    }


def _every_second(*, at_once: bool = False) -> Standstill:
    return Standstill(_TOTAL, at_once=at_once, clock=count(1.0).__next__)


def test_only_emulated_guests_are_concerned() -> None:
    assert is_emulated('<domain type="qemu"/>')
    assert not is_emulated('<domain type="kvm"/>')


def test_it_is_due_when_what_is_left_of_its_memory_is_gone_soon() -> None:
    slow, fast, swarm = _every_second(), _every_second(), _every_second()
    assert [slow.is_due(_seen(int(_TOTAL * share))) for share in (0.05, 0.04, 0.03, 0.02, 0.01)] == [False] * 4 + [True]
    assert [fast.is_due(_seen(int(_TOTAL * share))) for share in (1.0, 0.5, 0.06)] == [False, False, True]
    assert [swarm.is_due(_seen(int(_TOTAL * share))) for share in (1.0, 0.95, 0.9, 0.1)] == [False] * 4


def test_it_is_not_due_before_the_first_pass_has_begun() -> None:
    assert not _every_second().is_due(_MOVES)
    assert not _every_second().is_due(_seen(-_DISPLAY, passes=0))


@pytest.mark.parametrize(("stats", "due"), [
    ({}, False), (_MOVES, False), (_MOVES | {"memory_total": 0}, False),
    (_seen(_TOTAL, passes=0), True), (_seen(9), True),
])  # fmt: skip
def test_at_once_it_is_due_when_memory_is_being_sent(stats: dict[str, int], due: bool) -> None:
    assert _every_second(at_once=True).is_due(stats) is due


@pytest.mark.parametrize(("stats", "late"), [
    (_MOVES, False), (_seen(9, passes=0), False), (_seen(9), False), (_seen(9, passes=2), True), ({}, True),
])  # fmt: skip
def test_it_is_too_late_when_the_second_pass_has_begun_or_all_is_over(stats: dict[str, int], late: bool) -> None:
    assert Standstill.is_late(stats) is late


def test_a_second_pass_that_nobody_saw_begin_is_due_and_late() -> None:
    stats = _seen(_TOTAL // 2, passes=2)
    assert _every_second().is_due(stats)
    assert Standstill.is_late(stats)
