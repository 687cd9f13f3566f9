"""Guests are asked often after something happened, seldom otherwise, and only news is told."""

from __future__ import annotations

import asyncio
import dataclasses

from altus.agent.guests import Guests
from altus.common.errors import NotFound
from altus.model.vm import GuestFacts, GuestFilesystem, VmObservation, VmState
from tests.unit.agent.waiting import until

MIB = 1 << 20
RUNNING = VmObservation(id="a", name="a", state=VmState.RUNNING)


class Guest:
    """Answers what it is told to."""

    def __init__(self) -> None:
        self.answer: GuestFacts | None = GuestFacts(hostname="one")
        self.asked = 0
        self.told: list[str] = []
        self.at_once = self.most = 0

    async def ask(self, vm_id: str) -> GuestFacts | None:
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        await asyncio.sleep(0.002)
        self.at_once -= 1
        self.asked += 1
        if self.answer is None:
            return None
        return dataclasses.replace(self.answer, observed_at=GuestFacts().observed_at)

    def guests(self, first: float = 0.005, longest: float = 0.01) -> Guests:
        return Guests(self.ask, self.told.append, first, longest)


async def test_only_changes_are_told() -> None:
    guest = Guest()
    guests = guest.guests()
    guests.notice(RUNNING)
    await until(lambda: guest.asked > 3)
    assert guest.told == ["a"]
    guest.answer = GuestFacts(hostname="two")
    await until(lambda: guest.told == ["a", "a"])
    enriched = guests.enrich(RUNNING).guest
    assert enriched is not None
    assert enriched.hostname == "two"
    await guests.close()


async def test_a_few_more_bytes_on_disk_are_no_news() -> None:
    guest = Guest()

    def full(used: int) -> GuestFacts:
        return GuestFacts(filesystems=(GuestFilesystem(mountpoint="/", type="ext4", total=1 << 30, used=used),))

    guest.answer = full(64 * MIB)
    guests = guest.guests()
    guests.notice(RUNNING)
    await until(lambda: guest.told)
    guest.answer, asked = full(65 * MIB), guest.asked
    await until(lambda: guest.asked > asked + 2)
    assert guest.told == ["a"]
    guest.answer = full(128 * MIB)
    await until(lambda: guest.told == ["a", "a"])
    await guests.close()


async def test_event_has_the_guest_asked_at_once() -> None:
    guest = Guest()
    guests = guest.guests(60, 60)
    guests.notice(RUNNING)
    await until(lambda: guest.asked == 1)
    guests.notice(RUNNING)
    await until(lambda: guest.asked == 2)
    await guests.close()


async def test_guest_without_agent_keeps_what_it_told() -> None:
    guest = Guest()
    guests = guest.guests()
    guests.notice(RUNNING)
    await until(lambda: guest.told)
    guest.answer, asked = None, guest.asked
    await until(lambda: guest.asked > asked + 2)
    assert guests.enrich(RUNNING).guest is not None
    await guests.close()


async def test_stopped_vm_is_asked_no_more_and_its_facts_are_forgotten() -> None:
    guest = Guest()
    guests = guest.guests()
    guests.notice(RUNNING)
    await until(lambda: guest.told)
    guests.notice(dataclasses.replace(RUNNING, state=VmState.PAUSED))
    assert guests.enrich(RUNNING).guest is not None
    guests.notice(dataclasses.replace(RUNNING, state=VmState.STOPPED))
    assert guests.enrich(RUNNING).guest is None
    await asyncio.sleep(0.02)
    asked = guest.asked
    await asyncio.sleep(0.03)
    assert guest.asked == asked


async def test_vm_that_goes_while_asked_is_no_fault() -> None:
    guest = Guest()

    async def gone(_vm_id: str) -> None:
        guest.asked += 1
        raise NotFound("gone")

    guests = Guests(gone, guest.told.append, 0.001, 0.001)
    guests.notice(RUNNING)
    await until(lambda: guest.asked > 2)
    guests.retain(set())
    await guests.close()


async def test_at_most_four_guests_are_asked_at_once() -> None:
    guest = Guest()
    guests = guest.guests()
    for number in range(20):
        guests.notice(dataclasses.replace(RUNNING, id=str(number)))
    await until(lambda: len(guest.told) == 20)
    assert guest.most == 4
    await guests.close()
