"""A tiny world for the engine: a host that makes and removes things, and task types of some steps that have it do so.

Every step also counts up a number in the database with its checkpoint, which shows at once if a step counts twice.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from altus.common.errors import Cancelled, NotFound, Unavailable
from altus.common.ids import derived_id, new_id
from altus.common.pki import Authority
from altus.manager.agents.base import ReportProgress
from altus.manager.store import tasks as rows
from altus.manager.store.database import Database, Tx
from altus.manager.store.resources import NETWORK
from altus.manager.store.secrets import SecretBox
from altus.manager.tasks import submit
from altus.manager.tasks.declare import Step, TaskType
from altus.manager.tasks.engine import Engine, EngineSettings
from altus.manager.tasks.run import Run, World
from altus.model.network import Network
from altus.model.permission import Permission
from altus.model.query import ListQuery
from altus.model.task import Lock, Task, exclusive, shared
from altus.wire.operations import Message, Nothing, Operation

Q = TypeVar("Q")
S = TypeVar("S")
HOST = "host-1"
BASE = 1000


class Thing(Message):
    """What the host is asked about."""

    name: str


MAKE = Operation("test.make", Thing, Nothing)
REMOVE = Operation("test.remove", Thing, Nothing)


@dataclass
class Things:
    """The host's agent, in memory: making what is there and removing what is not are both fine.

    `hold` has makings wait until it is set; `away` and `broken` name things which the host does not answer about, or
    fails at, that often.
    """

    made: set[str] = field(default_factory=set)
    calls: Counter[tuple[str, str]] = field(default_factory=Counter)
    order: list[tuple[str, str]] = field(default_factory=list)
    away: Counter[str] = field(default_factory=Counter)
    broken: Counter[tuple[str, str]] = field(default_factory=Counter)
    hold: asyncio.Event | None = None
    running: int = 0
    most_running: int = 0
    up: bool = True
    cancelled: set[str] = field(default_factory=set)
    epochs: list[int] = field(default_factory=list)
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def call(self, host_id: str, operation: Operation[Q, S], request: Q, *, key: str = "", epoch: int = 0,
                   progress: ReportProgress | None = None) -> S:  # fmt: skip
        """As `Agents.call`."""
        name = cast("Thing", request).name
        self.calls[operation.name, name] += 1
        self.order.append((operation.name, name))
        self.epochs.append(epoch)
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        await self._tell()
        try:
            await self._obstacles(host_id, operation.name, name, key)
        finally:
            self.running -= 1
        if operation.name == MAKE.name:
            if progress is not None:
                progress(0.5, f"making {name}")
            self.made.add(name)
        else:
            self.made.discard(name)
        return cast("S", Nothing())

    async def _obstacles(self, host_id: str, operation: str, name: str, key: str) -> None:
        if self.away[name] > 0:
            self.away[name] -= 1
            raise Unavailable(f"{host_id} does not answer.", code="host.unreachable", host_id=host_id)
        if self.broken[operation, name] > 0:
            self.broken[operation, name] -= 1
            raise NotFound(f"There is no place for {name}.", code="thing.no_place")
        if self.hold is not None and operation == MAKE.name:
            async with self._news:
                await self._news.wait_for(lambda: self.hold is None or self.hold.is_set() or key in self.cancelled)
        if key in self.cancelled:
            raise Cancelled("The call was broken off.", code="call.cancelled")

    async def cancel(self, host_id: str, key: str) -> None:
        """As `Agents.cancel`."""
        self.cancelled.add(key)
        await self._tell()

    async def release(self) -> None:
        """Let all held makings go on."""
        if self.hold is not None:
            self.hold.set()
        await self._tell()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until a call makes the condition true."""
        async with asyncio.timeout(20), self._news:
            await self._news.wait_for(condition)

    async def _tell(self) -> None:
        async with self._news:
            self._news.notify_all()

    async def shown(self, host_id: str) -> int:
        """As `Agents.shown`; it has no certificate."""
        return 0

    def is_up(self, host_id: str) -> bool:
        """As `Agents.is_up`."""
        return self.up

    async def wait_up(self, host_id: str, timeout: float) -> bool:
        """As `Agents.wait_up`."""
        await asyncio.sleep(0)
        self.up = True
        return True


@dataclass(frozen=True)
class Build:
    """Arguments: which object, and what to have made for each step; `share` asks for a shared lock only."""

    object_id: str
    prefix: str
    share: bool = False
    children: int = 0
    limit: int = 2


def claim(args: Build) -> Sequence[Lock]:
    """The lock on the object."""
    return [(shared if args.share else exclusive)("network", args.object_id)]


def thing_of(args: Build, step: str) -> str:
    """What a step has made."""
    return f"{args.prefix}/{step}"


def count(run: Run[Build], by: int) -> None:
    """Change the object's number with the next checkpoint."""

    def write(tx: Tx) -> None:
        found = NETWORK.get(tx, run.args.object_id)
        NETWORK.change(tx, found.id, mtu=found.mtu + by)

    run.write(write)


