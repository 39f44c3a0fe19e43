"""Looking at pages: checks of their width, and the board's cards and columns, shared by the browser tests."""

from __future__ import annotations

from playwright.sync_api import Locator, Page


def fits(page: Page, name: str = "") -> None:
    """The page is no wider than its screen.

    A click returns before what it leads to is there: a test that clicked a link waits for its address first
    (`page.wait_for_url`), or the page left behind is the one that is measured.
    """
    page.wait_for_load_state("load")
    width, screen = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert width <= screen, f"{name or page.url} is {width} px wide on a screen of {screen} px"


def is_whole(page: Page, selector: str) -> None:
    """Nothing of it must be scrolled into sight from the side."""
    width, shown = page.locator(selector).evaluate("one => [one.scrollWidth, one.clientWidth]")
    assert width <= shown, f"{selector} of {page.url} is {width} px wide and shows {shown} px"


def card(page: Page, customer: int) -> Locator:
    """A customer's card on the board."""
    return page.locator(f"#card-{customer}")


def column(page: Page, stage: str) -> Locator:
    """A stage's column on the board."""
    return page.locator("section.column", has=page.get_by_role("heading", name=stage, exact=True))


def drag(page: Page, customer: int, stage: str) -> None:
    """A card, with the mouse and faster than it follows (every 50 ms), into another column."""
    start, end = card(page, customer).bounding_box(), column(page, stage).locator(".cards").bounding_box()
    assert start is not None
    assert end is not None
    page.mouse.move(start["x"] + 60, start["y"] + start["height"] - 8)
    page.mouse.down()
    for part in range(1, 13):
        x = start["x"] + 60 + (end["x"] + 90 - start["x"] - 60) * part / 12
        page.mouse.move(x, start["y"] + (end["y"] + 60 - start["y"]) * part / 12)
    page.mouse.up()
