"""Security groups: made, ruled and chosen for NICs; and whether a packet would pass them."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from altus.sdk.client import AltusClient
from altus.wire.security_groups import SecurityGroupCreate
from altus.wire.vms import VmCreate
from tests.e2e.axe import require_accessible
from tests.e2e.pages import Console
from tests.e2e.place import Place

pytestmark = pytest.mark.functional


async def _make(altus: AltusClient) -> dict[str, str]:
    """A group that lets port 80 in, a VM that is in it and one that is not; the ids."""
    rule = {"direction": "in", "protocol": "tcp", "first_port": 80, "cidr": "10.0.0.0/8"}
    group = SecurityGroupCreate.model_validate({"name": "guarded", "rules": [rule]})
    await altus.security_groups.create(group).run()
    for name, groups in (("keep", ["guarded"]), ("gate", [])):
        body = {"name": name, "image": "tiny", "nics": [{"network": "lan", "security_groups": groups}]}
        await altus.vms.create(VmCreate.model_validate(body)).run()
    gate = await altus.vms.get("gate")
    return {"guarded": (await altus.security_groups.get("guarded")).id, "gate": gate.id, "nic": gate.nics[0].id}


@pytest.fixture(scope="module")
def ids(place: Place) -> dict[str, str]:
    """By name."""
    made: dict[str, str] = place.do(_make)
    return made


def test_a_group_gets_rules_and_what_the_api_refuses_is_said_before(console: Console) -> None:
    page = console.page
    console.go("/security-groups", "Security groups")
    console.button("New security group").click()
    console.dialog.get_by_label("Name").fill("fresh")
    expect(console.dialog.get_by_text("Make the group on every host")).to_be_visible()
    console.button("Create").click()
    page.get_by_role("link", name="fresh").click()
    rules = page.get_by_role("table", name="What members get")
    usual = ["–Alloweverythingother memberswhere no rule decides", "–Dropeverythinganywherewhere no rule decides"]
    expect(rules.locator("tbody tr")).to_have_text(usual)

    console.button("New rule").first.click()
    console.dialog.get_by_label("Port, or the first").fill("90")
    console.dialog.get_by_label("Last port").fill("80")
    expect(console.dialog.get_by_role("alert")).to_contain_text("The ports 90-80 end before they begin.")
    expect(console.button("Add the rule")).to_be_disabled()
    console.dialog.get_by_label("Last port").fill("99")
    console.button("Add the rule").click()
    rule = rules.get_by_role("row").filter(has_text="TCP 90–99")
    expect(rule).to_contain_text("Allow")

    rule.get_by_role("button", name="Edit").click()
    console.dialog.get_by_text("Reject", exact=True).click()
    console.choose("From", "members of a group")
    console.choose("Security group", "fresh")
    console.button("Save").click()
    expect(rule).to_contain_text("Reject")
    expect(rule.get_by_role("link", name="fresh")).to_be_visible()
    require_accessible(page)
    rule.get_by_role("button", name="Remove").click()
    console.dialog.get_by_role("button", name="Remove").click()
    expect(rule).to_have_count(0)


def test_a_group_shows_its_nics_and_is_not_deleted_while_it_has_some(console: Console, ids: dict[str, str]) -> None:
    console.go(f"/security-groups/{ids['guarded']}", "guarded")
    expect(console.page.get_by_role("listitem").filter(has_text="keep").get_by_role("link", name="lan")).to_be_visible()
    console.button("Delete").click()
    expect(console.dialog.get_by_role("alert")).to_contain_text("security_group.in_use")
    console.dialog.get_by_role("textbox").fill("guarded")
    expect(console.dialog.get_by_role("button", name="Delete")).to_be_disabled()


@pytest.mark.usefixtures("ids")
def test_the_wizard_puts_a_nic_into_groups_and_limits_the_disk(console: Console) -> None:
    page = console.page
    console.go("/vms/new", "New VM")
    page.get_by_label("Name", exact=True).fill("walled")
    console.button("Add a NIC").click()
    expect(page.get_by_text("Choose a network for each NIC to see the plan.")).to_be_visible()
    nic = page.get_by_role("list", name="Networks").get_by_role("listitem")
    nic.get_by_label("Network").click()
    console.option("lan").click()
    nic.get_by_label("Security groups").click()
    console.option("guarded").click()
    page.get_by_text("Limits", exact=True).click()
    limit = page.get_by_label("Requests in all: Each second")
    limit.fill("many")
    expect(page.get_by_text("A limit of the disk cannot be read.")).to_be_visible()
    limit.fill("500")
    console.button("Create the VM").click()
    expect(page.get_by_role("heading", level=1, name="walled")).to_be_visible()
    page.get_by_role("tab", name="Disks").click()
    expect(page.get_by_text("500/s")).to_be_visible()
    page.get_by_role("tab", name="NICs").click()
    expect(page.get_by_role("link", name="guarded")).to_be_visible()


def test_whether_a_packet_passes_is_drawn_and_stands_in_the_address(console: Console, ids: dict[str, str]) -> None:
    page = console.page
    console.go(f"/packet?from={ids['gate']}&nic={ids['nic']}", "Would it arrive?")
    ask = console.button("Ask")
    expect(ask).to_be_disabled()
    page.get_by_label("A VM, or an IPv4 address").fill("keep")
    page.get_by_label("To port").fill("80")
    ask.click()
    expect(page.get_by_text("It passes")).to_be_visible()
    incoming = page.get_by_role("listitem").filter(has=page.get_by_role("heading", name="As it comes in"))
    expect(incoming).to_contain_text("TCP 80 from 10.0.0.0/8")
    expect(incoming.get_by_role("link", name="guarded")).to_be_visible()
    expect(page).to_have_url(re.compile("to=keep.*port="))
    require_accessible(page)

    page.get_by_label("To port").fill("81")
    page.keyboard.press("Enter")
    expect(page.get_by_label("To port")).to_be_focused()
    expect(page.get_by_text("It does not pass")).to_be_visible()
    expect(incoming).to_contain_text("it ends here")
    expect(incoming).to_contain_text("no rule allows what members get")
    page.get_by_label("A VM, or an IPv4 address").fill("10.20.255.250")
    ask.click()
    expect(page.get_by_role("alert")).to_contain_text("No VM on network lan has the address 10.20.255.250.")
