"""Every difference between database and host is found and named, and nothing else."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from altus.common.ids import new_id
from altus.common.units import MIB
from altus.model import consistency, snapshot
from altus.model.consistency import Finding, Intent, Truth, compare, compare_database
from altus.model.disk_limits import DiskLimits, DiskRate
from altus.model.domain import DomainDevices, DomainDisk, DomainFacts, DomainNic, differences, live_differences
from altus.model.floating_ip import FloatingIp, FloatingIpState
from altus.model.forward import Forward, ForwardState
from altus.model.image import Image, ImageFacts, ImageFormat, ImageState
from altus.model.network import Network, NetworkState
from altus.model.router import Router, RouterState
from altus.model.security_group import Direction, SecurityGroup, SecurityGroupState, SecurityRule
from altus.model.snapshot import Snapshot, SnapshotDisk, SnapshotState
from altus.model.vm import NicLink, Vm, VmDisk, VmHardware, VmNic, VmObservation, VmState
from altus.model.volume import LayerFacts, Volume, VolumeFacts, VolumeState

HOST, STORE, VM, PORT, VOLUME, IMAGE, NET, GROUP, FLOATING, FORWARD, ROUTER, OTHER, FIRST, LAST = (
    new_id() for _ in range(14)
)

_VM = Vm(
    id=VM, name="web1", host_id=HOST, storage_id=STORE, state=VmState.RUNNING, snapshot_id=LAST,
    hardware=VmHardware(disks=(VmDisk(volume_id=VOLUME),),
                        nics=(VmNic(id=PORT, network_id=NET, mac="52:54:00:00:00:01", address="10.0.0.2",
                                    security_groups=(GROUP,)),)),
)  # fmt: skip
_RULE = SecurityRule(id=new_id(), direction=Direction.IN)
_GROUP = SecurityGroup(id=GROUP, name="web", state=SecurityGroupState.READY, rules=(_RULE,))
_DISKS = (SnapshotDisk(volume_id=VOLUME, size=9),)
_FIRST = Snapshot(id=FIRST, name="first", vm_id=VM, state=SnapshotState.READY, disks=_DISKS)
_LAST = Snapshot(id=LAST, name="last", vm_id=VM, state=SnapshotState.READY, disks=_DISKS, parent_id=FIRST)
_LAYERS = [LayerFacts(volume_id=VOLUME, id=FIRST, size=9, allocation=1),
           LayerFacts(volume_id=VOLUME, id=LAST, size=9, allocation=1, parent=FIRST)]  # fmt: skip
_FLOATING = FloatingIp(id=FLOATING, name="192.0.2.9", address="192.0.2.9", state=FloatingIpState.READY, network_id=NET,
                       vm_id=VM, nic_id=PORT, inside="10.0.0.2")  # fmt: skip
_FORWARD = Forward(id=FORWARD, name="tcp-8022", state=ForwardState.READY, network_id=NET, port=8022, vm_id=VM,
                   nic_id=PORT, inside="10.0.0.2", inside_port=22)  # fmt: skip
_ROUTER = Router(id=ROUTER, name="core", state=RouterState.READY, networks=(NET,))
_FACTS = ImageFacts(id=IMAGE, size=1, file_size=1, sha256="", source_format=ImageFormat.RAW)
INTENT = Intent(
    vms=[_VM],
    volumes=[Volume(id=VOLUME, name="d", storage_id=STORE, size=9, state=VolumeState.READY, vm_id=VM)],
    images=[Image(id=IMAGE, name="i", storage_id=STORE, state=ImageState.READY)],
    networks=[Network(id=NET, name="n", cidr="10.0.0.0/24", gateway="10.0.0.1", state=NetworkState.READY)],
    ports={PORT: NET},
    security_groups=[_GROUP],
    snapshots=[_FIRST, _LAST],
    floating_ips=[_FLOATING],
    forwards=[_FORWARD],
    routers=[_ROUTER],
)
TRUTH = Truth(
    vms=[VmObservation(id=VM, name="web1", state=VmState.RUNNING)],
    processes=[VM],
    volumes={STORE: [VolumeFacts(id=VOLUME, size=9, allocation=1, layer=LAST)]},
    layers={STORE: _LAYERS},
    images={STORE: [_FACTS]},
    networks=[NET],
    ports={PORT: NET},
    security_groups={GROUP: _GROUP.spec.digest},
    memberships={PORT: [GROUP]},
    translations={FLOATING: _FLOATING.spec.words, FORWARD: _FORWARD.spec.words},
    routers={ROUTER: NET},
)


def intent(**changes: object) -> Callable[[Intent, Truth], tuple[Intent, Truth]]:
    """The database says something else."""
    return lambda i, t: (dataclasses.replace(i, **changes), t)  # type: ignore[arg-type]


def truth(**changes: object) -> Callable[[Intent, Truth], tuple[Intent, Truth]]:
    """The host has something else."""
    return lambda i, t: (i, dataclasses.replace(t, **changes))  # type: ignore[arg-type]


def one(noun: str, **fields: object) -> Callable[[Intent, Truth], tuple[Intent, Truth]]:
    """The database's only thing of a noun is otherwise."""
    return intent(**{noun: [dataclasses.replace(getattr(INTENT, noun)[0], **fields)]})


