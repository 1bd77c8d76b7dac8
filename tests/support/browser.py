"""A real browser: Debian's Chromium, installed on first use, driven by Playwright."""

from collections.abc import Iterator
from contextlib import contextmanager

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from deploy.local.packages import find, need
from deploy.local.part import quiet

WALL = {"width": 1920, "height": 1080}
PHONE = {"width": 390, "height": 844}


@contextmanager
def chromium() -> Iterator[Browser]:
    """Headless, and without its own sandbox: continuous integration runs as root."""
    need({"chromium": "chromium"}, quiet)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find("chromium"), args=["--no-sandbox"])
        yield browser
        browser.close()


def accessibility_problems(page: Page) -> list[str]:
    """What axe finds against WCAG 2.2 A and AA: rule and the first element."""
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
    found = Axe().run(page, options={"runOnly": {"type": "tag", "values": tags}}).response
    return [
        f"{v['id']}: {v['nodes'][0]['html'][:200]} {v['nodes'][0].get('failureSummary')}" for v in found["violations"]
    ]
