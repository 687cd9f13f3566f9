"""The audit trail tells the first broken record and what was done to it."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import random
import shutil
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from altus.common.errors import Internal
from altus.manager.store import audit as rows
from altus.manager.store.audit import AuditChain
from altus.manager.store.audit_verify import _BATCH
from altus.manager.store.database import Database
from altus.manager.store.tables import METADATA
from altus.model.audit import GENESIS, AuditRecord, Outcome, Point, Tampering
from altus.model.query import Filter, FilterOp, ListQuery
from altus.model.task import Task, TaskState
from tests.unit.manager.store.audit_tools import Trail, forged, renumbered, rewritten, sealed

OTHER_KEY = b"x" * 32


@pytest.fixture
async def trail(db: Database, tmp_path: Path) -> Trail:
    """Ten records."""
    made = Trail.new(db, tmp_path)
    await made.write(10)
    await made.anchored()
    return made


def found(trail_verdict: object) -> tuple[object, object]:
    return getattr(trail_verdict, "tampering", None), getattr(trail_verdict, "first_broken", None)


async def test_an_untouched_trail_is_intact(trail: Trail) -> None:
    verdict = await trail.verdict()
    assert verdict.intact
    assert verdict.records == 10
    await trail.write(5)
    assert (await trail.verdict()).intact


async def test_an_empty_trail_is_intact(sqlite_db: Database, tmp_path: Path) -> None:
    assert (await Trail.new(sqlite_db, tmp_path).verdict()).intact


async def test_a_record_is_there_if_and_only_if_its_transaction_is(trail: Trail) -> None:
    def work(tx: object) -> None:
        trail.chain.append(tx, AuditRecord(action="x.y", noun="x", outcome=Outcome.FAILED))  # type: ignore[arg-type]
        raise RuntimeError

    with pytest.raises(RuntimeError):
        await trail.db.write(work)
    await trail.write(1)
    await trail.anchored()
    assert (await trail.verdict()).records == 11
    assert (await trail.verdict()).intact


async def test_many_writers_at_once_make_one_chain(trail: Trail) -> None:
    await asyncio.gather(*(trail.write(1) for _ in range(60)))
    await trail.anchored()
    verdict = await trail.verdict()
    assert verdict.intact
    assert verdict.records == 70
    assert sealed(trail.chain.anchor).seq == 70


@pytest.mark.parametrize(
    ("column", "value"),
    [("actor_name", "mallory"), ("at", 1), ("details", "{}"), ("outcome", "failed"), ("source", "elsewhere"),
     ("prev_hash", "0" * 64), ("duration_ms", 99), ("action", ""), ("hash", "0" * 64)],
)  # fmt: skip
@pytest.mark.parametrize("number", [1, 4, 10])
async def test_an_altered_record_is_named(trail: Trail, column: str, value: object, number: int) -> None:
    await trail.tamper(lambda rows: [row | {column: value} if row["seq"] == number else row for row in rows])
    expected = (None, None) if (column, number) == ("prev_hash", 1) else (Tampering.ALTERED, number)
    assert found(await trail.verdict()) == expected


async def test_values_of_the_wrong_type_do_not_stop_the_verification(sqlite_db: Database, tmp_path: Path) -> None:
    trail = Trail.new(sqlite_db, tmp_path)
    await trail.write(5)
    for column, value in (("at", "yesterday"), ("details", b"\xff"), ("duration_ms", 1.5), ("hash", b"x")):
        await trail.tamper(lambda rows, c=column, v=value: [*rows[:2], rows[2] | {c: v}, *rows[3:]])  # type: ignore[misc]
        assert found(await trail.verdict()) == (Tampering.ALTERED, 3)


@pytest.mark.parametrize("number", [1, 5, 9])
@pytest.mark.parametrize("hidden", [False, True])
async def test_a_deleted_record_is_named_even_if_the_others_are_renumbered(
    trail: Trail, number: int, hidden: bool
) -> None:
    def delete(rows: list[dict[str, object]]) -> list[dict[str, object]]:
        left = [row for row in rows if row["seq"] != number]
        return renumbered(left) if hidden else left

    await trail.tamper(delete)
    assert found(await trail.verdict()) == (Tampering.DELETED, number)


@pytest.mark.parametrize("number", [1, 5, 11])
async def test_an_inserted_record_is_named(trail: Trail, number: int) -> None:
    def insert(rows: list[dict[str, object]]) -> list[dict[str, object]]:
        before = rows[number - 2]["hash"] if number > 1 else GENESIS
        return renumbered([*rows[: number - 1], forged(rows[0], str(before)), *rows[number - 1 :]])

    await trail.tamper(insert)
    assert found(await trail.verdict()) == (Tampering.INSERTED, number)


async def test_a_record_before_the_first_is_an_inserted_one(trail: Trail) -> None:
    await trail.tamper(lambda rows: [rows[0] | {"seq": -1}, *rows])
    assert found(await trail.verdict()) == (Tampering.INSERTED, -1)


@pytest.mark.parametrize(("one", "other"), [(1, 2), (3, 8), (9, 10)])
async def test_reordered_records_are_named(trail: Trail, one: int, other: int) -> None:
    def swap(rows: list[dict[str, object]]) -> list[dict[str, object]]:
        rows[one - 1], rows[other - 1] = rows[other - 1], rows[one - 1]
        return renumbered(rows)

    await trail.tamper(swap)
    assert found(await trail.verdict()) == (Tampering.REORDERED, one)


async def test_a_copy_of_another_record_in_its_place_is_an_alteration(trail: Trail) -> None:
    await trail.tamper(lambda rows: [*rows[:5], rows[2] | {"seq": 6}, *rows[6:]])
    assert found(await trail.verdict()) == (Tampering.ALTERED, 6)
    await trail.tamper(lambda rows: [*rows[:5], rows[7] | {"seq": 6}, *rows[6:]])
    assert found(await trail.verdict()) == (Tampering.ALTERED, 6)


@pytest.mark.parametrize("left", [0, 1, 9])
async def test_a_truncated_trail_is_noticed(trail: Trail, left: int) -> None:
    await trail.tamper(lambda rows: rows[:left])
    assert found(await trail.verdict()) == (Tampering.TRUNCATED, left + 1)


async def test_truncation_with_the_head_of_that_time_is_noticed_by_the_anchor(trail: Trail) -> None:
    old_head = await trail.head()
    await trail.write(5)
    await trail.anchored()
    await trail.tamper(lambda rows: rows[:10])
    await trail.set_head(**old_head)
    assert found(await trail.verdict()) == (Tampering.ROLLED_BACK, 11)


async def test_a_head_edited_by_hand_is_noticed(trail: Trail) -> None:
    head = await trail.head()
    for change in ({"seq": 9}, {"hash": "0" * 64}, {"seal": "0" * 64}):
        await trail.set_head(**(head | change))
        assert found(await trail.verdict()) == (Tampering.HEAD_REPLACED, 11)


async def test_a_head_of_an_earlier_time_is_noticed(trail: Trail) -> None:
    head = await trail.head()
    await trail.write(3)
    await trail.set_head(**head)
    assert found(await trail.verdict()) == (Tampering.HEAD_REPLACED, 11)


async def test_a_missing_head_is_noticed(trail: Trail) -> None:
    await trail.db.write(lambda tx: tx.execute(rows.HEAD.delete()))
    assert found(await trail.verdict()) == (Tampering.HEAD_REPLACED, 1)


@pytest.mark.parametrize("start", [1, 4, 10])
async def test_a_chain_rewritten_with_another_key_is_forged(trail: Trail, start: int) -> None:
    await trail.tamper(lambda rows: rewritten(rows, start, OTHER_KEY))
    last = (await trail.rows())[-1]
    head = Point.sealed(OTHER_KEY, "head", 10, last["hash"])
    await trail.set_head(hash=head.hash, seal=head.seal)
    assert found(await trail.verdict()) == (Tampering.FORGED, start)


async def test_the_wrong_key_is_told(trail: Trail) -> None:
    assert found(await trail.verdict(key=OTHER_KEY)) == (Tampering.FORGED, 1)


async def test_parts_of_two_copies_put_together_are_noticed(trail: Trail) -> None:
    first, head = await trail.rows(), await trail.head()
    await trail.write(4, "one history")
    one = await trail.rows()
    await trail.replace(first)
    await trail.set_head(**head)
    await trail.write(4, "another history")
    await trail.tamper(lambda rows: [*one[:12], *rows[12:]])
    assert found(await trail.verdict()) == (Tampering.SPLICED, 13)


@pytest.mark.parametrize("content", [None, "", "{}", "[]", '{"seq": 3, "hash": "", "seal": ""}', "\x00"])
async def test_a_missing_or_forged_anchor_is_noticed(trail: Trail, content: str | None) -> None:
    path = trail.chain.anchor.path
    if content is None:
        path.unlink()
    else:
        path.write_text(content)
    assert found(await trail.verdict()) == (Tampering.ANCHOR_REPLACED, 11)


async def test_an_old_copy_of_the_whole_database_is_noticed_and_stays_so(trail: Trail) -> None:
    old, head = await trail.rows(), await trail.head()
    await trail.write(5, "what somebody wants forgotten")
    await trail.anchored()
    await trail.replace(old)
    await trail.set_head(**head)
    assert found(await trail.verdict()) == (Tampering.ROLLED_BACK, 11)
    reopened = Trail.new(trail.db, trail.folder)
    await reopened.write(9, "life goes on")
    await reopened.anchored()
    assert found(await reopened.verdict()) == (Tampering.ROLLED_BACK, 15)
    assert reopened.chain.astray


async def test_life_goes_on_after_tampering_without_healing_it(trail: Trail) -> None:
    head = await trail.head()
    await trail.tamper(lambda rows: rows[:8])
    await trail.set_head(seq=8, hash=(await trail.rows())[-1]["hash"])
    await trail.write(6)
    assert found(await trail.verdict()) == (Tampering.SPLICED, 9)
    await trail.set_head(**head)
    await trail.write(1)
    assert not (await trail.verdict()).intact


async def test_the_whole_database_emptied_is_noticed_even_after_new_records(trail: Trail) -> None:
    await trail.replace([])
    await trail.db.write(lambda tx: tx.execute(rows.HEAD.delete()))
    assert found(await trail.verdict()) == (Tampering.ROLLED_BACK, 1)
    await trail.write(20)
    await trail.anchored()
    assert found(await trail.verdict()) == (Tampering.ROLLED_BACK, 10)


def _edit(rows: list[dict[str, object]], kind: str, at: int, other: int) -> list[dict[str, object]]:
    index = at - 1
    if kind == "alter":
        rows[index] = rows[index] | {"details": '{"number":-1}'}
    elif kind == "delete":
        rows = renumbered(rows[:index] + rows[index + 1 :])
    elif kind == "insert":
        before = str(rows[index - 1]["hash"]) if index else GENESIS
        rows = renumbered([*rows[:index], forged(rows[-1], before), *rows[index:]])
    elif kind == "swap":
        rows[index], rows[other - 1] = rows[other - 1], rows[index]
        rows = renumbered(rows)
    return rows


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(length=st.integers(3, 12), kind=st.sampled_from(["alter", "delete", "insert", "swap"]), data=st.data())
def test_any_single_edit_anywhere_is_found_and_named(length: int, kind: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(1, length - 1))
    other = data.draw(st.integers(at + 1, length))
    expected = {"alter": Tampering.ALTERED, "delete": Tampering.DELETED, "insert": Tampering.INSERTED,
                "swap": Tampering.REORDERED}[kind]  # fmt: skip

    async def play(folder: Path) -> None:
        database = Database(f"sqlite:///{folder}/altus.db")
        try:
            await database.write(lambda tx: METADATA.create_all(tx.connection, [rows.RECORDS.table, rows.HEAD]))
            trail = Trail.new(database, folder)
            await trail.write(length)
            await trail.anchored()
            await trail.tamper(lambda rows: _edit(rows, kind, at, other))
            assert found(await trail.verdict()) == (expected, at)
        finally:
            database.close()

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(play(Path(folder)))


@settings(max_examples=40, deadline=None)
@given(seed=st.integers())
def test_no_mixture_of_edits_goes_unnoticed_or_breaks_the_verification(seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311 - a test's dice

    async def play(folder: Path) -> None:
        database = Database(f"sqlite:///{folder}/altus.db")
        try:
            await database.write(lambda tx: METADATA.create_all(tx.connection, [rows.RECORDS.table, rows.HEAD]))
            trail = Trail.new(database, folder)
            await trail.write(12)
            await trail.anchored()
            before = await trail.rows()
            edited = [dict(row) for row in before]
            for _ in range(dice.randint(1, 4)):
                at = dice.randint(1, len(edited) - 1)
                kind = dice.choice(["alter", "delete", "insert", "swap"])
                edited = _edit(edited, kind, at, dice.randint(at + 1, len(edited)))
            await trail.replace(edited)
            verdict = await trail.verdict()
            assert verdict.intact == (edited == before)
            if not verdict.intact and verdict.first_broken is not None:
                assert edited[: verdict.first_broken - 1] == before[: verdict.first_broken - 1]
        finally:
            database.close()

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(play(Path(folder)))


async def test_the_key_and_the_anchor_are_for_root_only(trail: Trail) -> None:
    for name in ("audit.key", "audit.anchor"):
        assert (trail.folder / name).stat().st_mode & 0o777 == 0o600


async def test_a_damaged_key_is_refused(tmp_path: Path) -> None:
    (tmp_path / "audit.key").write_bytes(b"short")
    with pytest.raises(Internal) as caught:
        AuditChain.open(tmp_path / "audit.key", tmp_path / "audit.anchor")
    assert caught.value.code == "audit.key"


async def test_an_interrupted_first_start_begins_anew(sqlite_db: Database, tmp_path: Path) -> None:
    """Killed between anchor and key: the next start makes both again."""
    shutil.copy(Trail.new(sqlite_db, tmp_path).chain.anchor.path, tmp_path / "kept")
    (tmp_path / "audit.key").unlink()
    trail = Trail.new(sqlite_db, tmp_path)
    await trail.write(1)
    assert (await trail.verdict()).intact


async def test_the_anchor_follows_by_itself_and_is_written_at_most_once_an_interval(
    sqlite_db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trail = Trail.new(sqlite_db, tmp_path, interval=0.2)
    written: list[int] = []
    write = trail.chain.anchor._write

    def count(point: Point) -> None:
        written.append(point.seq)
        write(point)

    monkeypatch.setattr(trail.chain.anchor, "_write", count)
    began = time.monotonic()
    for _ in range(30):
        await trail.write(1)
    deadline = began + 5
    while sealed(trail.chain.anchor).seq < 30 and time.monotonic() < deadline:
        await asyncio.sleep(0.01)
    assert written[-1] == 30
    assert written == sorted(written)
    assert len(written) <= 2 + (time.monotonic() - began) / 0.2


async def test_an_unwritable_anchor_does_not_stop_work(sqlite_db: Database, tmp_path: Path) -> None:
    trail = Trail.new(sqlite_db, tmp_path)
    trail.chain.anchor.path = tmp_path / "gone" / "anchor"
    await trail.write(1)
    assert found(await trail.verdict()) == (Tampering.ANCHOR_REPLACED, 2)


async def test_a_task_s_end_is_recorded_with_how_long_it_took(trail: Trail) -> None:
    task = Task(id="t", kind="vm.start", title="Start", noun="vm", object_id="v", object_name="web", arguments={},
                actor="carol", reason="why", request_id="r", state=TaskState.FAILED,
                error={"code": "vm.broken"})  # fmt: skip
    started = task.created_at
    task = dataclasses.replace(task, started_at=started, finished_at=started.replace(year=started.year + 1))
    await trail.db.write(lambda tx: trail.chain.of_task_end(tx, task))
    page = await trail.db.read(lambda tx: rows.page(tx, ListQuery(sort="seq", descending=True, limit=1)))
    record = page.items[0]
    assert (record.action, record.outcome, record.error_code) == ("vm.start", Outcome.FAILED, "vm.broken")
    assert record.details == {"task_id": "t", "reason": "why"}
    assert record.duration_ms >= 365 * 86400 * 1000
    assert (record.actor_name, record.request_id, record.object_name) == ("carol", "r", "web")


async def test_records_are_found_by_field_and_time_in_pages(trail: Trail) -> None:
    query = ListQuery(filters=(Filter("action", FilterOp.EQUAL, ("vm.start",)),), sort="at", limit=4)
    seen: list[int] = []
    while True:
        page = await trail.db.read(lambda tx, query=query: rows.page(tx, query))  # type: ignore[misc]
        seen += [record.seq for record in page.items]
        if page.next is None:
            break
        query = dataclasses.replace(query, after=page.next)
    assert seen == list(range(1, 11))
    everything = await trail.db.read(lambda tx: rows.page(tx, ListQuery(sort="seq")))
    third = everything.items[2].at
    early = await trail.db.read(lambda tx: rows.page(tx, ListQuery(sort="seq"), until=third))
    late = await trail.db.read(lambda tx: rows.page(tx, ListQuery(sort="seq"), since=third))
    assert [r.seq for r in early.items + late.items] == list(range(1, 11))
    assert len(early.items) == 2


async def test_a_long_trail_is_verified_as_a_stream(sqlite_db: Database, tmp_path: Path) -> None:
    trail = Trail.new(sqlite_db, tmp_path)
    await trail.write(_BATCH * 2 + 5)
    await trail.anchored()
    assert (await trail.verdict()).records == _BATCH * 2 + 5
    await trail.tamper(lambda rows: [*rows[: _BATCH + 1], *rows[_BATCH + 2 :]])
    assert found(await trail.verdict()) == (Tampering.DELETED, _BATCH + 2)


async def test_what_is_appended_during_a_verification_does_not_disturb_it(trail: Trail) -> None:
    async def append() -> None:
        for _ in range(40):
            await trail.write(1)

    writing = asyncio.create_task(append())
    while not writing.done():
        assert (await trail.verdict()).intact
    await writing


async def test_the_anchor_holds_no_more_than_a_place_in_the_chain(trail: Trail) -> None:
    assert set(json.loads(trail.chain.anchor.path.read_text())) == {"seq", "hash", "seal"}
    assert trail.chain.key not in trail.chain.anchor.path.read_bytes()
