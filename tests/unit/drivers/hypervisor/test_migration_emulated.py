"""When an emulated guest that moves is to stand still."""

from __future__ import annotations

import libvirt
import pytest

from altus.drivers.hypervisor.libvirt.migration_emulated import Standstill

_MOVES = {"operation": libvirt.VIR_DOMAIN_JOB_OPERATION_MIGRATION_OUT}
_MEMORY = 128 << 20


@pytest.mark.parametrize(("stats", "due"), [
    ({}, False),
    (_MOVES | {"memory_total": 0}, False),
    (_MOVES | {"memory_total": _MEMORY}, True),
    (_MOVES | {"memory_total": _MEMORY, "memory_iteration": 1}, True),
])  # fmt: skip
def test_for_post_copy_it_is_time_when_memory_is_being_sent(stats: dict[str, int], due: bool) -> None:
    assert Standstill(_MEMORY, at_once=True).is_due(stats) is due


def test_otherwise_it_is_time_when_the_first_pass_is_about_to_end() -> None:
    clock = iter(range(10))
    guest = Standstill(_MEMORY, at_once=False, clock=lambda: next(clock))
    sent = _MOVES | {"memory_total": _MEMORY, "memory_iteration": 1}
    assert not guest.is_due(_MOVES | {"memory_total": 0})
    assert not guest.is_due(sent | {"memory_remaining": _MEMORY})
    assert not guest.is_due(sent | {"memory_remaining": _MEMORY // 2})
    assert guest.is_due(sent | {"memory_remaining": _MEMORY // 100})


def test_it_is_too_late_when_the_second_pass_has_begun_or_all_is_over() -> None:
    assert not Standstill.is_late(_MOVES | {"memory_iteration": 1})
    assert Standstill.is_late(_MOVES | {"memory_iteration": 2})
    assert Standstill.is_late({})
