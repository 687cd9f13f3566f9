"""Many agents in one process, so that a pool of hosts fits on one machine: real agents on the network, fake drivers.

`python -m bench.crowd` reads lines of JSON: first the hosts it is to be, one `Seat` each, with which it enrols and
listens; then ids of VMs that are to crash. It answers each with a line: `ready`, then when the VM crashed (monotonic
seconds). It ends with its input.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import logging
import sys
import time
from pathlib import Path
from typing import cast

import structlog

from altus.agent.app import AgentServer
from altus.agent.assemble import assemble
from altus.agent.enrol import enrol
from altus.agent.identity import Identity
from altus.agent.settings import AgentSettings, StorageSettings
from altus.drivers.hypervisor.fake import FakeHypervisor
from altus.wire.agent import EnrolToken


@dataclasses.dataclass(frozen=True)
class Seat:
    """A host that is to be; all have their networks in common, in the file `network`, as those of a pool do."""

    name: str
    port: int
    folder: str
    token: str
    network: str


class Crowd:
    """The agents of one process."""

    def __init__(self) -> None:
        self._servers: list[AgentServer] = []
        self._hypervisors: list[FakeHypervisor] = []

    async def take(self, seat: Seat) -> None:
        """Be one more host."""
        folder = Path(seat.folder)
        folder.mkdir(parents=True)
        (folder / "fake-network.db").symlink_to(seat.network)
        settings = AgentSettings(
            host_name=seat.name, port=seat.port, state_dir=folder, hypervisor="fake", network="fake",
            storages=[StorageSettings(kind="fake", path=folder / "storage", reserve=0)],
        )  # fmt: skip
        host_id = await enrol(EnrolToken.decode(seat.token), folder, seat.name, settings.reached_at)
        core = await assemble(settings, host_id)
        identity = Identity(folder / "tls")
        identity.unite()
        server = AgentServer(core, identity)
        await server.start(settings.listen, settings.port)
        self._servers.append(server)
        self._hypervisors.append(cast("FakeHypervisor", core.drivers.hypervisor))

    async def crash(self, vm_id: str) -> float:
        """Let a VM crash on the host that has it; when."""
        for hypervisor in self._hypervisors:
            if await hypervisor.observe(vm_id) is not None:
                began = time.monotonic()
                hypervisor.crash(vm_id)
                return began
        raise KeyError(vm_id)

    async def close(self) -> None:
        """End all agents."""
        await asyncio.gather(*(server.close() for server in self._servers))


async def main() -> None:
    """Until the input ends."""
    crowd, reader = Crowd(), asyncio.StreamReader(1 << 24)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    try:
        for seat in json.loads(await reader.readline()):
            await crowd.take(Seat(**seat))
        print("ready", flush=True)
        while line := await reader.readline():
            print(await crowd.crash(line.decode().strip()), flush=True)
    finally:
        await crowd.close()


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR),
                        logger_factory=structlog.PrintLoggerFactory(sys.stderr))  # fmt: skip
    asyncio.run(main())
