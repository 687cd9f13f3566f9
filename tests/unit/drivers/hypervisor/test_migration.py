"""The rule of live migration, and the fakes of two hosts that keep it."""

from __future__ import annotations

import asyncio
import dataclasses
from itertools import product

import pytest

from altus.common.errors import AltusError, Cancelled, Conflict, Failed
from altus.drivers.hypervisor.base import ByteStream, MigrationChannel, Move
from altus.drivers.hypervisor.fake import FakeHypervisor
from altus.drivers.hypervisor.migration import Here, Next, Sides, There, decide, leave, settle
from altus.model.migration import MigrationFacts, MigrationMode, MigrationOptions
from altus.model.vm import VmDefinition, VmState
from tests.contract.hypervisor_samples import attachments, definition


def _is_torn(here: Here, there: There) -> bool:
    """Whether post-copy has left a part of its memory on each host, or on one that has lost the other part."""
    return (here is not Here.ACTIVE and there is There.PARTIAL) or (
        here is Here.GIVEN and there in (There.NONE, There.INCOMING)
    )


class Paper:
    """`Sides` on paper: notes in which states both sides were, and refuses what the rule forbids."""

    def __init__(self, here: Here, there: There, transfer: AltusError | None = None) -> None:
        self.now = (here, there)
        self.failure = transfer
        self.whole = True
        self.left = False

    async def here(self) -> Here:
        return self.now[0]

    async def there(self) -> There:
        return self.now[1]

    async def is_whole(self) -> bool:
        return self.whole

    async def transfer(self) -> MigrationFacts:
        assert self.now == (Here.ACTIVE, There.NONE)
        if self.failure is not None:
            raise self.failure
        self.whole = True
        self.now = (Here.NONE, There.WAITING)
        return MigrationFacts(downtime=0.1, bytes_sent=1)

    async def note_left(self, *, left: bool) -> None:
        assert self.now == ((Here.NONE, There.WAITING) if left else (Here.ACTIVE, There.NONE))
        self.left = left

    async def has_left(self) -> bool:
        return self.left

    async def drop_there(self) -> None:
        assert self.now[1] in (There.INCOMING, There.WAITING) or self.now == (Here.NONE, There.PARTIAL)
        self.now = (self.now[0], There.NONE)

    async def end_here(self) -> None:
        assert self.now[0] in (Here.LEAVING, Here.GIVEN)
        assert self.now[1] in (There.WAITING, There.RUNNING) or _is_torn(*self.now)
        self.now = (Here.NONE, self.now[1])

    async def go_on_here(self) -> None:
        assert self.now[0] is Here.LEAVING
        assert self.now[1] not in (There.RUNNING, There.PARTIAL)
        self.now = (Here.ACTIVE, self.now[1])

    async def go_on_there(self) -> None:
        assert self.now == (Here.NONE, There.WAITING)
        self.now = (Here.NONE, There.RUNNING)


def _ignore(share: float, text: str, committed: bool = False) -> None:
    """Nobody looks on."""


def _move(other: FakeHypervisor | None = None, vm_id: str = "") -> Move:
    async def reach(channel: MigrationChannel) -> ByteStream:
        assert other is not None
        return await other.migrations.stream(vm_id, channel)

    async def switch() -> None:
        """Packets go nowhere here."""

    return Move(reach=reach, switch=switch, report=_ignore, stop=asyncio.Event())


STATES = list(product(Here, There))
BOTH = [(Here.ACTIVE, There.RUNNING), (Here.ACTIVE, There.PARTIAL)]


@pytest.mark.parametrize(("here", "there"), STATES, ids=str)
async def test_whatever_was_left_a_vm_comes_over_and_never_runs_twice(here: Here, there: There) -> None:
    paper: Sides = (noted := Paper(here, there))
    if (here, there) in BOTH:
        with pytest.raises(Failed, match="runs on two hosts"):
            await leave("vm", paper, _move())
    elif _is_torn(here, there):
        with pytest.raises(Failed, match="Post-copy failed"):
            await leave("vm", paper, _move())
        assert noted.now == (here, there)
    elif here is Here.NONE and there in (There.NONE, There.INCOMING):
        with pytest.raises(Conflict, match="runs neither here"):
            await leave("vm", paper, _move())
        assert noted.now == (Here.NONE, There.NONE)
    else:
        await leave("vm", paper, _move())
        assert noted.now == (Here.NONE, There.RUNNING)


