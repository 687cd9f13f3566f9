"""Does the database agree with what a host really has? Pure comparison; whoever finds a difference names it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from altus.model.domain import DomainFacts, differences, live_differences
from altus.model.floating_ip import FloatingIp, FloatingIpState
from altus.model.forward import Forward, ForwardState
from altus.model.image import Image, ImageFacts, ImageState
from altus.model.network import Network, NetworkState
from altus.model.router import Router, RouterState
from altus.model.security_group import SecurityGroup, SecurityGroupState
from altus.model.snapshot import Snapshot, SnapshotState, faults
from altus.model.vm import Vm, VmObservation, VmState
from altus.model.volume import LayerFacts, Volume, VolumeFacts, VolumeState


@dataclass(frozen=True)
class Finding:
    """Something that does not agree; `kind` is stable. `vm_id` is the VM that it concerns, if it is one's; `certain`
    says that `vm.repair`, or the `repair` of its own noun where it has one, puts it right and can spoil nothing."""

    kind: str
    noun: str
    object_id: str
    message: str
    hint: str = ""
    vm_id: str = ""
    certain: bool = False


@dataclass(frozen=True, kw_only=True)
class Intent:
    """What the database says of one host. `ports` are the addresses reserved on networks (port id → network id) for all
    VMs, wherever they are. `elsewhere` are volumes on storages of other hosts under whose ids this one has something,
    too: a task brings them from one to the other, or could not clean up. `busy` are ids of objects which unfinished
    tasks are about: they may differ for now."""

    vms: Sequence[Vm]
    volumes: Sequence[Volume]
    images: Sequence[Image]
    networks: Sequence[Network]
    ports: Mapping[str, str]
    security_groups: Sequence[SecurityGroup] = ()
    snapshots: Sequence[Snapshot] = ()
    elsewhere: Sequence[Volume] = ()
    floating_ips: Sequence[FloatingIp] = ()
    forwards: Sequence[Forward] = ()
    routers: Sequence[Router] = ()
    busy: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Truth:
    """What the host has; `volumes`, `layers` and `images` by repository, `ports` port id → network id,
    `security_groups` group id → digest and `memberships` and `limits` of ports, `translations` and `routers` by id as
    the network driver tells them, `domains` whoever made them."""

    vms: Sequence[VmObservation]
    processes: Sequence[str]
    volumes: Mapping[str, Sequence[VolumeFacts]]
    images: Mapping[str, Sequence[ImageFacts]]
    networks: Sequence[str]
    ports: Mapping[str, str]
    security_groups: Mapping[str, str] = field(default_factory=dict)
    memberships: Mapping[str, Sequence[str]] = field(default_factory=dict)
    limits: Mapping[str, str] = field(default_factory=dict)
    translations: Mapping[str, str] = field(default_factory=dict)
    routers: Mapping[str, str] = field(default_factory=dict)
    domains: Sequence[DomainFacts] = ()
    layers: Mapping[str, Sequence[LayerFacts]] = field(default_factory=dict)


def compare(intent: Intent, truth: Truth) -> list[Finding]:
    """Every difference, VMs first."""
    return [
        *_vms(intent, truth),
        *_definitions(intent, truth),
        *_processes(intent, truth),
        *_volumes(intent, truth),
        *_snapshots(intent, truth),
        *_images(intent, truth),
        *_networks(intent, truth),
        *_ports(intent, truth),
        *_security_groups(intent, truth),
        *_memberships(intent, truth),
        *_limits(intent, truth),
        *_floating_ips(intent, truth),
        *_forwards(intent, truth),
        *_translations(intent, truth),
        *_routers(intent, truth),
    ]


def compare_database(vms: Sequence[Vm], ports: Mapping[str, str], busy: frozenset[str]) -> list[Finding]:
    """What does not agree in the database itself, whatever host it is about: VMs on no host, addresses of nobody."""
    findings = [_unfinished(vm) for vm in vms if vm.host_id is None and vm.id not in busy]
    if not busy:
        owned = {nic.id for vm in vms for nic in vm.hardware.nics}
        findings += [
            Finding("port.leaked", "port", port_id, f"An address is reserved for port {port_id}, which no VM has.")
            for port_id in sorted(ports.keys() - owned)
        ]
    return findings


def _unfinished(vm: Vm) -> Finding:
    return Finding("vm.unfinished", "vm", vm.id, f"VM {vm.name} is {vm.state} and no task works on it.", "Delete it.")


def _vms(intent: Intent, truth: Truth) -> Iterator[Finding]:
    seen = {vm.id: vm for vm in truth.vms}
    known = {vm.id for vm in intent.vms}
    for vm in intent.vms:
        if vm.id in intent.busy:
            continue
        there = seen.get(vm.id)
        if vm.state in (VmState.CREATING, VmState.DELETING, VmState.FAILED):
            yield _unfinished(vm)
        elif there is None:
            yield Finding("vm.missing", "vm", vm.id, f"VM {vm.name} is not defined on its host.",
                          _repair(vm), vm_id=vm.id, certain=True)  # fmt: skip
        elif there.state is not vm.state:
            yield Finding("vm.state", "vm", vm.id, f"VM {vm.name} is {there.state}, the database says {vm.state}.")
    for vm_id in seen.keys() - known - intent.busy:
        yield Finding("vm.orphan", "vm", vm_id, f"The host has a VM {seen[vm_id].name} that the database doesn't know.",
                      "Undefine it on the host if it is not needed.")  # fmt: skip


def _repair(vm: Vm) -> str:
    return f"`altus vm repair {vm.name}` defines it as the database says."


def _definitions(intent: Intent, truth: Truth) -> Iterator[Finding]:
    defined = {domain.id: domain for domain in truth.domains}
    for vm in intent.vms:
        found = defined.get(vm.id)
        if found is None or vm.id in intent.busy:
            continue
        if not found.persistent:
            yield Finding("vm.transient", "vm", vm.id,
                          f"The definition of VM {vm.name} was removed while it runs: stopped, it would be gone from "
                          "its host.", _repair(vm), vm_id=vm.id, certain=True)  # fmt: skip
        elif told := differences(vm, found):
            yield Finding("vm.definition", "vm", vm.id,
                          f"VM {vm.name} is not defined on its host as the database says: {'; '.join(told)}.",
                          f"{_repair(vm)} A running guest gets that at its next start.", vm_id=vm.id)  # fmt: skip
        elif not vm.restart_pending and (told := live_differences(found)):
            yield Finding("vm.live", "vm", vm.id,
                          f"VM {vm.name} runs with other devices than it is defined with: {'; '.join(told)}.",
                          f"It gets those at its next start; `altus vm repair {vm.name}` notes that.",
                          vm_id=vm.id)  # fmt: skip


def _processes(intent: Intent, truth: Truth) -> Iterator[Finding]:
    running = {vm.id for vm in truth.vms if vm.state in (VmState.RUNNING, VmState.PAUSED)}
    for vm_id in set(truth.processes) - running - intent.busy:
        yield Finding("vm.stray_process", "vm", vm_id, f"A QEMU process of VM {vm_id} runs, but not as a running VM.")
    for vm_id in running - set(truth.processes) - intent.busy:
        yield Finding("vm.no_process", "vm", vm_id, f"VM {vm_id} is said to run, but has no process.")


def _volumes(intent: Intent, truth: Truth) -> Iterator[Finding]:
    stored = {(storage, facts.id): facts for storage, volumes in truth.volumes.items() for facts in volumes}
    for volume in intent.volumes:
        if volume.id in intent.busy or volume.vm_id in intent.busy or volume.storage_id not in truth.volumes:
            continue
        facts = stored.get((volume.storage_id, volume.id))
        if volume.state is not VolumeState.READY:
            yield Finding("volume.unfinished", "volume", volume.id,
                          f"Volume {volume.name} is {volume.state} and no task works on it.", "Delete it.")  # fmt: skip
        elif facts is None:
            yield Finding("volume.missing", "volume", volume.id, f"Volume {volume.name} is not on its storage.",
                          "Bring its file back, or delete it; no empty one is put in its place.",
                          vm_id=volume.vm_id or "")  # fmt: skip
        elif facts.size != volume.size:
            yield Finding("volume.size", "volume", volume.id,
                          f"Volume {volume.name} has {facts.size} bytes, the database says {volume.size}.")  # fmt: skip
    known = {(volume.storage_id, volume.id) for volume in intent.volumes}
    owners = {volume.id: volume for volume in (*intent.elsewhere, *intent.volumes)}
    moving = {volume.id for volume in owners.values() if volume.vm_id in intent.busy} | intent.busy
    for volume_id in sorted({volume_id for _, volume_id in stored.keys() - known} - moving):
        if volume_id in owners:
            owner = owners[volume_id]
            yield Finding("volume.leftover", "volume", volume_id,
                          f"Storage has an old copy of volume {owner.name}, which is on other storage now.",
                          "If nobody uses it, it goes by itself. Else remove its file, or move its VM there once more.",
                          certain=owner.vm_id is not None and owner.state is VolumeState.READY)  # fmt: skip
        else:
            yield Finding("volume.orphan", "volume", volume_id, f"Storage has a volume {volume_id} that nobody knows.")


def _snapshots(intent: Intent, truth: Truth) -> Iterator[Finding]:
    """The chains of the host's VMs. Of volumes without a VM, only layers that nobody knows."""
    volumes: dict[str, list[VolumeFacts]] = {}
    layers: dict[str, list[LayerFacts]] = {}
    owner = {(vm.storage_id, disk.volume_id): vm.id for vm in intent.vms for disk in vm.hardware.disks}
    for storage, facts in ((storage, one) for storage, every in truth.volumes.items() for one in every):
        volumes.setdefault(owner.get((storage, facts.id), ""), []).append(facts)
    for storage, layer in ((storage, one) for storage, every in truth.layers.items() for one in every):
        layers.setdefault(owner.get((storage, layer.volume_id), ""), []).append(layer)
    taken: dict[str, list[Snapshot]] = {}
    for one in intent.snapshots:
        taken.setdefault(one.vm_id, []).append(one)
        if one.state is not SnapshotState.READY and not {one.id, one.vm_id} & intent.busy:
            yield Finding("snapshot.unfinished", "snapshot", one.id,
                          f"Snapshot {one.name} is {one.state} and no task works on it.", "Delete it.")  # fmt: skip
    for vm in intent.vms:
        whole = vm.state not in (VmState.CREATING, VmState.DELETING, VmState.FAILED)
        if whole and vm.id not in intent.busy and vm.storage_id in truth.layers:
            for fault in faults(vm, taken.get(vm.id, ()), volumes.get(vm.id, ()), layers.get(vm.id, ())):
                yield Finding(fault.kind, "snapshot", fault.object_id, fault.message,
                              "Bring its file back, or restore the VM from a backup."
                              if fault.kind != "snapshot.orphan" else
                              "What a revert left goes with the next revert to, or deletion of, a snapshot of the VM."
                              )  # fmt: skip
    known = {volume.id: volume for volume in (*intent.elsewhere, *intent.volumes)}
    for layer in layers.get("", ()):
        volume = known.get(layer.volume_id)
        if (volume is None or volume.vm_id is None) and layer.volume_id not in intent.busy:
            yield Finding("snapshot.orphan", "snapshot", layer.id,
                          f"Volume {layer.volume_id} has a layer {layer.id} that nobody knows.")  # fmt: skip


