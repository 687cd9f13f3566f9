"""Placement one by one against the best that is possible at all, which OR-tools finds for small cases."""

from __future__ import annotations

import dataclasses
import random

import pytest
from ortools.sat.python import cp_model

from altus.common.units import GIB
from altus.manager.placement.choose import best, fits
from altus.manager.placement.declare import Candidate, Request
from altus.model.placement import Relation
from tests.unit.manager.placement.hosts import apart, candidate, request

_CASES = 40
_ENOUGH = 0.85
"""The share of the possible VMs that one-by-one placement, which cannot look ahead, must place over all cases."""


@dataclasses.dataclass
class Case:
    """Hosts, and VMs in the order in which they are asked for."""

    hosts: list[Candidate]
    wanted: list[Request]

    @classmethod
    def of(cls, seed: int) -> Case:
        """Repeatable; sizes are such that about as much is wanted as there is."""
        chance = random.Random(seed)  # noqa: S311 - repeatable on purpose
        hosts = [
            candidate(f"h{number}", threads=chance.choice((2, 4, 8)), memory=chance.choice((4, 8, 16)) * GIB,
                      tags=tuple(tag for tag in ("ssd", "gpu") if chance.random() < 0.5))
            for number in range(chance.randint(2, 5))
        ]  # fmt: skip
        wanted = [
            request(chance.choice((1, 2, 4)), chance.choice((1, 2, 4)) * GIB,
                    groups=(apart(f"g{chance.randint(0, 2)}"),) if chance.random() < 0.4 else (),
                    required=("ssd",) if chance.random() < 0.2 else (),
                    forbidden=("gpu",) if chance.random() < 0.2 else ())
            for _ in range(chance.randint(6, 14))
        ]  # fmt: skip
        return cls(hosts, wanted)


def one_by_one(case: Case) -> list[str | None]:
    """The id of each VM's host, as placement chooses it when the VMs come in their order."""
    hosts = {host.host.id: host for host in case.hosts}
    groups: dict[str, set[str]] = {}
    chosen: list[str | None] = []
    for asked in case.wanted:
        members = {rule.group: frozenset(groups.get(rule.group, ())) for rule in asked.placement.groups}
        found = best(dataclasses.replace(asked, members=members), hosts.values())
        chosen.append(found.host.id if found else None)
        if found is not None:
            hosts[found.host.id] = dataclasses.replace(
                found, vcpus_used=found.vcpus_used + asked.vcpus, memory_used=found.memory_used + asked.memory
            )
            for rule in asked.placement.groups:
                groups.setdefault(rule.group, set()).add(found.host.id)
    return chosen


def optimum(case: Case, fixed: list[str | None] | None = None) -> int | None:
    """How many VMs can be placed at best; with `fixed` places, whether those are allowed at all (None: they are not).
    Said anew here, without any rule of the product but those of single hosts."""
    model = cp_model.CpModel()
    there = {
        (v, h): model.new_bool_var(f"{v}@{h}") for v in range(len(case.wanted)) for h in range(len(case.hosts))
    }  # fmt: skip
    for v, asked in enumerate(case.wanted):
        model.add(sum(there[v, h] for h in range(len(case.hosts))) <= 1)
        for h, host in enumerate(case.hosts):
            tags = set(host.host.tags)
            if set(asked.placement.required_tags) - tags or set(asked.placement.forbidden_tags) & tags:
                model.add(there[v, h] == 0)
            if fixed is not None:
                model.add(there[v, h] == (fixed[v] == host.host.id))
    for h, host in enumerate(case.hosts):
        here = [(there[v, h], asked) for v, asked in enumerate(case.wanted)]
        model.add(sum(var * asked.vcpus for var, asked in here) <= host.capacity.vcpus)
        model.add(sum(var * (asked.memory // GIB) for var, asked in here) <= host.capacity.memory // GIB)
        for group in {rule.group for asked in case.wanted for rule in asked.placement.groups}:
            model.add(sum(var for var, asked in here if group in {r.group for r in asked.placement.groups}) <= 1)
    model.maximize(sum(there.values()))
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    status = solver.solve(model)
    return round(solver.objective_value) if status == cp_model.OPTIMAL else None


@pytest.mark.parametrize("seed", range(_CASES))
def test_what_is_chosen_is_allowed_and_what_is_refused_is_impossible_now(seed: int) -> None:
    case = Case.of(seed)
    chosen = one_by_one(case)
    assert optimum(case, chosen) == sum(place is not None for place in chosen)


def test_nearly_as_many_are_placed_as_is_possible() -> None:
    cases = [Case.of(seed) for seed in range(_CASES)]
    placed = sum(sum(place is not None for place in one_by_one(case)) for case in cases)
    possible = sum(optimum(case) or 0 for case in cases)
    assert sum(len(case.wanted) for case in cases) > possible  # it is tight, so that it is worth asking
    assert placed <= possible
    assert placed >= _ENOUGH * possible, f"{placed} of {possible}"


def test_refused_vm_fits_nowhere_at_that_moment() -> None:
    case = Case([candidate("h1", threads=1), candidate("h2", threads=1)], [request(2) for _ in range(3)])
    assert one_by_one(case) == ["h1", "h2", None]
    full = [dataclasses.replace(host, vcpus_used=2) for host in case.hosts]
    assert not any(fits(case.wanted[2], host) for host in full)
    assert optimum(case) == 2


def test_groups_in_the_cases_are_the_products_own() -> None:
    rules = [rule for seed in range(_CASES) for asked in Case.of(seed).wanted for rule in asked.placement.groups]
    assert rules
    assert {(rule.relation, rule.must) for rule in rules} == {(Relation.APART, True)}
