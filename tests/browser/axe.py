"""Pages under the eyes of axe-core: what keeps somebody from reading or using them, and where."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tests.browser.test_pages import WIDTH_OF_A_PHONE, has_no_sideways_scrolling

if TYPE_CHECKING:
    from playwright.sync_api import Page

SCRIPT = Path("node_modules", "axe-core", "axe.min.js")
TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
# What a scheme changes; all else is the same in the dark.
COLOURS = ("color-contrast", "link-in-text-block")
WIDTHS = (WIDTH_OF_A_PHONE, {"width": 1280, "height": 900})
# Mails that an appointment's page shows in frames are not ours, and let no script in.
_FIND = """async (rules) => {
    const { violations } = await axe.run(document, {
        runOnly: rules, resultTypes: ["violations"], iframes: false,
    });
    return violations.flatMap((one) => one.nodes.map(
        (node) => `${one.id} at ${node.target.join(" ")}: ${node.html} (${
            [...node.any, ...node.all, ...node.none].map((check) => check.message).join("; ")
        })`
    ));
}"""
# The page has seen the scheme and the width by its next frame; what changes by degrees goes on.
_SETTLE = """async () => {
    await new Promise(requestAnimationFrame);
    await Promise.allSettled(document.getAnimations().map((one) => one.finished));
}"""


@dataclass
class Examiner:
    """Looks at pages in light and dark, on a phone and a desk, and keeps what is wrong there."""

    page: Page
    script: str
    found: list[str] = field(default_factory=list)

    def visit(self, *paths: str) -> None:
        """Open pages, which have to be those that were asked for, and examine each."""
        for path in paths:
            answer = self.page.goto(path)
            assert answer is not None
            assert (answer.status, urlsplit(answer.url).path) == (200, urlsplit(path).path)
            self.examine(path)

    def press(self, button: str, *, name: str) -> None:
        """Press a button that leads to a page, and examine that one under a name."""
        # Without the event, what is examined could be the page before.
        with self.page.expect_navigation():
            self.page.get_by_role("button", name=button, exact=True).click()
        self.examine(name)

    def examine(self, name: str) -> None:
        """Examine the page that is open, as it stands."""
        # Our policy lets no foreign script in; what is evaluated is not bound by it.
        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(self.script)
        # Where things are is the same in the dark.
        for scheme, rules, widths in (("light", TAGS, WIDTHS), ("dark", COLOURS, WIDTHS[:1])):
            # Colours that change by degrees would be waited for.
            self.page.emulate_media(
                color_scheme=scheme,  # type: ignore[arg-type]  # one of two words
                reduced_motion="reduce",
            )
            for width in widths:
                self.page.set_viewport_size(width)  # type: ignore[arg-type]  # a plain dict of numbers
                self.page.evaluate(_SETTLE)
                found = self.page.evaluate(_FIND, list(rules))
                if not has_no_sideways_scrolling(self.page):
                    found.append("scrolls sideways")
                self.found += [f"{name}, {scheme}, {width['width']}: {one}" for one in found]
