"""Sites come in by a file each, on a real broker and database: all of them, one more beside them, and none by a wrong file."""

import json
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from connectors.timescale.migrate import migrate
from tests.support import onboarding
from tests.support.databases import Database
from tests.support.events import Message
from tests.support.system import System
from tests.support.waiting import wait_until

SITES = range(1, 23)


def onboard(system: System, *files: Path, code: int = 0) -> dict[str, list[str]]:
    """Run the command; the signs and names of what it changed, by site."""
    done = onboarding.run(system.environment, "--json", *files)
    assert done.code == code, done.error
    if code:
        return {}
    sites = json.loads(done.output)["sites"]
    return {
        site: [f"{c['sign']} {c['what']} {c['name']}" for c in said if c["sign"] != "="] for site, said in sites.items()
    }


def visits() -> Iterator[Message]:
    """Three at each site: the last one ends in the minute that is not over yet, and does not count."""
    for number in SITES:
        for touches, minutes in ((2, 40), (4, 30), (9, 20)):
            yield from onboarding.visit(number, touches, timedelta(minutes=minutes))


def test_twenty_two_sites_come_in_and_one_more_touches_no_other(
    system: System, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    database = system.database
    before = onboarding.rows(database)
    files = [onboarding.write(tmp_path, number) for number in SITES]

    started = time.monotonic()
    said = onboard(system, *files)
    took = time.monotonic() - started
    with capsys.disabled():
        print(f"\n22 sites onboarded in {took:.1f} s")
    assert len(said) == 22
    for number, (site, changes) in zip(SITES, said.items(), strict=True):
        assert site == f"VNHPH-PORT{number:02}"
        assert changes == [
            f"+ site {site}",
            *(f"+ gateway /vnhph/port{number:02}/{word}" for word in ("gw-01", "gw-02", "tos-01")),
            *(f"+ asset {site}-{name}" for name in ("STS01", "STS01_UE", "GATE01")),
            f"+ terms {site}",
            "+ baseline touch_points",
        ]
    onboarded = onboarding.rows(database)
    assert {site: onboarded[site] for site in before} == before
    assert len(onboarded) == len(before) + 22
    assert all(len(onboarded[site]) == 9 for site in said)

    # Once more: not a row is written again, `applied_at` included.
    assert not any(onboard(system, *files).values())
    assert onboarding.rows(database) == onboarded

    # The next one, beside them.
    onboard(system, onboarding.write(tmp_path, 23))
    after = onboarding.rows(database)
    assert after.pop("VNHPH-PORT23")
    assert after == onboarded

    # What happened there, against what was before: every site by its own baseline.
    system.send(*visits())
    done = system.command("worker", "--until-caught-up")
    assert done.returncode == 0, done.stderr
    assert database.value("SELECT kpi.store_effects()") == 22
    effects = database.rows(
        "SELECT site, kpi_id, baseline, value, n, difference, difference_high < 0 FROM kpi.effect_stored ORDER BY site"
    )
    # Two and four touches: a mean of three, nine fewer than twelve; by two visits the interval is wide (t of one degree).
    assert effects == [(site, "touch_points", 12.0, 3.0, 2.0, -9.0, False) for site in sorted(said)]
    assert database.rows("SELECT asset_id FROM port.asset WHERE NOT declared") == []


def changed(folder: Path, number: int, old: str, new: str) -> Path:
    path = onboarding.write(folder, number)
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))
    return path


def test_a_wrong_file_changes_nothing_at_all_and_a_changed_one_its_own_rows(system: System, tmp_path: Path) -> None:
    database: Database = system.database
    good = onboarding.write(tmp_path, 1)
    onboard(system, good)
    before = onboarding.rows(database)

    # A fault in one of two files; then a source and a site's own assets that are another site's by now.
    fresh = onboarding.write(tmp_path, 2)
    done = onboarding.run(system.environment, fresh, changed(tmp_path, 3, "- gate-events", "- gate-evnts"))
    assert done.code == 2
    assert "port03.yaml has one fault, and nothing was changed:\n  line" in done.error
    assert "gateways[1].topics[0]" in done.error
    thief = tmp_path / "thief.yaml"
    thief.write_text(fresh.read_text().replace("/vnhph/port02/tos-01", "/vnhph/port01/tos-01"))
    done = onboarding.run(system.environment, thief)
    assert done.code == 2
    assert "VNHPH-PORT02: principal vnhph-port01-tos-01 is VNHPH-PORT01's" in done.error
    assert "VNHPH-PORT02: source /vnhph/port01/tos-01 is VNHPH-PORT01's" in done.error
    # Raw rows of one database are kept as long as each other.
    onboard(system, changed(tmp_path, 4, "commercial: 90", "commercial: 30"), code=2)
    assert onboarding.rows(database) == before

    # Changed: its own rows. Left out: nothing, until asked.
    said = onboarding.document(1)
    assets = [asset for asset in said["assets"] if asset["id"] != "GATE01"]
    good = onboarding.write(tmp_path, 1, assets=assets, site=said["site"] | {"name": "Port One"})
    assert onboard(system, good) == {"VNHPH-PORT01": ["~ site VNHPH-PORT01", "- asset VNHPH-PORT01-GATE01"]}
    declared = "SELECT count(*) FROM port.asset WHERE site_id = 'VNHPH-PORT01' AND declared"
    assert database.value(declared) == 3
    assert database.value("SELECT name FROM port.site WHERE site_id = 'VNHPH-PORT01'") == "Port One"
    done = onboarding.run(system.environment, "--prune", good)
    assert done.code == 0, done.error
    assert database.value(declared) == 2

    # A migration, as of every release, leaves it alone; and what it declares itself as well.
    kept = onboarding.rows(database)
    migrate(database.owner_dsn)
    assert onboarding.rows(database) == kept


def test_each_gateway_is_tried_out_and_no_number_counts_it(system: System, tmp_path: Path) -> None:
    file = onboarding.write(tmp_path, 1)
    assert onboarding.run(system.environment, "--check", file).error.startswith("not everything is as the files say")
    onboard(system, file)
    counted = ("port.crane_status", "port.gate_step", "port.cell_heartbeat", "port.cargo_milestone", "kpi.stream_hour")
    before = onboarding.rows(system.database)
    unread = onboarding.run(system.environment, "--check", "--wait", "1s", file)
    assert (unread.code, unread.error) == (1, "5 of 5 test messages did not arrive as they should")
    assert unread.output.count("is a worker running?") == 5

    worker = system.workers.start().await_ready(120)
    tried = onboarding.run(system.environment, "--check", file)
    assert tried.code == 0, tried.output
    assert "All 5 test messages were let in, judged and stored" in tried.output
    assert onboarding.rows(system.database) == before
    assert [system.database.total(table) for table in (*counted, "ingest.sequence_stream", "port.gate_visit")] == [
        0
    ] * 7
    assert system.database.rows("SELECT DISTINCT reason FROM ingest.dead_letter") == [("clock_skew",)]
    assert system.database.total("ingest.dead_letter") == 10

    # What the worker knows of the site: series of its own, although no release names it.
    site = "VNHPH-PORT01"
    wait_until(lambda: bool(worker.samples("quaystream_sla_minutes_total", site=site)), 60, "the worker knows the site")
    assert worker.samples("quaystream_clock_skew_seconds", source="/vnhph/port01/gw-02")
