"""What the console's tests share: a place, Debian's Chromium, and somebody who is signed in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.e2e import place as places
from tests.e2e.pages import Console
from tests.e2e.place import Place

CHROMIUM = "/usr/bin/chromium"


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """Debian's browser; root may not use its sandbox."""
    arguments = ["--no-sandbox", "--disable-dev-shm-usage"]
    return {**browser_type_launch_args, "executable_path": CHROMIUM, "args": arguments}


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A manager and two hosts, for all tests."""
    with places.running(tmp_path_factory.mktemp("place")) as made:
        yield made


@pytest.fixture(scope="session")
def contexts(browser: Browser) -> Iterator[dict[str, BrowserContext]]:
    """A browser of their own for each who was signed in; what it has loaded once is there for the next test."""
    made: dict[str, BrowserContext] = {}
    yield made
    for context in made.values():
        context.close()


@pytest.fixture
def open_as(browser: Browser, place: Place, contexts: dict[str, BrowserContext]) -> Iterator[Callable[..., Console]]:
    """Opens the console as one of the administrators; what a test chose in it is forgotten afterwards."""
    pages: list[Page] = []

    def make(name: str = "sysadmin") -> Console:
        known = name in contexts
        if not known:
            contexts[name] = browser.new_context(ignore_https_errors=True, base_url=place.url, locale="en-GB",
                                                 viewport={"width": 1440, "height": 900})  # fmt: skip
        console = Console(contexts[name].new_page(), place)
        pages.append(console.page)
        if not known:
            console.sign_in(name)
        return console

    yield make
    for page in pages:
        page.evaluate("localStorage.clear()")
        page.close()


@pytest.fixture
def console(open_as: Callable[..., Console]) -> Console:
    """The console, as the system administrator."""
    return open_as()


@pytest.fixture
def stranger(browser: Browser, place: Place) -> Iterator[Page]:
    """A browser in which nobody is signed in."""
    context = browser.new_context(ignore_https_errors=True, base_url=place.url, locale="en-GB")
    yield context.new_page()
    context.close()
