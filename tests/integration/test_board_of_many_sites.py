"""Twenty-two sites in a real browser: all of them on a wall screen without scrolling, and on a phone without going sideways."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from schemas.reference.trial import trial_sites
from tests.support.board import NOW, ago, answers, minute
from tests.support.browser import PHONE, WALL, accessibility_problems, chromium
from tests.support.served_board import Served

SITES = sorted(trial_sites(22), key=lambda site: site.name)
ASSETS = [asset for site in SITES for asset in site.assets]


def said() -> Mapping[str, Sequence[Mapping[str, Any]]]:
    """A port at work: one crane is at fault, one site has been silent for two minutes, nothing is known of SLA."""
    cranes = [asset for asset in ASSETS if asset.kind == "crane"]
    heard = [asset for asset in ASSETS if asset.site_id != SITES[-1].site_id]
    fault = {"code": "9.9.9", "time": ago(minutes=3), "severity": "critical", "active": True, "stops_work": True}
    return answers(
        sites=[{"site_id": site.site_id, "name": site.name, "utc_offset_s": 25_200} for site in SITES],
        assets=[
            {
                "asset_id": asset.asset_id,
                "site_id": asset.site_id,
                "kind": asset.kind,
                "type": asset.type,
                "name": asset.name,
                "carried_by": asset.carried_by,
            }
            for asset in ASSETS
        ],
        status=[{"asset_id": crane.asset_id, "time": ago(minutes=9), "status": "working"} for crane in cranes],
        fault=[{"asset_id": cranes[0].asset_id, "description": None, **fault}],
        crane_minute=[minute(asset.asset_id, NOW.replace(second=0)) for asset in heard if asset.kind == "crane"],
        radio_minute=[minute(asset.asset_id, NOW.replace(second=0)) for asset in heard if asset.kind == "device"],
        boxes=[{"asset_id": crane.asset_id, "boxes": 40} for crane in cranes],
        observed=[{"asset_id": crane.asset_id, "minutes": 60} for crane in cranes],
        completeness=[{"site": site.site_id, "received": 10, "expected": 10} for site in SITES],
    )


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    served = Served(said())
    try:
        with chromium() as browser:
            shown = browser.new_page(viewport=WALL)
            shown.goto(f"{served.url}/?lang=vi")
            expect(shown.locator("article")).to_have_count(len(SITES), timeout=20_000)
            yield shown
    finally:
        served.end()


@pytest.mark.parametrize("screen", [WALL, PHONE], ids=["wall", "phone"])
@pytest.mark.parametrize("language", ["English", "Tiếng Việt"])
def test_they_fit_the_screen(page: Page, screen: Any, language: str) -> None:
    page.set_viewport_size(screen)
    page.get_by_role("button", name=language).click()
    wide, high = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.scrollHeight]")
    assert wide == screen["width"]
    assert high == screen["height"] or screen is PHONE
    assert cut_off(page, ".six dd, .figure dd") == []


def test_everybody_can_read_them(page: Page) -> None:
    page.set_viewport_size(WALL)
    assert accessibility_problems(page) == []


def cut_off(page: Page, what: str) -> list[str]:
    """Figures wider than their place, or over the next one's."""
    return page.locator(what).evaluate_all(
        """all => all.filter(one => {
            const next = one.parentElement.nextElementSibling?.getBoundingClientRect();
            const range = document.createRange();
            range.selectNodeContents(one);
            const mine = range.getBoundingClientRect();
            const tile = one.closest("article, header").getBoundingClientRect();
            return mine.right > tile.right || (next && next.top < mine.bottom && next.bottom > mine.top && mine.right > next.left + 1);
        }).map(one => one.textContent)"""
    )


def test_every_tile_has_a_square_for_each_crane_or_device_and_opens_its_site(page: Page) -> None:
    page.set_viewport_size(WALL)
    for site in SITES:
        kinds = [asset.kind for asset in site.assets]
        squares = kinds.count("crane") or kinds.count("device")
        expect(page.locator(f"article[aria-labelledby='name-{site.site_id}'] .dots li")).to_have_count(squares)
    expect(page.locator(".dots li.fault")).to_have_count(1)
    page.locator("article a").first.click()
    expect(page.locator("article")).to_have_count(1)
    page.keyboard.press("Escape")
    expect(page.locator("article")).to_have_count(len(SITES))
