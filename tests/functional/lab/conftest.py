"""A lab for the tests of this folder, inside the test machine."""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator, Generator, Iterator

import pytest

from altus.sdk.client import AltusClient
from devkit.errors import DevkitError
from devkit.lab import Lab
from devkit.machine import ENVIRONMENT
from tests.functional.lab.mover import Mover
from tests.functional.lab.pool import HOSTS, PoolOfLab

_LAST_WORDS = "grep -hv '^-' /var/log/libvirt/qemu/altus-*.log | tail -n 12"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With the report of a test that failed, what its guests' QEMUs said at last: the lab is gone afterwards."""
    report = yield
    lab = getattr(item, "funcargs", {}).get("lab")
    if lab is not None and report.when == "call" and report.failed:
        for host in HOSTS:
            with contextlib.suppress(DevkitError):  # it has no power
                report.sections.append((f"QEMU on {host}", lab.run(host, "sh", "-c", _LAST_WORDS, check=False).stdout))
    return report


@pytest.fixture(scope="session")
def any_lab() -> Iterator[Lab]:
    """The lab of the test machine, up or not; it ends with the tests."""
    assert os.environ.get(ENVIRONMENT), "run this inside the test machine: python -m devkit.testmachine"
    with Lab() as lab:
        yield lab


@pytest.fixture
def lab(any_lab: Lab) -> Lab:
    """Two hosts and a manager, up again if the tests before had another lab. Tests put right what they break."""
    if any_lab.supervisor() is None:
        any_lab.up(len(HOSTS), furnish=True)
    return any_lab


@pytest.fixture
async def altus(lab: Lab) -> AsyncIterator[AltusClient]:
    """The SDK as the system administrator, from outside the lab."""
    async with lab.client() as altus:
        yield altus


@pytest.fixture
async def pool(lab: Lab, altus: AltusClient) -> AsyncIterator[PoolOfLab]:
    """The pool with nothing in it but the image, and hosts that are up; it must be so and consistent again."""
    pool = PoolOfLab(lab, altus)
    yield pool
    await pool.put_right()


@pytest.fixture
async def mover(pool: PoolOfLab) -> Mover:
    """A running VM on host1."""
    return Mover(pool, await pool.vm_on("host1", await pool.network("10.63.0.0/24")))
