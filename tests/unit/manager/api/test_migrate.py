"""Options of a migration through the API."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.manager.api.rig import Rig

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize("body", [
    {"bandwidth": 0}, {"bandwidth": -1}, {"bandwidth": 100_001}, {"bandwidth": "8"}, {"bandwidth": 1.5},
    {"downtime": 0}, {"downtime": 30_001}, {"downtime": None}, {"mode": "fast"}, {"mode": None}, {"speed": 1},
], ids=str)  # fmt: skip
async def test_what_makes_no_sense_is_refused(rig: Rig, body: dict[str, Any]) -> None:
    vm = await rig.vm()
    refused = await rig.call("POST", f"/vms/{vm['id']}/migrate", body)
    assert (refused.status, refused.code) == (422, "request.invalid")


async def test_a_vm_that_never_moved_says_so(rig: Rig) -> None:
    assert (await rig.vm())["migration"] is None
