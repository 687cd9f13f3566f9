"""The agent as a process: killed at any time, it comes back and finds its VMs."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from altus.agent.settings import load_settings
from altus.common.ids import new_id
from altus.common.pki import Authority, Subject
from altus.manager.agents.pool import AgentPool
from altus.model.vm import VmState
from altus.wire import operations as op
from tests.unit.agent.conftest import certify, client_of
from tests.unit.agent.sample import make_vm
from tests.unit.agent.test_events import watching
from tests.unit.agent.waiting import until

HOST = new_id()


@pytest.fixture
def config(tmp_path: Path) -> Path:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    state = tmp_path / "agent"
    certify(state / "tls", Authority.open(tmp_path / "ca"), Subject(common_name="h", host_id=HOST, label="open"))
    path = tmp_path / "agent.toml"
    path.write_text(f'port = {port}\nstate_dir = "{state}"\nhypervisor = "fake"\nnetwork = "fake"\n'
                    f'[[storages]]\nkind = "fake"\npath = "{tmp_path}/storage"\n')  # fmt: skip
    return path


@pytest.fixture
async def pool(config: Path, tmp_path: Path) -> AsyncIterator[AgentPool]:
    manager = certify(tmp_path / "manager", Authority.open(tmp_path / "ca"), Subject(common_name="m"))
    pool = AgentPool(client_of(manager))
    pool.add(HOST, load_settings(config).reached_at)
    yield pool
    await pool.close()


@asynccontextmanager
async def agent(config: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    command = [sys.executable, "-c", "from altus.agent.main import main; main()", "--config", str(config)]
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
    try:
        yield process
    finally:
        if process.returncode is None:
            os.kill(process.pid, signal.SIGKILL)
        _, log = await process.communicate()
        assert b"Traceback" not in log, log.decode()


async def test_killed_agent_finds_its_vms_again(config: Path, pool: AgentPool) -> None:
    async with agent(config) as first, watching(pool, HOST) as seen:
        storage_id = seen.hellos[0].storages[0].id
        vm = await make_vm(pool, HOST, storage_id)
        await pool.call(HOST, op.VM_START, op.VmRef(vm_id=vm.id), epoch=5)
        os.kill(first.pid, signal.SIGKILL)
        await first.wait()
        async with agent(config):
            await until(lambda: len(seen.hellos) == 2)
            [known] = seen.hellos[-1].vms or []
            assert (known.id, known.state) == (vm.id, VmState.RUNNING)
            census = await pool.call(HOST, op.HOST_CENSUS, op.Nothing())
            assert [volume.id for volume in census.volumes[storage_id]] == [vm.hardware.disks[0].volume_id]
            with pytest.raises(Exception, match="taken over") as caught:
                await pool.call(HOST, op.VM_DESTROY, op.VmRef(vm_id=vm.id), epoch=4)
            assert caught.value.code == "lease.lost"  # type: ignore[attr-defined]


async def test_sigterm_ends_the_agent_cleanly_though_somebody_listens(config: Path, pool: AgentPool) -> None:
    async with agent(config) as process, watching(pool, HOST):
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 60) == 0


async def test_agent_without_certificate_says_what_to_do(tmp_path: Path) -> None:
    config = tmp_path / "agent.toml"
    config.write_text(f'state_dir = "{tmp_path}/agent"\n')
    command = [sys.executable, "-c", "from altus.agent.main import main; main()", "--config", str(config)]
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
    _, errors = await process.communicate()
    assert process.returncode == 1
    assert b"altus-agent enrol" in errors
    assert b"Traceback" not in errors