def _images(intent: Intent, truth: Truth) -> Iterator[Finding]:
    stored = {facts.id: facts for images in truth.images.values() for facts in images}
    for image in intent.images:
        if image.id in intent.busy or image.state is ImageState.UPLOADING or image.storage_id not in truth.images:
            continue
        if image.state is not ImageState.READY:
            yield Finding("image.unfinished", "image", image.id,
                          f"Image {image.name} is {image.state} and no task works on it.", "Delete it.")  # fmt: skip
        elif image.id not in stored:
            yield Finding("image.missing", "image", image.id, f"Image {image.name} is not on its storage.")
    known = {image.id for image in intent.images}
    for image_id in stored.keys() - known - intent.busy:
        yield Finding("image.orphan", "image", image_id, f"Storage has an image {image_id} that nobody knows.")


def _networks(intent: Intent, truth: Truth) -> Iterator[Finding]:
    there = set(truth.networks)
    for network in intent.networks:
        if network.id in intent.busy:
            continue
        if network.state is not NetworkState.READY:
            yield Finding("network.unfinished", "network", network.id,
                          f"Network {network.name} is {network.state} and no task works on it.",
                          "Delete it.")  # fmt: skip
        elif network.id not in there:
            yield Finding("network.missing", "network", network.id, f"Network {network.name} is not on the host.")
    for network_id in there - {network.id for network in intent.networks} - intent.busy:
        yield Finding("network.orphan", "network", network_id, f"The host has a network {network_id} nobody knows.")


