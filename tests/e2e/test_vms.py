"""VMs from the wizard to their end: what is asked for, shown beforehand, done, refused, and told."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from altus.sdk.client import AltusClient
from altus.wire.vms import VmCreate, VmEdit
from tests.e2e.pages import Console
from tests.e2e.place import Place

pytestmark = pytest.mark.functional


def _make(place: Place, *names: str, start: bool = False) -> list[str]:
    async def work(altus: AltusClient) -> list[str]:
        for name in names:
            body = {"name": name, "image": "tiny", "nics": [{"network": "lan"}], "start": start, "tags": ["made"]}
            await altus.vms.create(VmCreate.model_validate(body)).run()
        return [(await altus.vms.get(name)).id for name in names]

    ids: list[str] = place.do(work)
    return ids


def test_the_wizard_shows_the_plan_and_makes_the_vm(console: Console) -> None:
    page = console.page
    console.go("/vms/new", "New VM")
    expect(page.get_by_text("Give it a name to see the plan.")).to_be_visible()
    page.get_by_label("Name", exact=True).fill("wizard1")
    plan = page.get_by_role("complementary", name="What will be done")
    expect(plan.get_by_text("chosen")).to_be_visible()
    expect(plan.get_by_text(re.compile("alpha|beta")).first).to_be_visible()
    expect(plan.get_by_role("listitem").filter(has_text="Choose")).to_be_visible()
    console.button("Create the VM").click()
    expect(page.get_by_role("heading", level=1, name="wizard1")).to_be_visible()
    expect(page.get_by_role("heading", level=1).get_by_text("Running")).to_be_visible()
    assert console.complaints == []


def test_what_the_api_refuses_is_told_beside_the_button(console: Console, place: Place) -> None:
    _make(place, "taken")
    console.go("/vms/new", "New VM")
    console.page.get_by_label("Name", exact=True).fill("taken")
    plan = console.page.get_by_role("complementary", name="What will be done")
    expect(plan.get_by_role("alert")).to_contain_text("exists already")
    expect(plan.get_by_role("alert")).to_contain_text("vm.name_taken")
    expect(console.button("Create the VM")).to_be_disabled()


def test_grey_buttons_say_why(console: Console, place: Place) -> None:
    [vm] = _make(place, "grey")
    console.go(f"/vms/{vm}", "grey")
    stop = console.button("Shut down")
    expect(stop).to_have_attribute("aria-disabled", "true")
    stop.hover()
    expect(console.page.get_by_role("tooltip")).to_have_text("VM grey is stopped.")


def test_a_vm_is_started_and_what_others_do_to_it_is_seen_at_once(console: Console, place: Place) -> None:
    [vm] = _make(place, "lively")
    console.go(f"/vms/{vm}", "lively")
    title = console.page.get_by_role("heading", level=1)
    expect(title).to_contain_text("Stopped")
    console.button("Start").click()
    expect(title).to_contain_text("Running")
    place.do(lambda altus: altus.vms.kill(vm).run())
    expect(title).to_contain_text("Stopped")
    console.page.get_by_role("tab", name="Tasks").click()
    expect(console.page.get_by_text("Start VM")).to_be_visible()


def test_the_list_filters_in_the_address_bar(console: Console, place: Place) -> None:
    _make(place, "find-a", start=True)
    _make(place, "find-b")
    console.go("/vms?q=find+-power%3Astopped", "Virtual machines")
    expect(console.row("find-a")).to_be_visible()
    expect(console.row("find-b")).to_have_count(0)
    console.page.get_by_label("Filter").fill("name:find-*")
    expect(console.row("find-b")).to_be_visible()
    expect(console.page).to_have_url(re.compile(r"q=name"))
    console.page.get_by_label("Filter").fill("colour:red")
    expect(console.page.get_by_text("There is no field “colour” here.")).to_be_visible()


def test_actions_on_several_tell_the_result_for_each(console: Console, place: Place) -> None:
    _make(place, "bulk-a", "bulk-b")
    [guarded] = _make(place, "bulk-c")
    place.do(lambda altus: altus.vms.edit(guarded, VmEdit(protected=True)).run())
    console.go("/vms?q=bulk", "Virtual machines")
    console.page.get_by_label("Choose all").check()
    console.button("Delete (2)").click()
    dialog = console.dialog
    expect(dialog.get_by_role("listitem")).to_have_text(["bulk-a", "bulk-b"])
    dialog.get_by_role("button", name="Delete: 2").click()
    results = console.dialog.filter(has_text="2 of 2 done")
    expect(results.get_by_text("Succeeded")).to_have_count(2)
    results.get_by_role("button", name="Close").last.click()
    expect(console.row("bulk-a")).to_have_count(0)
    expect(console.row("bulk-c")).to_be_visible()


def test_nothing_is_deleted_without_its_name(console: Console, place: Place) -> None:
    [vm] = _make(place, "doomed")
    console.go(f"/vms/{vm}", "doomed")
    console.button("Delete").click()
    delete = console.dialog.get_by_role("button", name="Delete", exact=True)
    expect(delete).to_be_disabled()
    console.dialog.get_by_label("Type doomed to confirm").fill("doomed")
    delete.click()
    expect(console.page.get_by_role("heading", level=1, name="Virtual machines")).to_be_visible()
    expect(console.row("doomed")).to_have_count(0)


def test_the_migrate_dialog_says_why_a_host_will_not_do(console: Console, place: Place) -> None:
    [vm] = _make(place, "rooted", start=True)
    console.go(f"/vms/{vm}", "rooted")
    console.button("Migrate").click()
    other = console.dialog.get_by_role("radio").nth(1)
    expect(other).to_be_disabled()
    expect(console.dialog.get_by_text(re.compile("storage|disk"))).to_be_visible()
    expect(console.dialog.get_by_role("button", name="Migrate", exact=True)).to_be_disabled()


def test_a_failure_stays_in_the_log_of_who_asked(console: Console, place: Place) -> None:
    [vm] = _make(place, "stubborn")
    console.go(f"/vms/{vm}", "stubborn")
    place.do(lambda altus: altus.vms.edit(vm, VmEdit(protected=True)).run())
    place.do(lambda altus: altus.vms.edit(vm, VmEdit(name="renamed")).run())
    expect(console.page.get_by_role("heading", level=1, name="renamed")).to_be_visible()
    console.button("Clone").click()
    console.dialog.get_by_label("Name").fill("renamed")
    console.dialog.get_by_role("button", name="Clone", exact=True).click()
    expect(console.dialog.get_by_role("alert")).to_contain_text("exists already")
    console.page.reload()
    console.page.get_by_role("button", name=re.compile("My tasks")).click()
    expect(console.dialog.get_by_text("vm.name_taken")).to_be_visible()


@pytest.mark.parametrize("key", ["Control+k"])
def test_the_palette_finds_and_does(console: Console, place: Place, key: str) -> None:
    _make(place, "quick-one")
    console.go("/", "Welcome")
    console.page.keyboard.press(key)
    console.page.get_by_placeholder("A name, a place, an action").fill("quick")
    expect(console.page.get_by_role("option", name=re.compile("^quick-one"))).to_be_visible()
    console.page.get_by_role("option", name="Start quick-one").click()
    console.go("/vms?q=quick-one", "Virtual machines")
    expect(console.row("quick-one").get_by_text("Running")).to_be_visible()
