"""Lists: pages put together are the whole list, whatever the filter and order; nonsense is refused."""

from __future__ import annotations

import asyncio
import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from altus.common.errors import InvalidInput
from altus.common.ids import derived_id
from altus.manager.store.database import Database
from altus.manager.store.resources import NETWORK, VM
from altus.model.network import Network, NetworkKind, NetworkState
from altus.model.query import MAX_PAGE, Filter, FilterOp, ListQuery
from altus.model.vm import Vm, VmHardware, VmState

START = datetime(2026, 1, 1, tzinfo=UTC)
SORTS = ("id", "name", "kind", "state", "mtu", "created_at", "revision", "label")


def _network(number: int) -> Network:
    return Network(
        id=derived_id("network", str(number)),
        name=f"n_{number % 7}%x{number}",
        kind=list(NetworkKind)[number % 2],
        state=list(NetworkState)[number % 4],
        cidr="10.0.0.0/24",
        gateway="10.0.0.1",
        dns=("1.1.1.1", "9.9.9.9") if number % 5 == 0 else (),
        mtu=1400 + number % 3,
        created_at=START + timedelta(microseconds=number % 4),
    )


def _vm(number: int, **fields: Any) -> Vm:
    return Vm(id=derived_id("vm", str(number)), name=f"vm{number}", hardware=VmHardware(), **fields)


NETWORKS = [_network(number) for number in range(40)]


async def _fill(db: Database, *vms: Vm) -> None:
    def write(tx: Any) -> None:
        for network in NETWORKS:
            NETWORK.insert(tx, network)
        for vm in vms:
            VM.insert(tx, vm)

    await db.write(write)


async def _all_pages(db: Database, query: ListQuery) -> list[Network]:
    found: list[Network] = []
    after = query.after
    while True:
        one = ListQuery(filters=query.filters, sort=query.sort, descending=query.descending, limit=query.limit,
                        after=after)  # fmt: skip
        page = await db.read(lambda tx, one=one: NETWORK.page(tx, one))  # type: ignore[misc]
        assert len(page.items) <= query.limit
        found += page.items
        after = page.next
        if after is None:
            return found
        assert len(page.items) == query.limit


async def _vm_names(db: Database, *filters: Filter) -> list[str]:
    page = await db.read(lambda tx: VM.page(tx, ListQuery(filters=filters, sort="name")))
    return [vm.name for vm in page.items]


def _equal(name: str, *values: str) -> Filter:
    return Filter(name, FilterOp.EQUAL, values)


filters = st.lists(
    st.one_of(
        st.sampled_from(list(NetworkState)).map(lambda state: (_equal("state", state), lambda n: n.state is state)),
        st.sampled_from(list(NetworkKind)).map(
            lambda kind: (Filter("kind", FilterOp.DIFFERENT, (kind,)), lambda n: n.kind is not kind)
        ),
        st.integers(1399, 1403).map(lambda mtu: (_equal("mtu", str(mtu), "1400"), lambda n: n.mtu in (mtu, 1400))),
        st.sampled_from(["_", "%", "X", "n_1%", "\\", "[", "3"]).map(
            lambda text: (Filter("name", FilterOp.CONTAINS, (text,)), lambda n: text.lower() in n.name.lower())
        ),
        st.integers(0, 4).map(
            lambda us: (
                _equal("created_at", (START + timedelta(microseconds=us)).isoformat()),
                lambda n: n.created_at == START + timedelta(microseconds=us),
            )
        ),
    ),
    max_size=2,
)


async def test_pages_put_together_are_the_whole_list(db: Database) -> None:
    await _fill(db)
    loop = asyncio.get_running_loop()

    @settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(st.sampled_from(SORTS), st.booleans(), st.integers(1, 50), filters)
    def check(sort: str, descending: bool, limit: int, chosen: list[tuple[Filter, Any]]) -> None:
        query = ListQuery(filters=tuple(f for f, _ in chosen), sort=sort, descending=descending, limit=limit)
        found = asyncio.run_coroutine_threadsafe(_all_pages(db, query), loop).result(30)
        wanted = [n for n in NETWORKS if all(holds(n) for _, holds in chosen)]
        wanted.sort(key=lambda n: (getattr(n, sort), n.id), reverse=descending)
        assert [n.id for n in found] == [n.id for n in wanted]
        assert {n.id: n.dns for n in found} == {n.id: n.dns for n in wanted}

    await asyncio.to_thread(check)


async def test_what_comes_and_goes_meanwhile_neither_repeats_nor_hides_other_rows(db: Database) -> None:
    await _fill(db)
    first = await db.read(lambda tx: NETWORK.page(tx, ListQuery(sort="name", limit=10)))

    def disturb(tx: Any) -> None:
        NETWORK.delete(tx, first.items[-1].id)
        NETWORK.delete(tx, first.items[0].id)
        NETWORK.insert(tx, Network(id=derived_id("new"), name="a-first", cidr="10.0.0.0/24", gateway="10.0.0.1"))

    await db.write(disturb)
    rest = await _all_pages(db, ListQuery(sort="name", limit=7, after=first.next))
    assert sorted(n.name for n in [*first.items, *rest]) == sorted(n.name for n in NETWORKS)


