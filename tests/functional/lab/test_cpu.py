"""A guest has the CPU that all hosts of the pool can give, and takes it along."""

from __future__ import annotations

from functools import partial
from xml.etree import ElementTree as ET

import pytest

from altus.common.errors import InvalidInput
from altus.model.cpu import AUTO_CPU, GuestCpu
from altus.sdk.client import AltusClient
from altus.wire.pools import PoolEdit
from altus.wire.vms import VmCreate, VmView
from testbed import guests
from tests.functional.lab.pool import HOSTS, PoolOfLab

pytestmark = [pytest.mark.functional, pytest.mark.timeout(900)]
_SEEN = "grep -E '^(vendor_id|model name|cpu family|model|stepping|flags)' /proc/cpuinfo | sort -u"


def _cpu(pool: PoolOfLab, host: str, vm: VmView, *options: str) -> GuestCpu:
    """What libvirt of this host says that the guest has, or with options is to have."""
    found = ET.fromstring(pool.virsh(host, "dumpxml", vm.id, *options)).find("cpu")
    assert found is not None
    required = sorted(one.get("name", "") for one in found.iterfind("feature[@policy='require']"))
    return GuestCpu(model=found.findtext("model", ""), features=tuple(required))


async def _least(altus: AltusClient) -> str:
    """The model that asks least of a host."""
    facts = (await altus.hosts.get(HOSTS[0])).facts
    assert facts is not None
    assert facts.guest_cpus is not None
    return facts.guest_cpus.models[-1]


@pytest.mark.parametrize("asked", ["the pool's", "the least"])
async def test_a_guest_keeps_its_cpu_when_it_moves(pool: PoolOfLab, asked: str) -> None:
    model = AUTO_CPU if asked == "the pool's" else await _least(pool.altus)
    vm = await pool.vm_on("host1", await pool.network("10.64.0.0/24"), model)
    (baseline,) = (await pool.altus.pools.get("default")).baselines
    assert baseline.cpu is not None
    assert (baseline.limited_by, baseline.refused) == ([], [])
    assert vm.cpu == (baseline.cpu if model == AUTO_CPU else GuestCpu(model=model))
    runs, defined = _cpu(pool, "host1", vm), _cpu(pool, "host1", vm, "--inactive")
    assert (runs.model, defined) == (vm.cpu.model, vm.cpu)
    assert runs == vm.cpu or model != AUTO_CPU  # libvirt knows less of a model alone than QEMU
    seen = await guests.run(partial(pool.virsh, "host1"), vm.id, _SEEN)
    await pool.altus.vms.migrate(vm.id).run()
    assert (_cpu(pool, "host2", vm), _cpu(pool, "host2", vm, "--inactive")) == (runs, defined)
    assert await guests.run(partial(pool.virsh, "host2"), vm.id, _SEEN) == seen
    assert (await pool.altus.vms.get(vm.id)).cpu == vm.cpu


async def test_what_no_host_can_give_is_refused_with_the_reason(pool: PoolOfLab) -> None:
    body = VmCreate(name="mismatched", image="tiny", cpu_model="SapphireRapids")
    with pytest.raises(InvalidInput, match="No host can give the CPU model SapphireRapids, but"):
        await pool.altus.vms.create(body).run()
    with pytest.raises(InvalidInput, match="No host can give the CPU model SapphireRapids, but"):
        await pool.altus.pools.edit("default", PoolEdit(cpu_model="SapphireRapids"))
