"""The CPU that a VM is given when it is made or started: what its pool gives, or the model that was asked for. While it
runs it keeps it, and goes only where it can (ADR 15)."""

from __future__ import annotations

import dataclasses
from typing import Any

from pydantic import TypeAdapter

from altus.common.errors import Conflict
from altus.manager.store.database import Tx
from altus.manager.store.resources import HOST, POOL
from altus.manager.store.tables import HOSTS
from altus.manager.tasks.run import Run
from altus.manager.tasks.vm_parts import definition, the_vm
from altus.model.cpu import AUTO_CPU, GuestCpu, require_cpu
from altus.model.cpu_baseline import baseline_of, offer_of
from altus.model.vm import Vm
from altus.wire.operations import VM_DEFINE, VmDefine

_CPU = TypeAdapter(GuestCpu)


def wanted_cpu(vm: Vm) -> GuestCpu | None:
    """What was asked for; None for what the pool gives."""
    model = vm.hardware.cpu_model
    return None if model == AUTO_CPU else GuestCpu(model=model)


def merged_cpu(wanted: GuestCpu | None, given: GuestCpu | None) -> GuestCpu | None:
    """What was asked for, or else what the pool gives; in either case bound to hosts like those of the pool."""
    if given is None or wanted is None:
        return given
    return dataclasses.replace(given, model=wanted.model, features=())


def cpu_on(tx: Tx, vm: Vm, host_id: str) -> GuestCpu | None:
    """What the VM is given if it starts on this host; None if the host has not told what it can give. `Conflict`
    (`host.cpu`) if its pool refuses the host, or the host cannot give what was asked for."""
    host, wanted = HOST.get(tx, host_id), wanted_cpu(vm)
    require_cpu(f"Host {host.name}", offer_of(host), wanted)
    if host.facts is None or host.facts.guest_cpus is None:
        return None
    members = HOST.all(tx, HOSTS.table.c.pool_id == host.pool_id)
    found = baseline_of(POOL.get(tx, host.pool_id), members, host.facts.acceleration)
    if why := found.refused.get(host.id):
        raise Conflict(f"Host {host.name} gives VM {vm.name} no CPU: it {why}.", code="host.cpu",
                       hint="See `altus pool show`, and `altus pool edit --cpu`.")  # fmt: skip
    return merged_cpu(wanted, found.cpu)


async def choose_cpu(run: Run[Any]) -> Any:
    """What the VM is given when it starts next; None if it has that already, or goes on where it was suspended."""
    vm = await the_vm(run, run.args.vm_id)
    if vm.host_id is None or vm.state.keeps_guest:
        return None
    return await chosen_for(run, vm)


async def chosen_for(run: Run[Any], vm: Vm) -> Any:
    """What a VM that is about to be off is given; None if it has that already."""
    cpu = await run.db.read(lambda tx: cpu_on(tx, vm, vm.host_id or ""))
    return None if cpu in (None, vm.cpu) else _CPU.dump_python(cpu, mode="json")


async def give_cpu(run: Run[Any], vm: Vm) -> GuestCpu | None:
    """Define the VM with what step `cpu` chose; what it has now."""
    chosen = run.result_of("cpu")
    if chosen is None:
        return vm.cpu
    cpu = _CPU.validate_python(chosen)
    await run.call(vm.host_id or "", VM_DEFINE, VmDefine(vm=dataclasses.replace(definition(vm), cpu=cpu)))
    return cpu


async def take_cpu_back(run: Run[Any], vm: Vm) -> None:
    """The VM is defined again as the database has it."""
    if run.result_of("cpu") is not None:
        await run.call(vm.host_id or "", VM_DEFINE, VmDefine(vm=definition(vm)))