_PAUSED = VmObservation(id=VM, name="web1", state=VmState.PAUSED)
_STRANGER = VmObservation(id=OTHER, name="stranger", state=VmState.STOPPED)
_VOLUME = VolumeFacts(id=VOLUME, size=9, allocation=1, layer=LAST)
_DOMAIN = DomainFacts(id=VM, name=f"altus-{VM}", state=VmState.RUNNING, ours=True, persistent=True, vcpus=1,
                      memory=512 * MIB, disks=(DomainDisk(path="/d", volume_id=VOLUME),),
                      nics=(DomainNic(mac="52:54:00:00:00:01", port_id=PORT),))  # fmt: skip
SEEDED = [
    ("vm.definition", VM, truth(domains=[dataclasses.replace(_DOMAIN, vcpus=4)])),
    ("vm.live", VM, truth(domains=[dataclasses.replace(_DOMAIN, live=DomainDevices())])),
    ("vm.transient", VM, truth(domains=[dataclasses.replace(_DOMAIN, persistent=False)])),
    ("vm.unfinished", VM, one("vms", state=VmState.FAILED)),
    ("vm.missing", VM, truth(vms=[], processes=[])),
    ("vm.state", VM, truth(vms=[_PAUSED])),
    ("vm.orphan", OTHER, truth(vms=[*TRUTH.vms, _STRANGER])),
    ("vm.stray_process", OTHER, truth(processes=[VM, OTHER])),
    ("vm.no_process", VM, truth(processes=[])),
    ("volume.unfinished", VOLUME, one("volumes", state=VolumeState.DELETING)),
    ("volume.missing", VOLUME, truth(volumes={STORE: []})),
    ("volume.size", VOLUME, one("volumes", size=10)),
    ("volume.leftover", VOLUME, truth(volumes={STORE: [_VOLUME], OTHER: [_VOLUME]})),
    ("volume.orphan", OTHER, truth(volumes={STORE: [_VOLUME, dataclasses.replace(_VOLUME, id=OTHER)]})),
    ("snapshot.unfinished", LAST, intent(snapshots=[_FIRST, dataclasses.replace(_LAST, state=SnapshotState.FAILED)])),
    ("snapshot.missing", FIRST, truth(layers={STORE: [_LAYERS[1]]})),
    ("snapshot.parent", LAST, truth(layers={STORE: [_LAYERS[0], dataclasses.replace(_LAYERS[1], parent="")]})),
    ("snapshot.volume", VOLUME, truth(volumes={STORE: [dataclasses.replace(_VOLUME, layer=FIRST)]})),
    ("snapshot.orphan", OTHER, truth(layers={STORE: [*_LAYERS, dataclasses.replace(_LAYERS[0], id=OTHER)]})),
    ("image.unfinished", IMAGE, one("images", state=ImageState.FAILED)),
    ("image.missing", IMAGE, truth(images={STORE: []})),
    ("image.orphan", OTHER, truth(images={STORE: [_FACTS, dataclasses.replace(_FACTS, id=OTHER)]})),
    ("network.unfinished", NET, one("networks", state=NetworkState.DELETING)),
    ("network.missing", NET, truth(networks=[])),
    ("network.orphan", OTHER, truth(networks=[NET, OTHER])),
    ("security_group.unfinished", GROUP, lambda i, t: one("security_groups", state=SecurityGroupState.DELETING)(
        i, dataclasses.replace(t, security_groups={GROUP: ""}))),
    ("security_group.missing", GROUP, truth(security_groups={}, memberships={})),
    ("security_group.rules", GROUP, truth(security_groups={GROUP: ""})),
    ("security_group.orphan", OTHER, truth(security_groups={GROUP: _GROUP.spec.digest, OTHER: ""})),
    ("floating_ip.unfinished", FLOATING, one("floating_ips", state=FloatingIpState.DELETING)),
    ("floating_ip.attached", FLOATING, one("floating_ips", vm_id="", nic_id="", inside="")),
    ("floating_ip.missing", FLOATING, truth(translations={FORWARD: _FORWARD.spec.words})),
    ("forward.unfinished", FORWARD, one("forwards", state=ForwardState.CREATING)),
    ("forward.missing", FORWARD, truth(translations={**TRUTH.translations, FORWARD: ""})),
    ("translation.orphan", OTHER, truth(translations={**TRUTH.translations, OTHER: "192.0.2.7 to 10.0.0.2"})),
    ("router.unfinished", ROUTER, one("routers", state=RouterState.DELETING)),
    ("router.missing", ROUTER, truth(routers={})),
    ("router.networks", ROUTER, truth(routers={ROUTER: ""})),
    ("router.orphan", OTHER, truth(routers={ROUTER: NET, OTHER: ""})),
    ("port.groups", PORT, truth(memberships={})),
    ("port.limits", PORT, truth(limits={PORT: "in 1 kbit/s, 1 kbit at once"})),
    ("port.missing", PORT, truth(ports={})),
    ("port.unreserved", PORT, intent(ports={})),
    ("port.orphan", OTHER, truth(ports={PORT: NET, OTHER: NET})),
]  # fmt: skip


