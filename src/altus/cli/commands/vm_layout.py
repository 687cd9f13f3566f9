"""How VMs look."""

from __future__ import annotations

from typing import Any

from altus.cli.layout import AnyLayout, Layout, Ref
from altus.cli.text import ago, cpu, listed, size, yes_no
from altus.model.migration import MigrationFacts


def _nics(vm: object) -> str:
    """Each with its limits, its link if that is down, and the ids of its security groups."""
    return "\n".join(
        f"{nic.id}  {nic.mac}  {nic.address}  {nic.model}{_limit(' in', nic.limit_in)}{_limit(' out', nic.limit_out)}"
        f"{'' if nic.link == 'up' else ' link down'}  "
        f"{' '.join(nic.security_groups)}".rstrip()
        for nic in getattr(vm, "nics", [])
    )


def _limit(way: str, limit: Any) -> str:
    return "" if limit is None else f" {way} {limit.rate / 1000:g} Mbit/s"


def _placement(vm: Any) -> str:
    wishes = vm.placement
    groups = (f"{'must' if rule.must else 'should'} be {rule.relation} with group {rule.group}"
              for rule in wishes.groups)  # fmt: skip
    needs = (f"only on {tag}" for tag in wishes.required_tags)
    return "\n".join([*needs, *(f"not on {tag}" for tag in wishes.forbidden_tags), *groups])


def moved(facts: MigrationFacts | None) -> str:
    """How it came from one host to another, as far as that was measured; `facts` may be a view's."""
    if facts is None or facts.seconds is None:
        return ""
    slowed = f", slowed down by up to {facts.throttle} %" if facts.throttle else ""
    rate = f" Its guest changed up to {size(facts.dirty_rate)} a second." if facts.dirty_rate else ""
    wanted = facts.options
    most = f"{wanted.bandwidth} MiB a second, " if wanted.bandwidth is not None else ""
    return (f"Moved in {facts.seconds:.1f} s ({facts.mode}{slowed}), in which the guest stood still for "
            f"{facts.downtime or 0:.3f} s; {size(facts.bytes_sent or 0)} were sent.{rate} "
            f"Asked for: {wanted.mode}, at most {most}{wanted.downtime} ms.")  # fmt: skip


VM: AnyLayout = Layout(
    columns=(
        ("NAME", lambda vm: vm.name),
        ("STATE", lambda vm: vm.state.value),
        ("VCPUS", lambda vm: vm.vcpus),
        ("MEMORY", lambda vm: size(vm.memory)),
        ("ADDRESSES", lambda vm: listed(vm.addresses) or listed(nic.address for nic in vm.nics if nic.address)),
        ("HOST", lambda vm: Ref("host", vm.host_id)),
        ("CREATED", lambda vm: ago(vm.created_at)),
    ),
    details=(
        ("ID", lambda vm: vm.id),
        ("PROJECT", lambda vm: Ref("project", vm.project_id)),
        ("LABEL", lambda vm: vm.label.value),
        ("DESCRIPTION", lambda vm: vm.description),
        ("TAGS", lambda vm: listed(vm.tags)),
        ("PROTECTED", lambda vm: yes_no(vm.protected)),
        ("ASKED FOR", lambda vm: vm.intent.value),
        ("RESTART PENDING", lambda vm: yes_no(vm.restart_pending)),
        ("CPU", lambda vm: cpu(vm.cpu)),
        ("CPU ASKED FOR", lambda vm: vm.cpu_model),
        ("FIRMWARE", lambda vm: vm.firmware.value),
        ("BOOT", lambda vm: listed(vm.boot)),
        ("STORAGE", lambda vm: Ref("storage", vm.storage_id)),
        ("DISKS", lambda vm: "\n".join(f"{d.volume_id}  {d.bus}  {d.limits.words}".rstrip() for d in vm.disks)),
        ("NICS", _nics),
        ("CDROM", lambda vm: Ref("image", vm.cdrom_image_id)),
        ("PLACEMENT", _placement),
        ("LAST MIGRATION", lambda vm: moved(vm.migration)),
        ("GUEST", lambda vm: f"{vm.guest.hostname}, {vm.guest.os_name}, {vm.guest.kernel}" if vm.guest else ""),
        ("POSSIBLE NOW", lambda vm: listed(name for name, action in vm.allowed_actions.items() if action.allowed)),
    ),
)
