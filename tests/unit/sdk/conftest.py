"""The SDK against a fake manager over real HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from altus.sdk.client import AltusClient
from tests.unit.sdk.fake_manager import FakeManager, serving
from tests.unit.sdk.fake_problems import TOKEN


@pytest.fixture
def manager() -> Iterator[FakeManager]:
    """A fake that serves."""
    with serving(FakeManager()) as fake:
        yield fake


@pytest.fixture
async def altus(manager: FakeManager) -> AsyncIterator[AltusClient]:
    """A client of it."""
    async with AltusClient(manager.url, TOKEN, patience=5) as client:
        yield client