def test_agreement_is_silent() -> None:
    assert compare(INTENT, TRUTH) == []
    assert compare_database([_VM], {PORT: NET}, frozenset()) == []


@pytest.mark.parametrize(("kind", "object_id", "seed"), SEEDED, ids=[kind for kind, _, _ in SEEDED])
def test_seeded_difference_is_the_only_one_found(
    kind: str, object_id: str, seed: Callable[[Intent, Truth], tuple[Intent, Truth]]
) -> None:
    (found,) = compare(*seed(INTENT, TRUTH))
    assert (found.kind, found.noun, found.object_id) == (kind, kind.partition(".")[0], object_id)
    assert found.message


def test_a_layer_of_a_volume_that_nobody_knows_is_found() -> None:
    stray = dataclasses.replace(_LAYERS[0], id=OTHER, volume_id=new_id())
    (found,) = compare(INTENT, dataclasses.replace(TRUTH, layers={STORE: [*_LAYERS, stray]}))
    assert (found.kind, found.object_id) == ("snapshot.orphan", OTHER)
    busy = dataclasses.replace(INTENT, busy=frozenset({stray.volume_id}))
    assert compare(busy, dataclasses.replace(TRUTH, layers={STORE: [*_LAYERS, stray]})) == []


def test_a_disk_attached_after_the_snapshot_may_stand_on_any_layer() -> None:
    went_back = dataclasses.replace(_VM, snapshot_id=FIRST)
    unknowing = dataclasses.replace(_FIRST, disks=())
    there = dataclasses.replace(INTENT, vms=[went_back], snapshots=[unknowing, _LAST])
    layers = [dataclasses.replace(_LAYERS[1], parent="")]
    assert compare(there, dataclasses.replace(TRUTH, layers={STORE: layers})) == []


def test_leaked_address_is_found() -> None:
    found = compare_database([_VM], {PORT: NET, OTHER: NET}, frozenset())
    assert [(one.kind, one.object_id) for one in found] == [("port.leaked", OTHER)]
    assert compare_database([_VM], {PORT: NET, OTHER: NET}, frozenset({VM})) == []


