"""What is written around the root file system."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from altus.drivers.image.disk import DiskPlan, early_config, grub_config, partition_table

PLAN = DiskPlan(
    root=Path("/nowhere"), label="l", kernel="/boot/k", initrd="/boot/i", cmdline="quiet", size=1 << 28, seed="s"
)


def test_ids_on_the_disk_depend_on_the_seed_alone() -> None:
    assert partition_table(PLAN) == partition_table(replace(PLAN, size=1 << 30))
    assert partition_table(PLAN) != partition_table(replace(PLAN, seed="other"))


def test_root_is_the_last_partition_and_may_grow() -> None:
    last = partition_table(PLAN).splitlines()[-1]
    assert last.startswith("start=36864, type=")
    assert "size" not in last


def test_loader_finds_the_root_by_label_and_starts_without_waiting() -> None:
    assert "--label l " in early_config(PLAN.label)
    menu = grub_config(PLAN)
    assert "set timeout=0" in menu
    assert "linux /boot/k quiet\ninitrd /boot/i\nboot\n" in menu
