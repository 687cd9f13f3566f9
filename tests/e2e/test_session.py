"""Signing in and out, and sessions that end."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.pages import Console
from tests.e2e.place import Place

pytestmark = pytest.mark.functional


def test_a_wrong_password_is_told_in_the_form(stranger: Page, place: Place) -> None:
    stranger.goto("/vms")
    Console(stranger, place).fill_in("sysadmin", "not the password")
    alert = stranger.get_by_role("alert")
    expect(alert).to_contain_text("Name or password is wrong.")
    expect(alert).to_contain_text("login.refused")
    expect(stranger.get_by_label("Name")).to_have_value("sysadmin")


def test_the_session_is_kept_where_scripts_cannot_read_it(console: Console) -> None:
    console.go("/vms", "Virtual machines")
    kept = next(one for one in console.page.context.cookies() if one["name"] == "__Host-altus-session")
    assert kept["httpOnly"]
    assert kept["secure"]
    assert kept["sameSite"] == "Strict"
    assert "alts_" not in console.page.evaluate("JSON.stringify([document.cookie, {...localStorage}])")


def test_a_session_that_has_ended_leads_to_the_sign_in_and_back(open_as: Callable[..., Console]) -> None:
    console = open_as("auditadmin")
    console.go("/audit", "Audit")
    console.page.context.clear_cookies()
    console.page.reload()
    expect(console.page.get_by_role("heading", name="Sign in to Altus")).to_be_visible()
    console.fill_in("auditadmin", console.place.passwords["auditadmin"])
    expect(console.page.get_by_role("heading", level=1, name="Audit")).to_be_visible()


def test_each_administrator_sees_their_own_work(open_as: Callable[..., Console]) -> None:
    offered = {}
    for name in ("sysadmin", "secadmin", "auditadmin"):
        console = open_as(name)
        console.go("/", "Welcome")
        links = console.page.get_by_role("navigation", name="Main navigation").get_by_role("link")
        offered[name] = set(links.all_inner_texts())
        assert console.complaints == []
    assert {"Virtual machines", "Hosts", "Tasks"} <= offered["sysadmin"]
    assert "Roles" in offered["secadmin"]
    assert "Audit" in offered["auditadmin"]
    assert not offered["secadmin"] & {"Virtual machines", "Audit"}
    assert not offered["auditadmin"] & {"Virtual machines", "Roles"}


def test_the_audit_trail_is_verified(open_as: Callable[..., Console]) -> None:
    console = open_as("auditadmin")
    console.go("/audit", "Audit")
    console.button("Verify the trail").click()
    expect(console.page.get_by_role("status").filter(has_text="The trail is whole")).to_be_visible()