def test_vm_on_no_host_is_found() -> None:
    nowhere = dataclasses.replace(_VM, host_id=None, state=VmState.FAILED)
    assert [one.kind for one in compare_database([nowhere], {PORT: NET}, frozenset())] == ["vm.unfinished"]
    assert compare_database([nowhere], {PORT: NET}, frozenset({VM})) == []


def test_every_kind_of_finding_is_seeded() -> None:
    kinds = set(re.findall(r'"([a-z_]+\.[a-z_]+)"', Path(consistency.__file__).read_text()))
    kinds |= set(re.findall(r'Fault\("([a-z_]+\.[a-z_]+)"', Path(snapshot.__file__).read_text()))
    assert kinds == {kind for kind, _, _ in SEEDED} | {"port.leaked"}


@pytest.mark.parametrize(("kind", "object_id", "seed"), SEEDED, ids=[kind for kind, _, _ in SEEDED])
def test_what_tasks_work_on_may_differ(
    kind: str, object_id: str, seed: Callable[[Intent, Truth], tuple[Intent, Truth]]
) -> None:
    busy = frozenset({VM, VOLUME, IMAGE, NET, GROUP, FLOATING, FORWARD, ROUTER, OTHER})
    intent, truth = seed(INTENT, TRUTH)
    found = compare(dataclasses.replace(intent, busy=busy), truth)
    assert [one.kind for one in found] == ([] if kind != "port.orphan" else ["port.orphan"]), object_id


@pytest.mark.parametrize(("busy", "kinds"), [(frozenset(), ["volume.leftover"]), (frozenset({VM}), [])])
def test_volume_of_another_host_is_a_leftover_unless_a_task_moves_its_vm(
    busy: frozenset[str], kinds: list[str]
) -> None:
    there = dataclasses.replace(INTENT.volumes[0], storage_id=OTHER)
    moved = dataclasses.replace(INTENT, vms=[], volumes=[], elsewhere=[there], busy=busy)
    found = compare(moved, dataclasses.replace(TRUTH, vms=[], processes=[]))
    assert [one.kind for one in found if one.noun == "volume"] == kinds


def test_another_hosts_vms_ports_and_volumes_are_left_alone() -> None:
    elsewhere = Volume(id=OTHER, name="far", storage_id=new_id(), size=1, state=VolumeState.READY)
    there = dataclasses.replace(INTENT, volumes=[*INTENT.volumes, elsewhere], ports={PORT: NET, OTHER: NET})
    assert compare(there, dataclasses.replace(TRUTH, ports={PORT: NET, OTHER: NET})) == []
    assert compare(there, TRUTH) == []


def test_upload_that_has_begun_is_no_difference() -> None:
    uploading, _ = one("images", state=ImageState.UPLOADING)(INTENT, TRUTH)
    empty = dataclasses.replace(TRUTH, images={STORE: []})
    assert compare(uploading, empty) == []
    assert isinstance(compare(INTENT, empty)[0], Finding)


def test_a_domain_of_others_is_no_difference() -> None:
    foreign = dataclasses.replace(_DOMAIN, id=OTHER, name="legacy", ours=False)
    assert compare(INTENT, dataclasses.replace(TRUTH, domains=[_DOMAIN, foreign])) == []


@pytest.mark.parametrize(
    ("found", "told"),
    [
        ({}, []),
        ({"vcpus": 4}, ["4 vCPUs instead of 1"]),
        ({"memory": 256 * MIB}, ["256 MiB of memory instead of 512 MiB"]),
        ({"disks": ()}, [f"without disk {VOLUME}"]),
        ({"disks": (*_DOMAIN.disks, DomainDisk(path="/x"))}, ["with disk /x, which it should not have"]),
        ({"nics": ()}, [f"without NIC {PORT}"]),
        ({"nics": (*_DOMAIN.nics, DomainNic(mac="52:54:00:00:00:09"))},
         ["with NIC 52:54:00:00:00:09, which it should not have"]),
        ({"nics": (DomainNic(mac="52:54:00:00:00:02", port_id=PORT),)},
         [f"NIC {PORT} has the MAC 52:54:00:00:00:02 instead of 52:54:00:00:00:01"]),
    ],
    ids=["none", "vcpus", "memory", "less disks", "more disks", "less nics", "more nics", "mac"],
)  # fmt: skip
def test_differences_of_a_definition_are_named(found: dict[str, Any], told: list[str]) -> None:
    assert differences(_VM, dataclasses.replace(_DOMAIN, **found)) == told


