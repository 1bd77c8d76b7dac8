"""The board on a real stack in a real browser: a simulated port is on it, live, in both languages, for everybody."""

import json
import re
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from connectors.board.plan import PLAN
from schemas.events import DOMAINS
from tests.support.browser import PHONE, WALL, accessibility_problems, chromium
from tests.support.databases import Database
from tests.support.events import event, moment, structured
from tests.support.system import System
from tests.support.worker import COMMAND, free_port, with_settings

pytestmark = pytest.mark.timeout(240)

PATIENCE_MS = 20_000
CRANE = "VNHPH-TANVU-STS02"
SILENT = "VNHPH-TANVU-STS09"  # declared nowhere
SCANS = {"Seq Scan", "Index Scan", "Index Only Scan", "Bitmap Heap Scan"}
_CRANES = "SELECT asset_id FROM port.asset WHERE kind = 'crane' ORDER BY 1"


@contextmanager
def board(system: System) -> Iterator[tuple[str, "subprocess.Popen[bytes]"]]:
    """A running `quaystream board`: its address and process."""
    port = free_port()
    process = subprocess.Popen(
        [*COMMAND, "board", "--port", str(port)], env=with_settings(system.environment, {}), stdout=subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        assert f":{port}/" in process.stdout.readline().decode()
        yield f"http://127.0.0.1:{port}/", process
    finally:
        process.kill()
        process.wait(10)


def top_reads(system: System, port: int) -> None:
    done = system.command("top", "--once", "--json", "--every", "0.2", "--url", f"http://127.0.0.1:{port}/metrics")
    assert done.returncode == 0, done.stderr
    reading = json.loads(done.stdout)
    assert (reading["workers"], reading["fenced"], reading["rejected"]) == (1, 0, {})
    assert {one["domain"]: one["lag_records"] for one in reading["domains"]} == dict.fromkeys(DOMAINS, 0)


def send_crane(system: System, what: str, **data: object) -> None:
    system.send(structured(event(what, data, subject=CRANE, source="/vnhph/tanvu/gw-02")))


def test_the_board_shows_a_simulated_port_live(system: System) -> None:
    worker = system.workers.ready()
    told = event("crane.status", {"status": "working"}, subject=SILENT, time=moment(timedelta(minutes=2)))
    system.send(structured(told))
    done = system.command("simulate", "--duration", "2m", "--rate-hz", "0.5")
    assert done.returncode == 0, done.stderr
    worker.await_no_lag(60)
    top_reads(system, worker.port)
    with board(system) as (address, process), chromium() as browser:
        page = browser.new_page(viewport=WALL)
        complaints: list[str] = []
        page.on("console", lambda said: complaints.append(said.text) if said.type in {"error", "warning"} else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(f"{address}?lang=en")
        shows_every_crane(page, system)
        greys_what_is_silent(page)
        shows_an_event_of_now(page, system)
        speaks_both_languages(page)
        works_by_keyboard(page)
        is_accessible(page)
        assert complaints == []
        process.kill()
        says_that_it_is_late(page)


def shows_every_crane(page: Page, system: System) -> None:
    expect(page.locator(".crane").first).to_be_visible(timeout=PATIENCE_MS)
    shown = page.locator(".crane").evaluate_all("all => all.map(one => one.dataset.asset).sort()")
    assert shown == [crane for (crane,) in system.database.rows(_CRANES)]
    expect(page.locator("#link")).to_have_text("Live")


def greys_what_is_silent(page: Page) -> None:
    tile = page.locator(f"[data-asset='{SILENT}']")
    expect(tile).to_have_class("crane working stale")
    expect(tile).to_contain_text(re.compile(r"\d+ (s|min) ago"))


def shows_an_event_of_now(page: Page, system: System) -> None:
    """From the gateway's clock to the screen; how long it takes when idle is in docs/how-to/board.md."""
    tile = page.locator(f"[data-asset='{CRANE}']")
    send_crane(system, "crane.fault", code="9.9.9", severity="critical", active=True, stops_work=True)
    sent = time.monotonic()
    expect(tile).to_have_class("crane fault ", timeout=PATIENCE_MS)
    print(f"shown {time.monotonic() - sent:.2f} s after the broker had it")
    expect(page.locator(".alarms li").first).to_contain_text("9.9.9")
    send_crane(system, "crane.fault", code="9.9.9", severity="critical", active=False, stops_work=True)
    expect(tile).not_to_contain_text("9.9.9", timeout=PATIENCE_MS)


def speaks_both_languages(page: Page) -> None:
    page.get_by_role("button", name="Tiếng Việt").click()
    expect(page.locator("html")).to_have_attribute("lang", "vi")
    expect(page.locator("h1")).to_have_text("Điều hành cảng")
    expect(page.get_by_role("heading", name="Cảnh báo")).to_be_visible()
    page.reload()
    page.get_by_role("button", name="English").click()
    expect(page.locator("h1")).to_have_text("Port operations")


def works_by_keyboard(page: Page) -> None:
    page.locator("body").click(position={"x": 5, "y": 1075})
    page.locator("article a").first.focus()
    page.keyboard.press("Enter")
    expect(page.locator("article")).to_have_count(1)
    page.keyboard.press("Escape")
    expect(page.locator("article")).to_have_count(3)


def is_accessible(page: Page) -> None:
    assert accessibility_problems(page) == []
    page.set_viewport_size(PHONE)
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide == PHONE["width"], "the phone would have to scroll sideways"
    assert accessibility_problems(page) == []
    page.set_viewport_size(WALL)


def says_that_it_is_late(page: Page) -> None:
    """Nothing comes any more: what is on the screen is greyed, with its age."""
    expect(page.locator("#trouble")).to_contain_text("Connection lost", timeout=PATIENCE_MS)
    expect(page.locator("body.late")).to_have_count(1)
    expect(page.locator("#link")).to_contain_text("ago")


def test_a_quick_look_reads_as_little_of_a_month_as_of_a_day(database: Database) -> None:
    """Two rows a crane, of 345 cranes with 83,000 statuses in a month: what the plan really read, not what it hoped."""
    for statement in (_MANY_ASSETS, _MANY_STATUSES, "ANALYZE port.crane_status", "ANALYZE port.asset"):
        database.rows(statement)
    question = next(one for one in PLAN if one.name == "status")
    for back in (question.back, question.thorough):
        assert back is not None
        text = question.text.replace("$1", f"now() - interval '{back.total_seconds()} s'")
        ((plan,),) = database.rows(f"EXPLAIN (ANALYZE, FORMAT JSON) {text}")
        # The newest, and the one after it, which says that no other is as new.
        assert rows_read(plan[0]["Plan"], "crane_status") <= 2 * database.total("port.asset", "kind = 'crane'")


_MANY_ASSETS = """
INSERT INTO port.asset (asset_id, site_id, kind, declared)
SELECT format('VNHPH-SITE%s-STS%s', s, c), format('VNHPH-SITE%s', s), 'crane', false
FROM generate_series(1, 22) AS s, generate_series(10, 24) AS c
"""
_MANY_STATUSES = """
INSERT INTO port.crane_status (time, crane_id, site, source, event_id, partition, record_offset, status)
SELECT now() - (n * 3 || ' hours')::interval, asset_id, site_id, '/gw', n || asset_id, 0, n, 'working'
FROM port.asset, generate_series(0, 240) AS n WHERE kind = 'crane'
"""


def rows_read(node: Mapping[str, Any], table: str) -> float:
    """Rows that all scans of a table's chunks gave or threw away."""
    seen = 0.0
    if node["Node Type"] in SCANS and table in node.get("Index Name", node["Relation Name"]):
        seen = (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
    return seen + sum(rows_read(child, table) for child in node.get("Plans", ()))
