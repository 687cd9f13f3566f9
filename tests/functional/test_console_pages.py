"""The web console's two consoles on real guests: pixels come, keys arrive, and a lost connection is taken up again."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Page, async_playwright, expect

from testbed.administrator import Administrator
from testbed.patience import GUEST
from tests.e2e.conftest import CHROMIUM

pytestmark = pytest.mark.functional
_PATIENCE = GUEST * 1000
_COLOURFUL = """() => {
    const canvas = document.querySelector('.console-screen canvas')
    if (!canvas || !canvas.width) return false
    const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height)
    return new Set(new Uint32Array(data.buffer)).size > 1
}"""


@pytest.fixture
async def window(admin: Administrator) -> AsyncIterator[Page]:
    """A browser whose requests carry the system administrator's token."""
    token = json.loads((admin.system.folder / "credentials.json").read_text())["token"]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        context = await browser.new_context(
            ignore_https_errors=True, base_url=f"https://127.0.0.1:{admin.system.port('altus-manager')}",
            locale="en-GB", extra_http_headers={"Authorization": f"Bearer {token}"},
        )  # fmt: skip
        made = await context.new_page()
        made.set_default_timeout(_PATIENCE)
        yield made
        await browser.close()


async def _type(page: Page, text: str) -> None:
    """By the button, as one does with what cannot be pasted."""
    await page.get_by_role("button", name="Type a text").click()
    await page.get_by_role("textbox", name="Type a text").fill(text)
    await page.get_by_role("button", name="Type it").click()


async def test_the_screen_shows_the_guest_and_keys_reach_it(admin: Administrator, window: Page) -> None:
    vm = await admin.guest()
    await window.goto(f"/console/{vm.id}")
    await window.wait_for_function(_COLOURFUL)
    serial = await window.context.new_page()
    serial.set_default_timeout(_PATIENCE)
    await serial.goto(f"/console/{vm.id}")
    await serial.get_by_text("Serial", exact=True).click()
    await expect(serial.locator(".console-serial")).to_have_attribute("data-state", "open", timeout=_PATIENCE)
    await _type(window, "\nroot\n")
    await expect(serial.locator(".xterm-rows")).to_contain_text("on 'tty1'", timeout=_PATIENCE)
    await _type(window, "echo from-the-$((40+2))-screen >/dev/ttyS0\n")
    await expect(serial.locator(".xterm-rows")).to_contain_text("from-the-42-screen", timeout=_PATIENCE)


async def test_the_serial_console_echoes_and_comes_back(admin: Administrator, window: Page) -> None:
    vm = await admin.guest()
    await window.goto(f"/console/{vm.id}")
    await window.get_by_text("Serial", exact=True).click()
    line, rows = window.locator(".console-serial"), window.locator(".xterm-rows")
    await expect(line).to_have_attribute("data-state", "open", timeout=_PATIENCE)
    await window.keyboard.press("Enter")
    await expect(rows).to_contain_text("login:", timeout=_PATIENCE)
    admin.system.restart("altus-manager")
    await expect(line).to_have_attribute("data-state", "open", timeout=_PATIENCE)
    await window.keyboard.type("root\n")
    await expect(rows).to_contain_text("# ", timeout=_PATIENCE)
    await window.keyboard.type("echo answer: $((6*7))\n")
    await expect(rows).to_contain_text("answer: 42", timeout=_PATIENCE)
    await window.keyboard.type("exit\n")
    await expect(rows).to_contain_text("login:", timeout=_PATIENCE)
