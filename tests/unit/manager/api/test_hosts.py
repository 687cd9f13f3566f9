"""Maintenance, removal and loss of hosts through the API."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from altus.common.pki import serial
from tests.unit.agent.waiting import until
from tests.unit.manager.api.rig import Rig, name

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(loop_scope="session")
async def host(rig: Rig) -> AsyncIterator[str]:
    """The path of the rig's host, on which nothing runs, and which is up in the end."""
    for vm in (await rig.good("GET", "/vms", params={"filter": "state:running,paused"}))["items"]:
        await rig.done("POST", f"/vms/{vm['id']}/kill")
    path = f"/hosts/{rig.host.id}"
    yield path
    if (await rig.good("GET", path))["maintenance"]:
        await rig.done("POST", f"{path}/activate")


async def test_host_with_running_vms_is_not_maintained(rig: Rig, host: str) -> None:
    vm = await rig.vm(start=True)
    refused = await rig.call("POST", f"{host}/maintain")
    assert (refused.status, refused.code) == (409, "host.in_use")
    assert vm["name"] in refused.json["detail"]
    assert not (await rig.good("GET", host))["maintenance"]


async def test_host_in_maintenance_is_given_nothing_to_run(rig: Rig, host: str) -> None:
    vm = await rig.vm(name=name("a"))  # a plan names the first ones
    plan = await rig.good("POST", f"{host}/maintain?plan=true")
    assert vm["name"] in plan["details"]["VMs that stay"]
    await rig.done("POST", f"{host}/maintain")
    seen = await rig.good("GET", host)
    assert (seen["state"], seen["maintenance"]) == ("maintenance", True)
    assert seen["allowed_actions"]["activate"] == {"allowed": True, "reason": ""}
    assert seen["allowed_actions"]["maintain"] == {"allowed": False, "reason": "Host host1 is in maintenance."}
    assert (await rig.call("POST", f"/vms/{vm['id']}/start")).code == "host.maintenance"
    refused = await rig.call("POST", "/vms", await rig.vm_body())
    assert (refused.code, "the host is in maintenance" in refused.json["detail"]) == ("placement.no_host", True)
    assert (await rig.call("POST", f"{host}/maintain")).code == "host.state"
    await rig.done("POST", f"{host}/activate")
    await rig.done("POST", f"/vms/{vm['id']}/start")


async def test_renewed_host_shows_another_certificate_and_forgets_its_old_key(rig: Rig, host: str) -> None:
    vm = await rig.vm(start=True)
    identity = rig.host.identity
    old = serial(identity.certificate.read_text())
    await rig.done("POST", f"{host}/renew")
    assert serial(identity.certificate.read_text()) != old
    left = {"agent.pem", "ca.pem", "revoked-hosts"}
    await until(lambda: {path.name for path in identity.folder.iterdir()} == left)
    assert old in rig.host.core.drivers.credentials.revoked()
    await rig.until(host, state="up")
    assert (await rig.good("GET", f"/vms/{vm['id']}"))["state"] == "running"
    await rig.done("POST", f"/vms/{vm['id']}/kill")


async def test_host_that_is_not_empty_stays(rig: Rig, host: str) -> None:
    vm = await rig.vm()
    refused = await rig.call("DELETE", host)
    assert (refused.code, "altus host forget" in refused.json["hint"]) == ("host.state", True)
    await rig.done("POST", f"{host}/maintain")
    refused = await rig.call("DELETE", host)
    assert (refused.code, "VMs" in refused.json["detail"]) == ("host.not_empty", True)
    assert (await rig.call("POST", f"{host}/forget")).code == "host.state"
    assert (await rig.good("GET", f"/vms/{vm['id']}"))["host_id"] == rig.host.id


@pytest.mark.parametrize(("method", "verb"), [("DELETE", ""), ("POST", "/forget")])
async def test_host_that_never_came_can_go(rig: Rig, method: str, verb: str) -> None:
    called = name("host")
    await rig.good("POST", "/hosts/enrol", {"name": called})
    await rig.done(method, f"/hosts/{called}{verb}")
    assert (await rig.call("GET", f"/hosts/{called}")).code == "host.not_found"
    await rig.require_healthy()
