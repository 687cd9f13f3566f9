"""<clock>: the guest's clocks."""

from __future__ import annotations

from dataclasses import dataclass

from altus.drivers.hypervisor.libvirt.xml.schema import Element, at


@dataclass(kw_only=True)
class Timer(Element, tag="timer"):
    """<timer>: one source of time and what happens to ticks the guest missed."""

    name: str = at("@name")
    tick_policy: str | None = at("@tickpolicy", None)
    present: bool | None = at("@present", None)


_USUAL = (
    Timer(name="rtc", tick_policy="catchup"),
    Timer(name="pit", tick_policy="delay"),
    Timer(name="hpet", present=False),
)


@dataclass(kw_only=True)
class Clock(Element, tag="clock"):
    """<clock>: UTC; missed ticks are caught up or delayed as systems expect it; HPET only costs wake-ups."""

    offset: str = at("@offset", "utc")
    timers: tuple[Timer, ...] = _USUAL
