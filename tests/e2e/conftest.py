"""What the console's tests share: a place, Debian's Chromium, and somebody who is signed in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
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
def states(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the browser's states of who is signed in are kept."""
    return tmp_path_factory.mktemp("states")


@pytest.fixture
def open_as(browser: Browser, place: Place, states: Path) -> Iterator[Callable[..., Console]]:
    """Opens the console as one of the administrators, in a browser of their own; signs in once for all tests."""
    contexts: list[BrowserContext] = []

    def make(name: str = "sysadmin") -> Console:
        kept = states / f"{name}.json"
        known = kept.exists()
        context = browser.new_context(
            ignore_https_errors=True, base_url=place.url, locale="en-GB", viewport={"width": 1440, "height": 900},
            storage_state=kept if known else None,
        )  # fmt: skip
        contexts.append(context)
        console = Console(context.new_page(), place)
        if not known:
            console.sign_in(name)
            context.storage_state(path=kept)
        return console

    yield make
    for context in contexts:
        context.close()


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
