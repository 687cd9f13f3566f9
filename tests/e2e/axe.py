"""What axe says of a page, in every skin."""

from __future__ import annotations

import itertools
from typing import Any

from playwright.sync_api import Page

from devkit.checks import ROOT

AXE = ROOT / "web/node_modules/axe-core/axe.min.js"
RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa")
SKINS = ("altus", "graphite", "jade")

_WEAR = """([skin, brightness]) => {
    localStorage.setItem('altus.look', JSON.stringify({skin, brightness}))
    dispatchEvent(new StorageEvent('storage', {key: 'altus.look'}))
}"""
_STILL = (
    "() => document.getAnimations().every(one => one.playState !== 'running' || one.effect.getTiming().iterations > 9)"
)


def require_accessible(page: Page) -> None:
    """The page as it is now, in every skin; at last it wears the first one again."""
    assert not (found := violations(page)), found
    looks = list(itertools.product(SKINS, ("light", "dark")))
    for skin, brightness in looks[1:]:  # the first is what one begins with
        _wear(page, skin, brightness)
        found = violations(page, "color-contrast")  # a skin changes nothing else
        assert not found, (skin, brightness, found)
    _wear(page, *looks[0])


def violations(page: Page, *rules: str) -> list[Any]:
    """What axe finds, with the elements concerned. It is run by the browser's own tools, past the page's policy."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text())
    found = page.evaluate("rules => axe.run(document, {runOnly: rules})", list(rules or RULES))
    assert found["passes"], "axe looked at something"
    return [(one["id"], [node["html"][:200] for node in one["nodes"]][:3]) for one in found["violations"]]


def _wear(page: Page, skin: str, brightness: str) -> None:
    """As when another window chose it."""
    page.evaluate(_WEAR, [skin, brightness])
    page.wait_for_function(_STILL)
