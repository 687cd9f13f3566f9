"""Each hypervisor in turn."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from altus.drivers.hypervisor.base import Hypervisor
from tests.contract.hypervisor_rigs import FakeRig, LibvirtRig, Rig


@pytest.fixture(params=["fake", pytest.param("libvirt", marks=pytest.mark.functional)])
async def rig(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Rig]:
    made: Rig = FakeRig(tmp_path) if request.param == "fake" else LibvirtRig()
    try:
        yield made
    finally:
        await made.clear()


@pytest.fixture
def driver(rig: Rig) -> Hypervisor:
    return rig.driver
