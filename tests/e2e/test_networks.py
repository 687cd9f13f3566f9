"""A network's page: its router, floating addresses and port forwards, and the lists of all of them."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from altus.sdk.client import AltusClient
from altus.wire.floating_ips import FloatingIpCreate
from altus.wire.forwards import ForwardCreate
from altus.wire.pools import PoolEdit
from altus.wire.resources import NetworkCreate
from altus.wire.vms import VmCreate
from tests.e2e.axe import require_accessible
from tests.e2e.pages import Console
from tests.e2e.place import Place

pytestmark = pytest.mark.functional


async def _make(altus: AltusClient) -> str:
    """A network with a VM, a floating address and a port forward; its id."""
    await altus.pools.edit("default", PoolEdit(outside="192.0.2.10-192.0.2.19"))
    for name, cidr in (("shop", "10.61.0.0/24"), ("store", "10.62.0.0/24")):
        await altus.networks.create(NetworkCreate(name=name, cidr=cidr)).run()
    body = {"name": "served", "image": "tiny", "nics": [{"network": "shop"}], "start": True}
    await altus.vms.create(VmCreate.model_validate(body)).run()
    await altus.floating_ips.create(FloatingIpCreate(network="shop", address="192.0.2.19")).run()
    await altus.forwards.create(ForwardCreate(network="shop", port=9022, vm="served", to_port=22)).run()
    return (await altus.networks.get("shop")).id


@pytest.fixture(scope="module")
def shop(place: Place) -> str:
    """The network's id."""
    made: str = place.do(_make)
    return made


def test_a_network_shows_its_router_its_addresses_and_its_forwards(console: Console, shop: str) -> None:
    console.go(f"/networks/{shop}", "shop")
    page = console.page

    console.button("New floating address").click()
    expect(console.dialog.get_by_text("Give the address to the project")).to_be_visible()
    console.button("Create").click()
    address = page.get_by_role("listitem").filter(has_text="192.0.2.10")
    address.get_by_role("button", name="Attach").click()
    console.choose("NIC of a VM", "served")
    console.dialog.get_by_role("button", name="Attach").click()
    expect(address.get_by_role("link", name="served")).to_be_visible()
    refused = address.get_by_role("button", name="Delete")
    expect(refused).to_have_attribute("aria-description", "It is attached.")

    console.button("New port forward").click()
    console.choose("NIC of a VM", "served")
    console.dialog.get_by_label("Port outside").fill("8022")
    console.dialog.get_by_label("Port of the VM").fill("22")
    console.button("Create").click()
    forward = page.get_by_role("listitem").filter(has_text="host:8022/tcp")
    expect(forward.get_by_text("Ready")).to_be_visible()

    require_accessible(page)
    address.get_by_role("button", name="Detach").click()
    console.dialog.get_by_role("button", name="Detach").click()
    expect(address.get_by_text("Free")).to_be_visible()
    assert console.complaints == []


@pytest.mark.usefixtures("shop")
def test_networks_come_to_a_router_and_leave_it(console: Console) -> None:
    page = console.page
    console.go("/routers", "Routers")
    console.button("New router").click()
    console.dialog.get_by_label("Name").fill("core")
    console.button("Create").click()
    for name in ("shop", "store"):
        console.button("Attach a network").click()
        console.choose("Network", name)
        console.dialog.get_by_role("button", name="Attach a network").click()
        expect(page.get_by_role("listitem").filter(has_text=name)).to_be_visible()
    page.get_by_role("link", name="shop").click()
    expect(page.get_by_role("listitem").filter(has_text="core").get_by_role("link", name="store")).to_be_visible()
    console.button("Take off").click()
    expect(console.dialog.get_by_text("do not reach each other any more")).to_be_visible()
    console.dialog.get_by_role("button", name="Take off").click()
    expect(page.get_by_text("It is on no router")).to_be_visible()
    assert console.complaints == []


@pytest.mark.usefixtures("shop")
def test_lists_of_addresses_and_forwards_are_filtered(console: Console) -> None:
    console.go("/floating-ips?q=net:shop", "Floating addresses")
    expect(console.row("192.0.2.19")).to_be_visible()
    console.go("/forwards?q=vm:served", "Port forwards")
    row = console.row("host:9022/tcp")
    row.get_by_role("button", name="Delete").click()
    name = console.dialog.get_by_text("Type ").first.inner_text().removeprefix("Type ").removesuffix(" to confirm")
    console.dialog.get_by_role("textbox").fill(name)
    console.dialog.get_by_role("button", name="Delete", exact=True).click()
    expect(row).to_have_count(0)
