"""The big screen: its panels are chosen, moved and widened, and are so again afterwards; it fills the screen."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.e2e.axe import require_accessible
from tests.e2e.pages import Console

pytestmark = pytest.mark.functional


def test_panels_are_chosen_arranged_and_kept(console: Console) -> None:
    page = console.page
    console.go("/wall", "Big screen")
    panels = page.locator(".wall-panel h2")
    expect(panels.first).to_have_text("VMs running")
    console.button("Arrange").click()
    page.get_by_role("button", name="VMs in trouble: forward").click()
    expect(panels.first).to_have_text("VMs in trouble")
    page.get_by_role("button", name="Failed lately: take away").click()
    page.get_by_role("group", name="Add:").get_by_text("Clock").click()
    expect(panels.last).to_have_text("Clock")
    page.get_by_role("button", name="Clock: wider").click()
    page.get_by_role("region", name="Clock").drag_to(page.get_by_role("region", name="VMs running"))
    expect(panels.nth(1)).to_have_text("Clock")
    require_accessible(page)
    before = panels.all_inner_texts()
    page.reload()
    expect(panels.first).to_be_visible()
    assert panels.all_inner_texts() == before
    expect(page.get_by_role("region", name="Clock")).to_have_class("wall-panel wall-wide")
    console.button("Full screen").click()
    page.wait_for_function("() => document.fullscreenElement?.classList.contains('wall')")
    page.evaluate("document.exitFullscreen()")
    assert console.complaints == []
