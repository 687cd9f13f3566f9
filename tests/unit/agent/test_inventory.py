"""The inventory of machines we don't have, from recorded trees."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from altus.agent.inventory.facts import describe, look
from altus.agent.inventory.read import cpu_list
from altus.drivers.hypervisor.base import HypervisorCapabilities
from altus.drivers.network.base import Datapath, NetworkCapabilities
from altus.model.cpu import CpuOffer
from altus.model.host import Acceleration, HostDisk, HostNic, NumaNode

MACHINES = Path(__file__).parent / "machines"
KVM = HypervisorCapabilities(acceleration=Acceleration.KVM, acceleration_reason="A guest ran.",
                             versions={"libvirt": "9.0.0", "qemu": "7.2.15"}, uefi=True,
                             guest_cpus=CpuOffer(models=("EPYC",), vendor="AMD", address_bits=48))  # fmt: skip
OVN = NetworkCapabilities(datapath=Datapath.KERNEL, reason="", max_mtu=1442, versions={"ovs": "3.1", "ovn": "23.03"})


def plant(root: Path, machine: str) -> Path:
    """Make the recorded tree."""
    for name, content in yaml.safe_load((MACHINES / f"{machine}.yaml").read_text()).items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if content.startswith("-> "):
            path.symlink_to(content.removeprefix("-> "))
        else:
            path.write_text(content + "\n")
    return root


def test_two_sockets_with_numa_sriov_and_iommu(tmp_path: Path) -> None:
    found = look(plant(tmp_path, "intel-2-socket"))
    assert (found.hostname, found.kernel) == ("numa1", "6.1.0-26-amd64")
    assert (found.cpu.vendor, found.cpu.model) == ("Intel", "Intel(R) Xeon(R) Gold 5415+")
    assert (found.cpu.sockets, found.cpu.cores, found.cpu.threads) == (2, 8, 16)
    assert (found.cpu.virtualization, found.cpu.nested_paging) == ("vmx", "ept")
    assert "avx512f" in found.cpu.flags
    assert found.memory == 263775880 * 1024
    assert found.numa == (
        NumaNode(id=0, cpus=(0, 1, 2, 3, 8, 9, 10, 11), memory=131887000 * 1024),
        NumaNode(id=1, cpus=(4, 5, 6, 7, 12, 13, 14, 15), memory=131888880 * 1024),
    )
    assert found.iommu
    assert found.disks == (
        HostDisk(name="nvme0n1", size=3750748848 * 512, model="SAMSUNG MZQL21T9HCJR-00A07", rotational=False),
        HostDisk(name="sda", size=7814037168 * 512, model="ST4000NM000A", rotational=True),
    )
    assert found.nics == (
        HostNic(name="eno1", mac="3c:ec:ef:00:00:04", speed=1000, link=True, driver="igb", sriov_total=7, numa_node=0),
        HostNic(name="ens1f0np0", mac="b4:96:91:00:00:01", speed=25000, link=True, driver="ice", sriov_total=128,
                numa_node=1),
        HostNic(name="ens1f1np1", mac="b4:96:91:00:00:02", speed=0, link=False, driver="ice", sriov_total=128,
                numa_node=1),
    )  # fmt: skip


def test_small_amd_machine_without_iommu_or_numa(tmp_path: Path) -> None:
    found = look(plant(tmp_path, "amd-small"))
    assert (found.cpu.vendor, found.cpu.sockets, found.cpu.cores, found.cpu.threads) == ("AMD", 1, 2, 4)
    assert (found.cpu.virtualization, found.cpu.nested_paging) == ("svm", "npt")
    assert not found.iommu
    assert found.numa == ()
    assert found.disks == (HostDisk(name="vda", size=20 << 30, model="", rotational=True),)
    assert found.nics == (HostNic(name="eth0", mac="52:54:00:aa:bb:cc", speed=0, link=True, driver="virtio_net",
                                  sriov_total=0, numa_node=-1),)  # fmt: skip


def test_machine_that_tells_nothing_is_still_described(tmp_path: Path) -> None:
    found = look(tmp_path)
    assert (found.cpu.threads, found.memory, found.disks, found.nics) == (0, 0, (), ())
    assert describe(found, None, None).acceleration is Acceleration.TCG


def test_this_machine_is_described() -> None:
    found = look()
    assert found.cpu.threads > 0
    assert found.memory > 1 << 28
    assert found.hostname


@pytest.mark.parametrize(("text", "cpus"), [("", ()), ("0", (0,)), ("0-2,7,9-10", (0, 1, 2, 7, 9, 10))])
def test_list_of_processors(text: str, cpus: tuple[int, ...]) -> None:
    assert cpu_list(text) == cpus


def test_facts_join_hardware_hypervisor_and_network(tmp_path: Path) -> None:
    facts = describe(look(plant(tmp_path, "amd-small")), KVM, OVN)
    assert facts.acceleration is Acceleration.KVM
    assert facts.datapath == "kernel"
    assert facts.versions.keys() == {"kernel", "altus", "libvirt", "qemu", "ovs", "ovn"}
    assert facts.warnings == ()


def test_slow_ways_are_warned_of(tmp_path: Path) -> None:
    slow = HypervisorCapabilities(acceleration=Acceleration.TCG, acceleration_reason="no /dev/kvm.", versions={},
                                  uefi=False, guest_cpus=CpuOffer(models=()))  # fmt: skip
    userspace = NetworkCapabilities(datapath=Datapath.USERSPACE, reason="no module.", max_mtu=1442, versions={})
    warnings = describe(look(tmp_path), slow, userspace).warnings
    assert len(warnings) == 2
    assert "no /dev/kvm." in warnings[0]
    assert "no module." in warnings[1]


def test_what_was_known_is_kept_while_engines_do_not_answer(tmp_path: Path) -> None:
    found = look(plant(tmp_path, "amd-small"))
    before = describe(found, KVM, OVN)
    after = describe(found, None, None, before=before)
    assert (after.acceleration, after.datapath, after.versions) == (Acceleration.KVM, "kernel", before.versions)
