"""The lock table against the plainest possible model of it, with children, in every order Hypothesis can think of."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from altus.model.locks import LockTable, Order
from altus.model.task import Lock, LockMode, exclusive, shared

CLAIMS = st.lists(st.builds(Lock, st.sampled_from(["r:a", "r:b"]), st.sampled_from(LockMode)), max_size=2)


@dataclass
class Claimant:
    order: Order
    locks: dict[str, LockMode]
    held: bool = False

    def conflicts(self, other: Claimant) -> bool:
        return any(
            LockMode.EXCLUSIVE in (mode, other.locks[name]) for name, mode in self.locks.items() if name in other.locks
        )

    def is_ancestor_of(self, other: Claimant) -> bool:
        return len(self.order) < len(other.order) and other.order[: len(self.order)] == self.order

    def goes_before(self, other: Claimant) -> bool:
        return not self.is_ancestor_of(other) and (self.held or self.order < other.order)


class Locks(RuleBasedStateMachine):
    """`model` knows all claimants; what the table says is compared with what follows from looking at all of them."""

    def __init__(self) -> None:
        super().__init__()
        self.table = LockTable()
        self.model: dict[str, Claimant] = {}
        self.count = 0

    def _add(self, parent: Order, locks: list[Lock]) -> str:
        self.count += 1
        name = f"t{self.count}"
        modes: dict[str, LockMode] = {}
        for lock in locks:
            if modes.get(lock.resource) is not LockMode.EXCLUSIVE:
                modes[lock.resource] = lock.mode
        self.model[name] = Claimant((*parent, self.count), modes)
        self.table.add(name, (*parent, self.count), locks)
        return name

    def _blockers(self, name: str) -> list[str]:
        me = self.model[name]
        found = [o for o, c in self.model.items() if o != name and c.conflicts(me) and c.goes_before(me)]
        return sorted(found, key=lambda other: self.model[other].order)

    def _waiting(self) -> list[str]:
        return [name for name, claimant in self.model.items() if not claimant.held]

    def _startable(self) -> list[str]:
        return [name for name in self._waiting() if not self._blockers(name)]

    def _parents(self) -> set[str]:
        return {n for n, c in self.model.items() if any(c.is_ancestor_of(other) for other in self.model.values())}

    def _release(self, name: str) -> None:
        gone = self.model.pop(name)
        near = [o for o in self._waiting() if self.model[o].conflicts(gone)]
        assert self.table.release(name) == sorted(near, key=lambda other: self.model[other].order)

    @rule(locks=CLAIMS, start=st.booleans())
    def submit(self, locks: list[Lock], start: bool) -> None:
        name = self._add((), locks)
        if start and not self._blockers(name):
            self.model[name].held = True
            self.table.take(name)

    @precondition(lambda self: any(c.held for c in self.model.values()))
    @rule(data=st.data(), locks=CLAIMS)
    def submit_child(self, data: st.DataObject, locks: list[Lock]) -> None:
        parent = data.draw(st.sampled_from([n for n, c in self.model.items() if c.held]))
        child = self._add(self.model[parent].order, locks)
        if self.table.deadlocks(child):
            self._release(child)  # the engine fails it

    @precondition(lambda self: self._startable())
    @rule(data=st.data())
    def start(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(self._startable()))
        self.model[name].held = True
        self.table.take(name)

    @precondition(lambda self: len(self.model) > 4 or (self.model and not self._startable()))
    @rule(data=st.data())
    def end(self, data: st.DataObject) -> None:
        endable = sorted(set(self.model) - self._parents())
        self._release(data.draw(st.sampled_from(endable)))

    @invariant()
    def the_table_says_what_the_model_says(self) -> None:
        for name in self.model:
            assert name in self.table
            assert self.table.blockers(name) == self._blockers(name)
            assert self.table.is_blocked(name) == bool(self._blockers(name))

    @invariant()
    def no_two_conflicting_ones_are_held_unless_one_is_the_others_ancestor(self) -> None:
        held = [claimant for claimant in self.model.values() if claimant.held]
        for one in held:
            for other in held:
                if one is not other and one.conflicts(other):
                    assert one.is_ancestor_of(other) or other.is_ancestor_of(one)

    @invariant()
    def somebody_can_always_go_on(self) -> None:
        idle_parents = self._parents()
        working = [n for n, c in self.model.items() if c.held and n not in idle_parents]
        assert working or self._startable() or not self.model

    @invariant()
    def the_first_of_all_waiting_roots_waits_only_for_holders_and_their_children(self) -> None:
        roots = [n for n in self._waiting() if len(self.model[n].order) == 1]
        if roots:
            first = min(roots, key=lambda name: self.model[name].order)
            for other in self._blockers(first):
                assert self.model[other].held or len(self.model[other].order) > 1


TestLocks = Locks.TestCase
TestLocks.settings = settings(max_examples=200, stateful_step_count=40, deadline=None, derandomize=True)


def test_the_strongest_of_two_claims_on_one_resource_counts() -> None:
    table = LockTable()
    table.add("one", (1,), [shared("r", "a"), exclusive("r", "a")])
    table.add("two", (2,), [shared("r", "a")])
    assert table.blockers("two") == ["one"]


def test_releasing_twice_or_what_was_never_there_is_fine() -> None:
    table = LockTable()
    table.add("one", (1,), [exclusive("r", "a")])
    assert table.release("one") == []
    assert table.release("one") == []
    assert "one" not in table


def test_a_task_that_wants_nothing_waits_for_nobody() -> None:
    table = LockTable()
    table.add("one", (1,), [exclusive("r", "a")])
    table.add("two", (2,), [])
    assert not table.is_blocked("two")


def test_children_which_need_what_the_other_parent_holds_would_deadlock() -> None:
    table = LockTable()
    for number, name in enumerate(("left", "right"), 1):
        table.add(name, (number,), [exclusive("host", name)])
        table.take(name)
    table.add("left-child", (1, 3), [exclusive("host", "right")])
    assert not table.deadlocks("left-child")
    table.add("right-child", (2, 4), [shared("host", "left")])
    assert table.deadlocks("right-child")
    table.release("right-child")
    table.release("right")
    assert not table.is_blocked("left-child")