def _ports(intent: Intent, truth: Truth) -> Iterator[Finding]:
    owners = {nic.id: vm for vm in intent.vms for nic in vm.hardware.nics}
    wanted = {port for port, vm in owners.items() if vm.id not in intent.busy and vm.state is not VmState.FAILED}
    for port_id in wanted - truth.ports.keys():
        vm = owners[port_id]
        yield Finding("port.missing", "port", port_id, f"A port of VM {vm.name} is not on its network.",
                      f"`altus vm repair {vm.name}` makes it again.", vm_id=vm.id, certain=True)  # fmt: skip
    for port_id in wanted - intent.ports.keys():
        yield Finding("port.unreserved", "port", port_id, f"VM {owners[port_id].name} has an address not its own.")
    for port_id in truth.ports.keys() - owners.keys() - intent.ports.keys():
        yield Finding("port.orphan", "port", port_id, f"The network has a port {port_id} that belongs to no VM.")


def _security_groups(intent: Intent, truth: Truth) -> Iterator[Finding]:
    wanted = {group.id: group for group in intent.security_groups}
    intact = {group_id for group_id, digest in truth.security_groups.items()
              if group_id in wanted and wanted[group_id].spec.digest == digest}  # fmt: skip
    for group in intent.security_groups:
        if group.id in intent.busy:
            continue
        certain = group.spec.remote_ids <= intact  # those that it names are put right first
        if group.state is not SecurityGroupState.READY:
            yield Finding("security_group.unfinished", "security_group", group.id,
                          f"Security group {group.name} is {group.state} and no task works on it.",
                          "Delete it.")  # fmt: skip
        elif group.id in intact:
            continue
        elif group.id not in truth.security_groups:
            yield Finding("security_group.missing", "security_group", group.id,
                          f"Security group {group.name} is not on the host: its members are not filtered.",
                          "It is made again by itself.", certain=certain)  # fmt: skip
        else:
            yield Finding("security_group.rules", "security_group", group.id,
                          f"The rules of security group {group.name} are not those of the database.",
                          "They are put right by themselves.", certain=certain)  # fmt: skip
    for group_id in truth.security_groups.keys() - wanted.keys() - intent.busy:
        yield Finding("security_group.orphan", "security_group", group_id,
                      f"The host has a security group {group_id} nobody knows.")  # fmt: skip