def make_step(name: str, *, commits: bool = False, patience: float = 5.0) -> Step[Build]:
    """A step that makes one thing."""

    async def do(run: Run[Build]) -> dict[str, Any]:
        await run.call(HOST, MAKE, Thing(name=thing_of(run.args, name)))
        count(run, 1)
        return {"made": name}

    async def undo(run: Run[Build]) -> None:
        await run.call(HOST, REMOVE, Thing(name=thing_of(run.args, name)))
        if run.result_of(name) is not None:
            count(run, -1)

    return Step(name, f"Make {name}", do, undo=undo, commits=commits, patience=patience)


def make_kind(kind: str, *steps: Step[Build], **options: Any) -> TaskType[Build]:
    """A task type of these steps."""
    return TaskType(kind, Build, title=kind.title(), permission=Permission.NETWORK_WRITE, noun="network", locks=claim,
                    steps=steps, **options)  # fmt: skip


ONE = make_kind("test.one", make_step("a"))
TWO = make_kind("test.two", make_step("a"), make_step("b"))
THREE = make_kind("test.three", make_step("a"), make_step("b"), make_step("c"))
COMMITTED = make_kind(
    "test.committed", make_step("a"), make_step("b"), make_step("c", commits=True), make_step("d", patience=0.01)
)


def child_of(parent: Task, number: int, kind: TaskType[Build] = TWO) -> Task:
    """The child of this number, always the same."""
    args: dict[str, Any] = parent.arguments
    own = Build(args["object_id"], f"{args['prefix']}/child{number}", share=True)
    return submit.make(kind, own, object_id=args["object_id"], object_name="n",
                       task_id=derived_id(parent.id, str(number)))  # fmt: skip


async def _have_children(run: Run[Build]) -> list[str]:
    ended = await run.run_children([child_of(run.task, n) for n in range(run.args.children)], limit=run.args.limit)
    return [task.state for task in ended]


PARENT = make_kind("test.parent", make_step("a"), Step("children", "Children", _have_children), make_step("z"))
ALL = (ONE, TWO, THREE, COMMITTED, PARENT)


@dataclass
class Place:
    """Where tests of the engine happen: a database and the host."""

    db: Database
    things: Things
    world: World
    kinds: dict[str, TaskType[Any]] = field(default_factory=lambda: {kind.kind: kind for kind in ALL})

    @classmethod
    def new(cls, db: Database) -> Place:
        """A host that has made nothing."""
        things = Things()
        return cls(db, things, World(db, things, SecretBox(b"k" * 32), cast("Authority", None)))

    def engine(self, **settings: Any) -> Engine:
        """An engine that does not wait long for anything."""
        options: dict[str, Any] = {
            "holder": "test",
            "sole": True,
            "poll_seconds": 0.02,
            "look_seconds": 0.02,
            "first_pause": 0.001,
        } | settings
        return Engine(self.world, self.kinds, EngineSettings(**options))

    async def new_object(self) -> str:
        """A network whose number stands at BASE."""
        network = Network(id=new_id(), name=f"n-{new_id()}", cidr="10.0.0.0/24", gateway="10.0.0.1", mtu=BASE)
        return (await self.db.write(lambda tx: NETWORK.insert(tx, network))).id

    async def number(self, object_id: str) -> int:
        """By how much the object's number was counted up."""
        return (await self.db.read(lambda tx: NETWORK.get(tx, object_id))).mtu - BASE

    async def submit(self, kind: TaskType[Build], object_id: str = "", **arguments: Any) -> Task:
        """Store a task."""
        object_id = object_id or await self.new_object()
        args = Build(object_id, arguments.pop("prefix", new_id()), **arguments)
        task = submit.make(kind, args, object_id=object_id, object_name="n")
        return await self.db.write(lambda tx: submit.store(tx, task))

    async def task(self, task_id: str) -> Task:
        """As stored now."""
        return await self.db.read(lambda tx: rows.get(tx, task_id))

    async def tasks(self) -> list[Task]:
        """All of them, oldest first."""
        return (await self.db.read(lambda tx: rows.page(tx, ListQuery(sort="seq", limit=1000)))).items

    async def until_task(self, task_id: str, condition: Callable[[Task], bool]) -> Task:
        """Wait until the task as stored meets the condition."""

        async def holds() -> bool:
            return condition(await self.task(task_id))

        await eventually(holds)
        return await self.task(task_id)

    async def until(self, engine: Engine, *task_ids: str) -> list[Task]:
        """Wait until the tasks have ended."""
        async with asyncio.timeout(30):
            while True:
                seen = engine.finished.count
                found = [await self.task(task_id) for task_id in task_ids]
                if all(task.state.finished for task in found):
                    return found
                await engine.finished.wait(seen, 0.5)


async def eventually(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait until what nobody tells us about has come true."""
    async with asyncio.timeout(20):
        while not await condition():
            await asyncio.sleep(0.005)


@contextlib.asynccontextmanager
async def running(place: Place, **settings: Any) -> AsyncIterator[Engine]:
    """An engine that serves inside the block."""
    engine = place.engine(**settings)
    task = asyncio.create_task(engine.run())
    try:
        yield engine
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
