"""What one does in the console, in its own words."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect

from tests.e2e.place import Place, new_password

PATIENCE = 20_000
"""Milliseconds: two cores do much else at the same time."""
expect.set_options(timeout=PATIENCE)


class Console:
    """A browser in which somebody is signed in. What the page complains about is kept in `complaints`."""

    def __init__(self, page: Page, place: Place) -> None:
        self.page = page
        self.place = place
        self.complaints: list[str] = []
        page.set_default_timeout(PATIENCE)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda told: self.complaints.append(told.text) if told.type == "error" else None)

    def sign_in(self, name: str) -> None:
        """With the present password; the first one is changed, as the console demands."""
        self.page.goto("/")
        self.fill_in(name, self.place.passwords[name])
        first = self.page.get_by_role("heading", name="Choose your own password")
        ready = self.page.get_by_role("navigation", name="Main navigation")
        expect(first.or_(ready)).to_be_visible()
        if first.is_visible():
            self.choose_password(name)
        expect(ready).to_be_visible()
        self.complaints.clear()  # being asked who one is, is an error to the browser

    def fill_in(self, name: str, password: str) -> None:
        """The form of the first page."""
        self.page.get_by_label("Name").fill(name)
        self.page.get_by_label("Password", exact=True).fill(password)
        self.page.get_by_role("button", name="Sign in").click()

    def choose_password(self, name: str) -> None:
        """The first one is for once."""
        new = new_password()
        self.page.get_by_label("Present password").fill(self.place.passwords[name])
        self.page.get_by_label("New password", exact=True).fill(new)
        self.page.get_by_label("New password again").fill(new)
        self.page.get_by_role("button", name="Change the password").click()
        self.place.passwords[name] = new

    def go(self, path: str, heading: str) -> None:
        """Open a page by its address, and wait for it."""
        self.page.goto(path)
        expect(self.page.get_by_role("heading", level=1, name=heading)).to_be_visible()

    def row(self, name: str) -> Locator:
        """The row of a list that is about this."""
        return self.page.get_by_role("row").filter(has=self.page.get_by_text(name, exact=True))

    def button(self, name: str) -> Locator:
        """A button by its whole text."""
        return self.page.get_by_role("button", name=name, exact=True)

    def choose(self, label: str, text: str) -> None:
        """An answer of those that the dialog's field offers."""
        self.dialog.get_by_label(label).click()
        self.option(text).click()

    def option(self, text: str) -> Locator:
        """One of the answers that are offered now."""
        return self.page.locator(".ant-select-item-option:visible").filter(has_text=text)

    @property
    def dialog(self) -> Locator:
        """The dialog that is open."""
        return self.page.get_by_role("dialog")