def _memberships(intent: Intent, truth: Truth) -> Iterator[Finding]:
    """Of ports that are there, in groups that are there; the rest is found otherwise."""
    for vm in intent.vms:
        for nic in vm.hardware.nics if vm.id not in intent.busy and vm.state is not VmState.FAILED else ():
            wanted = truth.security_groups.keys() & nic.security_groups
            found = set(truth.memberships.get(nic.id, ()))
            if nic.id in truth.ports and found != wanted and not found & intent.busy and not wanted & intent.busy:
                yield Finding("port.groups", "port", nic.id,
                              f"A port of VM {vm.name} is not in the security groups that it should be in.",
                              f"`altus vm repair {vm.name}` puts it right.", vm_id=vm.id, certain=True)  # fmt: skip


def _limits(intent: Intent, truth: Truth) -> Iterator[Finding]:
    """Of ports that are there."""
    for vm in intent.vms:
        for nic in vm.hardware.nics if vm.id not in intent.busy and vm.state is not VmState.FAILED else ():
            found = truth.limits.get(nic.id, "")
            if nic.id in truth.ports and found != nic.port.limits:
                yield Finding("port.limits", "port", nic.id,
                              f"A port of VM {vm.name} is limited to {found or 'nothing'} instead of "
                              f"{nic.port.limits or 'nothing'}.",
                              f"`altus vm repair {vm.name}` puts it right.", vm_id=vm.id, certain=True)  # fmt: skip


