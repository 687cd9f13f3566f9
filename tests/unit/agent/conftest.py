"""A host on fake drivers, a pool's certificates, and an agent that really listens on loopback."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from altus.agent.app import AgentServer
from altus.agent.core import AgentCore
from altus.agent.drivers import HostDrivers
from altus.agent.identity import Identity
from altus.common.ids import new_id
from altus.common.pki import Authority, Subject, client_context, make_csr, open_key
from altus.manager.agents.pool import AgentPool
from testbed.local_hosts import LocalHost


@pytest.fixture
def host(tmp_path: Path) -> LocalHost:
    """A host that isn't there."""
    return LocalHost(new_id(), tmp_path / "host")


@pytest.fixture
def drivers(host: LocalHost) -> HostDrivers:
    """Its drivers."""
    return host.core.drivers


def certify(folder: Path, authority: Authority, subject: Subject) -> Identity:
    """Key and certificate for somebody."""
    identity = Identity(folder)
    csr = make_csr(open_key(identity.key), subject.common_name)
    identity.store(authority.issue(csr, subject), authority.certificate, authority.fingerprint)
    return identity


def client_of(identity: Identity) -> ssl.SSLContext:
    """How they call."""
    return client_context(identity.ca, identity.certificate, identity.key)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """The pool's CA."""
    return Authority.open(tmp_path / "pki")


@pytest.fixture
async def server(host: LocalHost, authority: Authority) -> AsyncIterator[AgentServer]:
    """The host's agent, listening."""
    identity = certify(host.identity.folder, authority, Subject(common_name="h", host_id=host.id, label="open"))
    server = AgentServer(host.core, identity, max_upload=1 << 20)
    await server.start("127.0.0.1", 0)
    yield server
    await server.close()


@pytest.fixture
async def pool(host: LocalHost, authority: Authority, server: AgentServer, tmp_path: Path) -> AsyncIterator[AgentPool]:
    """The manager's side of it."""
    identity = certify(tmp_path / "manager", authority, Subject(common_name="m", names=("localhost",)))
    pool = AgentPool(client_of(identity), silence=3.0)
    pool.add(host.id, f"127.0.0.1:{server.port}")
    yield pool
    await pool.close()


@pytest.fixture
def core(host: LocalHost) -> AgentCore:
    """The host's agent, without its network."""
    return host.core
