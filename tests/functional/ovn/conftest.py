"""A driver on the OVN of the test machine, and a lab that leaves nothing behind."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator

import pytest

from altus.drivers.network.ovn.driver import OvnNetworks
from devkit.services.plain import Plain
from devkit.testmachine import ENVIRONMENT
from tests.functional.ovn.lab import Lab


@pytest.fixture
def services() -> Plain:
    """The test machine's services, all of OVN running."""
    assert os.environ.get(ENVIRONMENT), "run this inside the test machine: python -m devkit.testmachine"
    plain = Plain()
    plain.start(["ovn"])
    return plain


@pytest.fixture
async def lab(services: Plain) -> AsyncIterator[Lab]:
    """Networks and guests; afterwards OVN must be as empty as before."""
    driver = OvnNetworks()
    driver.start()
    made = Lab(driver)
    try:
        yield made
    finally:
        services.start(["ovn"])
        await made.clear()
        left = await driver.truth()
        await driver.close()
    assert not left.networks
    assert not left.ports
    assert not left.security_groups
    assert not left.translations
    assert not left.routers
