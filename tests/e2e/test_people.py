"""What the security administrator does: groups, their roles, policies; and projects, which these are about."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from altus.sdk.client import AltusClient
from tests.e2e.axe import require_accessible
from tests.e2e.pages import Console

pytestmark = pytest.mark.functional


def test_a_group_gets_members_and_a_role_for_one_project(open_as: Callable[..., Console]) -> None:
    system = open_as("sysadmin")
    system.go("/projects", "Projects")
    system.button("New project").click()
    system.dialog.get_by_label("Name").fill("research")
    system.dialog.get_by_role("button", name="Create").click()
    expect(system.row("research")).to_be_visible()
    require_accessible(system.page)

    async def find(altus: AltusClient) -> str:
        return next(one.id for one in (await altus.projects.page()).items if one.name == "research")

    project = system.place.do(find)
    security = open_as("secadmin")
    page = security.page
    security.go("/groups", "Groups")
    security.button("New group").click()
    security.dialog.get_by_label("Name").fill("watch")
    security.dialog.get_by_role("button", name="Create").click()
    page.get_by_label("New member of watch").click()
    page.get_by_title("auditadmin", exact=True).click()
    security.button("Add").click()
    expect(page.get_by_role("listitem").filter(has_text="auditadmin")).to_be_visible()
    security.button("Remove").click()
    expect(page.get_by_text("Nobody is in it.")).to_be_visible()
    require_accessible(page)

    security.go("/roles", "Roles")
    security.button("Give a role").click()
    for label, value in (("User or group", "watch"), ("Role", "operator"), ("Holds for", "project")):
        security.dialog.get_by_label(label).click()
        page.get_by_title(value, exact=True).click()
    security.dialog.get_by_label("ID").fill(project)
    security.dialog.get_by_role("button", name="Give a role").click()
    expect(page.get_by_role("listitem").filter(has_text="watch").filter(has_text=project)).to_be_visible()
    assert security.complaints == []


def test_a_policy_is_changed_and_what_it_cannot_be_is_said(open_as: Callable[..., Console]) -> None:
    security = open_as("secadmin")
    page = security.page
    security.go("/policies", "Policies")
    length = page.get_by_label("Shortest length")
    expect(length).to_have_value("12")
    require_accessible(page)
    save = page.get_by_role("button", name="Save").first
    expect(save).to_be_disabled()
    length.fill("4")
    save.click()
    expect(page.get_by_role("alert")).to_contain_text("It is a whole number from 8 to 128.")
    length.fill("14")
    save.click()
    expect(page.get_by_role("alert")).to_have_count(0)
    page.reload()
    expect(page.get_by_label("Shortest length")).to_have_value("14")
    page.get_by_label("Shortest length").fill("12")
    page.get_by_role("button", name="Save").first.click()
    expect(page.get_by_role("button", name="Save").first).to_be_disabled()
