"""Hosts bring VMs to one another: over TLS, with their own certificates, and only what a manager has said."""

from __future__ import annotations

from pathlib import Path

import pytest

from altus.agent.app import AgentServer
from altus.agent.credentials import Credentials
from altus.agent.peers import AgentPeers
from altus.common.errors import AltusError, Unavailable
from altus.common.ids import new_id
from altus.common.pki import Authority, Subject, serial
from altus.drivers.hypervisor.base import MigrationChannel
from altus.wire.operations import HostAddress
from testbed.local_hosts import LocalHost
from tests.contract.hypervisor_samples import attachments, definition
from tests.unit.agent.conftest import certify

SOURCE = new_id()


def _peers(folder: Path, authority: Authority, host_id: str = SOURCE) -> AgentPeers:
    return AgentPeers(certify(folder / host_id, authority, Subject(common_name="s", host_id=host_id, label="open")))


async def _refusal(peers: AgentPeers, to: HostAddress, vm_id: str,
                   channel: MigrationChannel = MigrationChannel.CONTROL) -> str:  # fmt: skip
    with pytest.raises(AltusError) as refused:
        await peers.reach(to, vm_id, channel)
    assert isinstance(refused.value, Unavailable)
    return refused.value.code


async def test_a_host_brings_the_vm_it_was_admitted_with(host: LocalHost, server: AgentServer, authority: Authority,
                                                         tmp_path: Path) -> None:  # fmt: skip
    vm = definition()
    await host.hypervisor.define(vm, attachments(vm))
    peers, to = _peers(tmp_path, authority), HostAddress(host_id=host.id, address=f"127.0.0.1:{server.port}")
    admissions = host.core.drivers.admissions
    assert await _refusal(peers, to, vm.id) == "vm.not_admitted"
    admissions.admit(vm.id, SOURCE)
    stream = await peers.reach(to, vm.id, MigrationChannel.CONTROL)
    await stream.write(b'"look"')
    assert await stream.read() == b'"none"\n'
    await stream.close()
    assert await _refusal(peers, to, new_id()) == "vm.not_admitted"
    assert await _refusal(_peers(tmp_path, authority, new_id()), to, vm.id) == "vm.not_admitted"
    admissions.admit(vm.id, "")
    assert await _refusal(peers, to, vm.id) == "vm.not_admitted"


async def test_a_host_whose_certificate_was_revoked_brings_nothing(host: LocalHost, server: AgentServer,
                                                                    authority: Authority,
                                                                    tmp_path: Path) -> None:  # fmt: skip
    vm = definition()
    await host.hypervisor.define(vm, attachments(vm))
    identity = certify(tmp_path / "s", authority, Subject(common_name="s", host_id=SOURCE, label="open"))
    peers, to = AgentPeers(identity), HostAddress(host_id=host.id, address=f"127.0.0.1:{server.port}")
    host.core.drivers.admissions.admit(vm.id, SOURCE)
    revoked = f"{serial(identity.certificate.read_text()):x}"
    await host.core.drivers.credentials.revoke([revoked])
    assert await _refusal(peers, to, vm.id) == "vm.not_admitted"
    assert Credentials(host.identity).revoked() == {int(revoked, 16)}, "the next agent would not know"
    await host.core.drivers.credentials.revoke([])
    await (await peers.reach(to, vm.id, MigrationChannel.CONTROL)).close()


async def test_no_vm_is_brought_to_a_host_whose_certificate_was_revoked(host: LocalHost, server: AgentServer,
                                                                        authority: Authority,
                                                                        tmp_path: Path) -> None:  # fmt: skip
    vm_id, to = new_id(), HostAddress(host_id=host.id, address=f"127.0.0.1:{server.port}")
    host.core.drivers.admissions.admit(vm_id, SOURCE)
    identity = certify(tmp_path / "s", authority, Subject(common_name="s", host_id=SOURCE, label="open"))
    theirs = serial(host.identity.certificate.read_text())
    assert await _refusal(AgentPeers(identity, lambda: {theirs}), to, vm_id) == "host.unreachable"


async def test_strangers_and_managers_bring_nothing(host: LocalHost, server: AgentServer, authority: Authority,
                                                    tmp_path: Path) -> None:  # fmt: skip
    vm_id, to = new_id(), HostAddress(host_id=host.id, address=f"127.0.0.1:{server.port}")
    host.core.drivers.admissions.admit(vm_id, SOURCE)
    manager = AgentPeers(certify(tmp_path / "m", authority, Subject(common_name="m")))
    assert await _refusal(manager, to, vm_id) == "vm.not_admitted"
    foreign = _peers(tmp_path, Authority.open(tmp_path / "foreign"))
    assert await _refusal(foreign, to, vm_id) == "host.unreachable"


async def test_a_vm_goes_to_no_host_but_the_one_meant(host: LocalHost, server: AgentServer, authority: Authority,
                                                      tmp_path: Path) -> None:  # fmt: skip
    vm_id = new_id()
    host.core.drivers.admissions.admit(vm_id, SOURCE)
    other = HostAddress(host_id=new_id(), address=f"127.0.0.1:{server.port}")
    assert await _refusal(_peers(tmp_path, authority), other, vm_id) == "host.unreachable"
