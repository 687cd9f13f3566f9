"""What goes through doors with a limit keeps it together."""

from __future__ import annotations

from altus.drivers.hypervisor.libvirt.migration_pace import Pace


class Clock:
    """Time passes only in sleep."""

    def __init__(self) -> None:
        self.now = 50.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


async def test_so_many_bytes_take_so_long_whoever_sends_them() -> None:
    clock = Clock()
    pace = Pace(100, clock, clock.sleep)
    for _ in range(3):
        await pace.keep(50)
    assert clock.now == 51.5


async def test_time_in_which_nothing_was_sent_is_not_made_up_for() -> None:
    clock = Clock()
    pace = Pace(100, clock, clock.sleep)
    await pace.keep(100)
    clock.now += 1000
    await pace.keep(100)
    assert clock.now == 1052.0


async def test_without_a_limit_nobody_waits() -> None:
    clock = Clock()
    await Pace(None, clock, clock.sleep).keep(1 << 40)
    assert clock.now == 50.0
