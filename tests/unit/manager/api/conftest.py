"""One manager for all tests of the API, on one event loop: each makes what it needs under names of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.unit.manager.api.rig import Rig, serving


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def rig(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Rig]:
    """A manager that serves, with one host."""
    async with serving(tmp_path_factory.mktemp("rig")) as made:
        yield made
