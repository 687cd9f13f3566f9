"""Drivers are found by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from altus.common.errors import InvalidInput
from altus.drivers.hypervisor.fake import FakeHypervisor
from altus.drivers.hypervisor.libvirt.driver import LibvirtHypervisor
from altus.drivers.hypervisor.load import HypervisorOptions, load_hypervisor


def test_drivers_are_loaded_by_name(tmp_path: Path) -> None:
    options = HypervisorOptions(state_dir=tmp_path)
    assert isinstance(load_hypervisor("fake", options), FakeHypervisor)
    assert isinstance(load_hypervisor("libvirt", options), LibvirtHypervisor)


def test_unknown_driver_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput) as refused:
        load_hypervisor("xen", HypervisorOptions(state_dir=tmp_path))
    assert refused.value.code == "driver.unknown"
    assert "libvirt" in refused.value.hint