def _floating_ips(intent: Intent, truth: Truth) -> Iterator[Finding]:
    here = _here(intent)
    for floating in intent.floating_ips:
        if {floating.id, floating.vm_id} & intent.busy:
            continue
        if floating.state is not FloatingIpState.READY:
            yield Finding("floating_ip.unfinished", "floating_ip", floating.id,
                          f"Floating address {floating.address} is {floating.state} and no task works on it.",
                          "Delete it.")  # fmt: skip
        elif not floating.vm_id and floating.id in truth.translations:
            yield Finding("floating_ip.attached", "floating_ip", floating.id,
                          f"Floating address {floating.address} is free, but the host leads it to a NIC.",
                          "Attach and detach it.")  # fmt: skip
        elif floating.vm_id and _is_lost(here, truth, floating):
            yield Finding("floating_ip.missing", "floating_ip", floating.id,
                          f"Floating address {floating.address} does not lead to its VM.",
                          "It is put right by itself.", certain=floating.vm_id in here)  # fmt: skip


def _forwards(intent: Intent, truth: Truth) -> Iterator[Finding]:
    here = _here(intent)
    for forward in intent.forwards:
        if {forward.id, forward.vm_id} & intent.busy:
            continue
        if forward.state is not ForwardState.READY:
            yield Finding("forward.unfinished", "forward", forward.id,
                          f"Port forward {forward.name} is {forward.state} and no task works on it.",
                          "Delete it.")  # fmt: skip
        elif _is_lost(here, truth, forward):
            yield Finding("forward.missing", "forward", forward.id,
                          f"Port forward {forward.name} does not lead to its VM.",
                          "It is put right by itself.", certain=forward.vm_id in here)  # fmt: skip


def _here(intent: Intent) -> frozenset[str]:
    """VMs of the host to whose NICs something may lead."""
    return frozenset(vm.id for vm in intent.vms if vm.state is not VmState.FAILED)


def _is_lost(here: frozenset[str], truth: Truth, one: FloatingIp | Forward) -> bool:
    """Hosts of one pool tell the same, but one that does not do its part tells less."""
    found = truth.translations.get(one.id)
    return found != one.spec.words and (found is not None or one.vm_id in here)


def _translations(intent: Intent, truth: Truth) -> Iterator[Finding]:
    known = {one.id for one in (*intent.floating_ips, *intent.forwards)}
    for orphan in truth.translations.keys() - known - intent.busy:
        yield Finding("translation.orphan", "translation", orphan,
                      f"The host leads something to a NIC by {orphan}, which nobody knows.")  # fmt: skip


def _routers(intent: Intent, truth: Truth) -> Iterator[Finding]:
    for router in intent.routers:
        found = truth.routers.get(router.id)
        if router.id in intent.busy or intent.busy.intersection(router.networks):
            continue
        if router.state is not RouterState.READY:
            yield Finding("router.unfinished", "router", router.id,
                          f"Router {router.name} is {router.state} and no task works on it.", "Delete it.")  # fmt: skip
        elif found is None:
            yield Finding("router.missing", "router", router.id, f"Router {router.name} is not on the host.",
                          "It is made again by itself.", certain=True)  # fmt: skip
        elif found != router.spec.words:
            yield Finding("router.networks", "router", router.id,
                          f"Router {router.name} does not lead to just the networks that it should.",
                          "It is put right by itself.", certain=True)  # fmt: skip
    for router_id in truth.routers.keys() - {router.id for router in intent.routers} - intent.busy:
        yield Finding("router.orphan", "router", router_id, f"The host has a router {router_id} nobody knows.")
