"""The map of drivers."""

from __future__ import annotations

from pathlib import Path

import pytest

from altus.common.errors import InvalidInput
from altus.drivers.network.fake import FakeNetworks
from altus.drivers.network.load import load_network
from altus.drivers.network.ovn.driver import OvnNetworks
from altus.model.network import NetworkKind, NetworkSpec


async def test_drivers_are_found_by_name() -> None:
    assert isinstance(load_network("fake"), FakeNetworks)
    ovn = load_network("ovn", {"transit": "100.127.0.1/24", "uplink": "uplink0", "local": "unix:/nonexistent"})
    assert isinstance(ovn, OvnNetworks)
    await ovn.close()


async def test_the_fake_is_given_its_file(tmp_path: Path) -> None:
    fake = load_network("fake", {"path": str(tmp_path / "state")})
    await fake.ensure_network(NetworkSpec(id="n", kind=NetworkKind.NAT, cidr="10.20.0.0/24", gateway="10.20.0.1"))
    assert (tmp_path / "state").exists()


async def test_an_unknown_driver_is_refused_with_those_there_are() -> None:
    with pytest.raises(InvalidInput) as error:
        load_network("bridge")
    assert error.value.code == "network.driver_unknown"
    assert "ovn" in error.value.hint


@pytest.mark.parametrize("options", [{"no_such": "x"}, {"transit": "100.64.0.1/99"}])
async def test_wrong_options_are_refused(options: dict[str, str]) -> None:
    with pytest.raises(InvalidInput) as error:
        load_network("ovn", options)
    assert error.value.code == "network.option_invalid"
