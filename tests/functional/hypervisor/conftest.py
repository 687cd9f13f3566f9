"""A libvirt driver in the test machine that leaves nothing behind."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.contract.hypervisor_rigs import LibvirtRig


@pytest.fixture
async def rig() -> AsyncIterator[LibvirtRig]:
    """The test machine's libvirt."""
    made = LibvirtRig()
    try:
        yield made
    finally:
        await made.clear()
