"""Hypervisors and network drivers under test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from altus.drivers.hypervisor.base import Hypervisor
from tests.contract import network_rigs
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


@pytest.fixture(params=[network_rigs.fake, pytest.param(network_rigs.ovn, marks=pytest.mark.functional)],
                ids=["fake", "ovn"])  # fmt: skip
async def subject(request: pytest.FixtureRequest) -> AsyncIterator[network_rigs.Subject]:
    """Each network driver in turn; what was made with it is removed afterwards."""
    made: network_rigs.Subject = await request.param()
    yield made
    await network_rigs.clear(made)
