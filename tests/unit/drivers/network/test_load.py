"""The map of drivers."""

from __future__ import annotations

import pytest

from altus.common.errors import InvalidInput
from altus.drivers.network.fake import FakeNetworks
from altus.drivers.network.load import load_network
from altus.drivers.network.ovn.driver import OvnNetworks


async def test_drivers_are_found_by_name() -> None:
    assert isinstance(load_network("fake"), FakeNetworks)
    ovn = load_network("ovn")
    assert isinstance(ovn, OvnNetworks)
    await ovn.close()


async def test_an_unknown_driver_is_refused_with_those_there_are() -> None:
    with pytest.raises(InvalidInput) as error:
        load_network("bridge")
    assert error.value.code == "network.driver_unknown"
    assert "ovn" in error.value.hint