_SLOW = DiskLimits(total_iops=DiskRate(rate=50))


@pytest.mark.parametrize(
    ("live", "told"),
    [
        (None, []),
        (DomainDevices(disks=_DOMAIN.disks, nics=_DOMAIN.nics), []),
        (DomainDevices(disks=_DOMAIN.disks), [f"without NIC {PORT}"]),
        (DomainDevices(disks=(*_DOMAIN.disks, DomainDisk(path="/e")), nics=_DOMAIN.nics),
         ["with disk /e, which it should not have"]),
        (DomainDevices(disks=(dataclasses.replace(_DOMAIN.disks[0], limits=_SLOW),), nics=_DOMAIN.nics),
         [f"disk {VOLUME} limited to total_iops 50/s instead of nothing"]),
        (DomainDevices(disks=_DOMAIN.disks, nics=(dataclasses.replace(_DOMAIN.nics[0], link=NicLink.DOWN),)),
         [f"the link of NIC {PORT} down instead of up"]),
    ],
    ids=["off", "same", "less", "more", "limits", "link"],
)  # fmt: skip
def test_what_a_guest_runs_with_is_compared_with_its_definition(live: DomainDevices | None, told: list[str]) -> None:
    assert live_differences(dataclasses.replace(_DOMAIN, live=live)) == told


def test_what_waits_for_the_next_start_is_no_finding() -> None:
    there = dataclasses.replace(TRUTH, domains=[dataclasses.replace(_DOMAIN, live=DomainDevices())])
    assert [found.kind for found in compare(INTENT, there)] == ["vm.live"]
    pending = dataclasses.replace(INTENT, vms=[dataclasses.replace(INTENT.vms[0], restart_pending=True)])
    assert compare(pending, there) == []


@pytest.mark.parametrize(
    ("kind", "certain"),
    [
        ("vm.missing", True),
        ("port.missing", True),
        ("vm.transient", True),
        ("port.groups", True),
        ("port.limits", True),
        ("vm.definition", False),
        ("volume.missing", False),
    ],
)
def test_only_what_can_spoil_nothing_is_certain(kind: str, certain: bool) -> None:
    (seed,) = [seed for seeded, _, seed in SEEDED if seeded == kind]
    (found,) = compare(*seed(INTENT, TRUTH))
    assert (found.vm_id, found.certain) == (VM, certain)


@pytest.mark.parametrize("found", ["", "192.0.2.9 to 10.0.0.3", None])
def test_a_floating_address_is_led_right_from_its_vms_host_alone(found: str | None) -> None:
    """Another one of the pool tells that it does not do its part, or it has a network of its own and tells nothing."""
    alone = dataclasses.replace(INTENT, forwards=[])
    there = dataclasses.replace(TRUTH, translations={} if found is None else {FLOATING: found})
    (here,) = compare(alone, there)
    assert (here.kind, here.certain) == ("floating_ip.missing", True)
    elsewhere = dataclasses.replace(TRUTH, vms=[], processes=[], translations=there.translations)
    kinds = [(one.kind, one.certain) for one in compare(dataclasses.replace(alone, vms=[]), elsewhere)]
    assert kinds == ([] if found is None else [("floating_ip.missing", False)])


@pytest.mark.parametrize("remote_is_right", [True, False])
def test_a_group_is_put_right_after_those_that_it_names(remote_is_right: bool) -> None:
    remote = SecurityGroup(id=OTHER, name="db", state=SecurityGroupState.READY)
    group = dataclasses.replace(_GROUP, rules=(dataclasses.replace(_RULE, remote_group_id=OTHER),))
    there = {OTHER: remote.spec.digest if remote_is_right else "", GROUP: ""}
    found = compare(dataclasses.replace(INTENT, security_groups=[group, remote]),
                    dataclasses.replace(TRUTH, security_groups=there))  # fmt: skip
    certain = {one.object_id for one in found if one.certain}
    assert certain == {GROUP if remote_is_right else OTHER}