async def test_values_are_read_as_the_fields_type_on_both_databases(db: Database) -> None:
    await _fill(
        db,
        _vm(1, protected=True, host_id="h1", tags=("web", "a\"b"), state=VmState.RUNNING),
        _vm(2, host_id="h2", tags=("Web",), description="100% _sure_"),
        _vm(3, tags=("webserver",), state=VmState.RUNNING),
    )  # fmt: skip
    assert await _vm_names(db, _equal("protected", "true")) == ["vm1"]
    assert await _vm_names(db, _equal("protected", "false")) == ["vm2", "vm3"]
    assert await _vm_names(db, Filter("protected", FilterOp.DIFFERENT, ("true",))) == ["vm2", "vm3"]
    assert await _vm_names(db, _equal("revision", "1"), _equal("state", "running")) == ["vm1", "vm3"]
    assert await _vm_names(db, _equal("state", "running", "creating")) == ["vm1", "vm2", "vm3"]
    assert await _vm_names(db, _equal("host_id", "")) == ["vm3"]
    assert await _vm_names(db, _equal("host_id", "h1", "")) == ["vm1", "vm3"]
    assert await _vm_names(db, Filter("host_id", FilterOp.DIFFERENT, ("h1",))) == ["vm2", "vm3"]
    assert await _vm_names(db, Filter("host_id", FilterOp.DIFFERENT, ("",))) == ["vm1", "vm2"]
    assert await _vm_names(db, _equal("tags", "web")) == ["vm1"]
    assert await _vm_names(db, _equal("tags", 'a"b')) == ["vm1"]
    assert await _vm_names(db, Filter("tags", FilterOp.CONTAINS, ("WEB",))) == ["vm1", "vm2", "vm3"]
    assert await _vm_names(db, Filter("description", FilterOp.CONTAINS, ("% _S",))) == ["vm2"]
    assert await _vm_names(db, Filter("description", FilterOp.CONTAINS, ("__",))) == []


@pytest.mark.parametrize(
    "wrong",
    [
        _equal("nonsense", "1"),
        _equal("protected", "maybe"),
        _equal("revision", "one"),
        _equal("revision", str(2**63)),
        _equal("state", "flying"),
        _equal("created_at", "yesterday"),
        _equal("name", "a\0b"),
        _equal("name", "\ud800"),
        Filter("revision", FilterOp.CONTAINS, ("1",)),
    ],
    ids=repr,
)
async def test_wrong_filters_are_refused(db: Database, wrong: Filter) -> None:
    with pytest.raises(InvalidInput) as caught:
        await _vm_names(db, wrong)
    assert caught.value.code == "list.filter"
    assert caught.value.hint


@pytest.mark.parametrize(
    ("query", "code"),
    [
        (ListQuery(sort="nonsense"), "list.sort"),
        (ListQuery(sort="tags"), "list.sort"),
        (ListQuery(sort="host_id"), "list.sort"),
        (ListQuery(limit=0), "list.limit"),
        (ListQuery(limit=MAX_PAGE + 1), "list.limit"),
    ],
)
async def test_wrong_questions_are_refused(sqlite_db: Database, query: ListQuery, code: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        await sqlite_db.read(lambda tx: VM.page(tx, query))
    assert caught.value.code == code


def _cursor(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


async def test_cursors_which_are_not_ours_are_refused(db: Database) -> None:
    loop = asyncio.get_running_loop()
    plain = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.lists(st.text()))
    made_up = st.one_of(st.text(max_size=20), st.lists(plain, max_size=4).map(_cursor), plain.map(_cursor),
                        st.sampled_from(SORTS).flatmap(lambda s: plain.map(lambda v: _cursor([s, v, v]))))  # fmt: skip

    @settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(st.sampled_from(SORTS), made_up)
    def check(sort: str, cursor: str) -> None:
        query = ListQuery(sort=sort, after=cursor)
        answer = asyncio.run_coroutine_threadsafe(db.read(lambda tx: NETWORK.page(tx, query)), loop)
        try:
            assert answer.result(30).items == []
        except InvalidInput as error:
            assert error.code == "list.cursor"  # noqa: PT017

    await asyncio.to_thread(check)


async def test_a_cursor_of_another_order_is_refused(sqlite_db: Database) -> None:
    await _fill(sqlite_db)
    page = await sqlite_db.read(lambda tx: NETWORK.page(tx, ListQuery(sort="name", limit=5)))
    with pytest.raises(InvalidInput):
        await sqlite_db.read(lambda tx: NETWORK.page(tx, ListQuery(sort="cidr", after=page.next)))


async def test_pages_show_only_the_projects_asked_for(sqlite_db: Database) -> None:
    await _fill(sqlite_db)
    page = await sqlite_db.read(lambda tx: NETWORK.page(tx, ListQuery(), project_ids=["another"]))
    assert (page.items, page.next) == ([], None)
