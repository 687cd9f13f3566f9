"""CPUs of guests through the API: what a pool gives, what a VM has, and what is refused."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from altus.drivers.hypervisor.fake import FAKE_CPUS
from tests.unit.manager.api.rig import Rig, name

pytestmark = pytest.mark.asyncio(loop_scope="session")
GIVEN = {"model": "Better", "features": list(FAKE_CPUS.features), "vendor": "", "address_bits": 0}
PLAIN = {"model": "Good", "features": [], "vendor": "", "address_bits": 0}


@pytest_asyncio.fixture(loop_scope="session")
async def pool(rig: Rig) -> AsyncIterator[str]:
    """The path of the default pool, which is as before in the end."""
    yield "/pools/default"
    await rig.good("PATCH", "/pools/default", {"cpu_model": "auto"})


async def test_pool_shows_what_its_vms_are_given(rig: Rig, pool: str) -> None:
    shown = await rig.good("GET", pool)
    assert shown["cpu_model"] == "auto"
    assert shown["baselines"] == [{"acceleration": "tcg", "cpu": GIVEN, "limited_by": [], "refused": []}]
    fixed = await rig.good("PATCH", pool, {"cpu_model": "Good"})
    assert (fixed["cpu_model"], fixed["baselines"][0]["cpu"]) == ("Good", PLAIN)
    vm = await rig.vm()
    assert (vm["cpu_model"], vm["cpu"]) == ("auto", PLAIN)


async def test_vm_shows_what_it_was_given_and_what_it_asked_for(rig: Rig) -> None:
    vm = await rig.vm()
    assert (vm["cpu_model"], vm["cpu"]) == ("auto", GIVEN)
    await rig.done("PATCH", f"/vms/{vm['id']}", {"cpu_model": "Good"})
    edited = await rig.good("GET", f"/vms/{vm['id']}")
    assert (edited["cpu_model"], edited["cpu"]) == ("Good", GIVEN)
    await rig.done("POST", f"/vms/{vm['id']}/start")
    assert (await rig.good("GET", f"/vms/{vm['id']}"))["cpu"] == PLAIN


async def test_models_that_nobody_has_and_that_are_none_are_refused(rig: Rig, pool: str) -> None:
    refused = [
        await rig.call("PATCH", pool, {"cpu_model": "Nonesuch"}),
        await rig.call("POST", "/pools", {"name": name("pool"), "cpu_model": "Nonesuch"}),
        await rig.call("POST", "/vms", await rig.vm_body(cpu_model="Nonesuch")),
    ]
    assert [(one.status, one.code) for one in refused] == [(422, "cpu.unknown")] * 3
    assert "No host can give the CPU model Nonesuch, but Better, Good." in refused[0].json["detail"]
    for bad in ("", "a b", "<model>", "x" * 65):
        assert (await rig.call("PATCH", pool, {"cpu_model": bad})).status == 422


async def test_placement_and_host_tell_which_cpus_there_are(rig: Rig) -> None:
    (bad,) = (await rig.good("POST", "/placement/explain", {"cpu_model": "Nonesuch"}))["verdicts"]
    assert (bad["suitable"], bad["reasons"]) == (False, ["the host cannot give the CPU model Nonesuch"])
    assert (await rig.good("POST", "/placement/explain", {"cpu_model": "Good"}))["verdicts"][0]["suitable"]
    host = await rig.good("GET", f"/hosts/{rig.host.id}")
    assert (host["facts"]["guest_cpus"]["models"], host["cpu_refusal"]) == (["Better", "Good"], "")