@pytest.mark.parametrize(("here", "there"), STATES, ids=str)
async def test_whatever_was_left_settles_where_the_vm_is(here: Here, there: There) -> None:
    paper = Paper(here, there)
    await settle("vm", paper, _move())
    if here is Here.ACTIVE:
        assert paper.now == (here, there)  # what is there is removed by whoever asked
    elif _is_torn(here, there):
        assert paper.now == (Here.NONE, There.NONE)
    elif there is There.RUNNING or (here, there) in [(Here.NONE, There.WAITING), (Here.GIVEN, There.WAITING)]:
        assert paper.now == (Here.NONE, There.RUNNING)
    else:
        assert paper.now == (Here.NONE if here is Here.NONE else Here.ACTIVE, There.NONE)


@pytest.mark.parametrize(
    ("here", "after"), [(Here.LEAVING, Here.ACTIVE), (Here.GIVEN, Here.NONE), (Here.NONE, Here.NONE)]
)
async def test_a_host_that_was_given_up_is_not_asked(here: Here, after: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    paper = Paper(here, There.NONE)
    monkeypatch.setattr(paper, "there", lambda: pytest.fail("it is not there to be asked"))
    await settle("vm", paper, dataclasses.replace(_move(), gone=True))
    assert paper.now == (after, There.NONE)


def test_forward_and_back_differ_only_where_a_whole_vm_waits_there_or_is_torn() -> None:
    differing = [state for state in STATES if decide(*state, forward=True) is not decide(*state, forward=False)]
    assert [state for state in differing if not _is_torn(*state)] == [(Here.LEAVING, There.WAITING)]
    assert decide(Here.LEAVING, There.WAITING, forward=False) is Next.DROP_THERE


async def test_a_transfer_that_fails_leaves_the_vm_here() -> None:
    paper = Paper(Here.ACTIVE, There.NONE, Failed("broken"))
    with pytest.raises(Failed, match="broken"):
        await leave("vm", paper, _move())
    assert paper.now == (Here.ACTIVE, There.NONE)


@pytest.mark.parametrize("here", [Here.LEAVING, Here.NONE])
async def test_what_may_not_be_whole_is_brought_over_again_as_long_as_that_is_possible(here: Here) -> None:
    paper = Paper(here, There.WAITING)
    paper.whole = False
    facts = await leave("vm", paper, _move())
    assert paper.now == (Here.NONE, There.RUNNING)
    assert facts.bytes_sent == (1 if here is Here.LEAVING else None)


async def test_a_transfer_that_brought_nothing_over_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    paper = Paper(Here.ACTIVE, There.NONE)
    transfer, tries = paper.transfer, []

    async def second_time() -> MigrationFacts:
        tries.append(paper.now)
        return await transfer() if len(tries) == 2 else MigrationFacts()

    monkeypatch.setattr(paper, "transfer", second_time)
    assert (await leave("vm", paper, _move())).bytes_sent == 1
    assert tries == [(Here.ACTIVE, There.NONE)] * 2


async def test_a_guest_that_ends_as_soon_as_it_goes_on_there_has_moved(monkeypatch: pytest.MonkeyPatch) -> None:
    paper = Paper(Here.ACTIVE, There.NONE)

    async def ends() -> None:
        paper.now = (Here.NONE, There.NONE)

    monkeypatch.setattr(paper, "go_on_there", ends)
    assert (await leave("vm", paper, _move())).bytes_sent == 1


# -- two fakes ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def pair() -> tuple[FakeHypervisor, FakeHypervisor]:
    return FakeHypervisor(), FakeHypervisor()


async def _on_both(pair: tuple[FakeHypervisor, FakeHypervisor]) -> VmDefinition:
    vm = definition()
    for host in pair:
        await host.define(vm, attachments(vm))
    await pair[0].start(vm.id)
    return vm


async def _states(pair: tuple[FakeHypervisor, FakeHypervisor], vm: VmDefinition) -> list[VmState | None]:
    seen = [await host.observe(vm.id) for host in pair]
    return [one.state if one else None for one in seen]


async def test_a_fake_vm_moves_and_moving_it_again_changes_nothing(pair: tuple[FakeHypervisor, FakeHypervisor]) -> None:
    vm = await _on_both(pair)
    facts = await pair[0].migrations.leave(vm.id, _move(pair[1], vm.id))
    assert facts.downtime is not None
    assert await _states(pair, vm) == [VmState.STOPPED, VmState.RUNNING]
    assert (await pair[0].migrations.leave(vm.id, _move(pair[1], vm.id))).seconds is None
    assert await _states(pair, vm) == [VmState.STOPPED, VmState.RUNNING]


async def test_a_fake_vm_that_is_to_stop_moving_stays(pair: tuple[FakeHypervisor, FakeHypervisor]) -> None:
    vm, pair[0].migrations.seconds = await _on_both(pair), 60.0
    move = _move(pair[1], vm.id)
    moving = asyncio.create_task(pair[0].migrations.leave(vm.id, move))
    await asyncio.sleep(0)
    move.stop.set()
    with pytest.raises(Cancelled):
        await moving
    assert await _states(pair, vm) == [VmState.RUNNING, VmState.STOPPED]


async def test_a_paused_fake_vm_does_not_move(pair: tuple[FakeHypervisor, FakeHypervisor]) -> None:
    vm = await _on_both(pair)
    await pair[0].pause(vm.id)
    with pytest.raises(Conflict) as refused:
        await pair[0].migrations.leave(vm.id, _move(pair[1], vm.id))
    assert refused.value.code == "vm.not_running"
    await pair[0].migrations.settle(vm.id, _move(pair[1], vm.id))
    assert await _states(pair, vm) == [VmState.PAUSED, VmState.STOPPED]


async def test_a_fake_vm_that_post_copy_moves_cannot_be_stopped(pair: tuple[FakeHypervisor, FakeHypervisor]) -> None:
    vm, told = await _on_both(pair), []
    options = MigrationOptions(mode=MigrationMode.POST_COPY, bandwidth=7)

    def report(share: float, text: str, committed: bool = False) -> None:
        told.append(committed)
        move.stop.set()

    move = dataclasses.replace(_move(pair[1], vm.id), options=options, report=report)
    facts = await pair[0].migrations.leave(vm.id, move)
    assert told == [True]
    assert (facts.mode, facts.options) == (MigrationMode.POST_COPY, options)
    assert await _states(pair, vm) == [VmState.STOPPED, VmState.RUNNING]


@pytest.mark.parametrize(("asked", "rate", "ended"), [
    (MigrationMode.AUTO, 0, MigrationMode.PLAIN),
    (MigrationMode.AUTO, 1 << 30, MigrationMode.AUTO_CONVERGE),
    (MigrationMode.PLAIN, 1 << 30, MigrationMode.PLAIN),
])  # fmt: skip
async def test_a_fake_vm_is_slowed_down_only_if_it_may_be_and_must(
    pair: tuple[FakeHypervisor, FakeHypervisor], asked: MigrationMode, rate: int, ended: MigrationMode
) -> None:
    vm, pair[0].migrations.dirty_rate = await _on_both(pair), rate
    move = dataclasses.replace(_move(pair[1], vm.id), options=MigrationOptions(mode=asked))
    facts = await pair[0].migrations.leave(vm.id, move)
    assert facts.mode is ended
    assert bool(facts.throttle) is (ended is MigrationMode.AUTO_CONVERGE)


async def test_it_is_noted_that_a_vm_has_left_with_its_disks_and_not_that_it_came_back(
    pair: tuple[FakeHypervisor, FakeHypervisor],
) -> None:
    vm = await _on_both(pair)
    move = dataclasses.replace(_move(pair[1], vm.id), copies=True)
    await pair[0].migrations.leave(vm.id, move)
    pair[1].crash(vm.id)
    assert await pair[0].migrations.settle(vm.id, move) is True
    assert await pair[0].migrations.settle(vm.id, dataclasses.replace(move, copies=False)) is False
    await pair[0].start(vm.id)
    pair[0].fail_next("migrations.transfer", Failed("broken"))
    with pytest.raises(Failed, match="broken"):
        await pair[0].migrations.leave(vm.id, move)
    pair[0].crash(vm.id)
    assert await pair[0].migrations.settle(vm.id, move) is False


@pytest.mark.parametrize("ending", [There.NONE, There.RUNNING])
async def test_it_is_noted_before_it_goes_on_there(ending: There, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that whoever dies between both knows it."""
    paper, noted = Paper(Here.NONE, There.WAITING), []

    async def go_on() -> None:
        noted.append(paper.left)
        paper.now = (Here.NONE, ending)

    monkeypatch.setattr(paper, "go_on_there", go_on)
    assert await settle("vm", paper, dataclasses.replace(_move(), copies=True)) is True
    assert noted == [True]


async def test_a_fake_vm_copies_its_disks_first_and_can_be_stopped_then(
    pair: tuple[FakeHypervisor, FakeHypervisor],
) -> None:
    vm, pair[0].migrations.seconds, told = await _on_both(pair), 60.0, []

    def report(share: float, text: str, committed: bool = False) -> None:
        told.append(text)
        move.stop.set()

    move = dataclasses.replace(_move(pair[1], vm.id), copies=True, report=report)
    with pytest.raises(Cancelled):
        await pair[0].migrations.leave(vm.id, move)
    assert told == ["disks: 1 MiB of 2 MiB copied"]
    assert await _states(pair, vm) == [VmState.RUNNING, VmState.STOPPED]
