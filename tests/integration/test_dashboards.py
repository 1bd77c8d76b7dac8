"""Every query of every dashboard, asked of a real Prometheus and TimescaleDB after a simulated port: each answers something,
and none reads raw events.
"""

import json
import math
import os
import secrets
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any

import psycopg
import pytest

from deploy.local.home import Home
from deploy.local.stack import Stack
from deploy.monitoring.dashboards import expand
from deploy.monitoring.dashboards.expand import Chosen
from deploy.monitoring.dashboards.measure import Answer, Reader, ask_prometheus, choose, now
from deploy.monitoring.dashboards.saved import Question, boards, every_question, panels, questions
from deploy.monitoring.dashboards.sketch import draw
from schemas.tables import RAW_TABLES
from tests.support.broker import Broker
from tests.support.databases import Database, Databases
from tests.support.waiting import wait_until
from tests.support.worker import COMMAND, Worker, Workers

Connection = psycopg.Connection[tuple[Any, ...]]
pytestmark = pytest.mark.timeout(900)

SITE = "VNHPH-TANVU"
MINUTES = 15
RAW = {table.name for table in RAW_TABLES}
# A row each time something changes: there is nothing smaller to read. Read by crane and time.
CHANGES = {"port.crane_status", "port.crane_fault", "port.crane_assignment"}
# What `ingest` has of sites, one row each. All else there is the ledger.
CLOCKS = {"ingest.site_clock"}
# What a quarter of an hour of a port has only by chance.
RARE = (
    """UPDATE port.sla_minute SET state = 'out', good = 0, bad = samples
        WHERE (device_id, profile, bucket) = (SELECT device_id, profile, bucket FROM port.sla_minute WHERE state = 'in' LIMIT 1)""",
    f"""UPDATE port.gate_visit SET exceptions = 1, exception_reasons = '{{"seal": 1}}'
        WHERE (site, visit_id) = (SELECT site, visit_id FROM port.gate_visit WHERE left_at IS NOT NULL AND site = '{SITE}' LIMIT 1)""",
    f"""UPDATE port.cargo_visit SET gated_out_at = last_at, dwell_s = 60
        WHERE (site, cargo_visit_id) = (SELECT site, cargo_visit_id FROM port.cargo_visit WHERE site = '{SITE}' LIMIT 1)""",
    f"""INSERT INTO port.crane_fault (time, crane_id, site, source, event_id, partition, record_offset, code, severity, active)
        SELECT max(time), '{SITE}-STS01', '{SITE}', '/by-hand', 'by-hand', 0, -1, 'E1', 'error', true FROM port.crane_status""",
    f"""INSERT INTO kpi.restatement (kind, site, key, old, old_recorded_at, revision, reason)
        VALUES ('gate_visit', '{SITE}', 'by-hand', '{{}}', now() - INTERVAL '1 min', 99, 'late')""",
)


@dataclass
class Port:
    """What a simulated port has left behind."""

    database: Database
    reader: Reader
    prometheus: str
    since: datetime
    until: datetime

    @cached_property
    def asked(self) -> list[tuple[Question, Chosen]]:
        """Every question, with what is chosen on its board."""
        choices = {board["uid"]: self.chosen(board) for board in boards().values()}
        return [(question, choices[question.board]) for question in every_question()]

    @cached_property
    def answers(self) -> dict[str, Answer]:
        """What the database answers to every question."""
        return {each.name: self.answer(each, chosen) for each, chosen in self.asked if each.language == "sql"}

    def chosen(self, board: Any) -> Chosen:
        return choose(board, self.reader, self.since, self.until, {"site": SITE})

    def answer(self, question: Question, chosen: Chosen) -> Answer:
        return self.reader.ask(expand.sql(question.text, chosen))


@pytest.fixture(scope="module")
def port(
    stack: Stack, broker: Broker, databases: Databases, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Port]:
    """A quarter of an hour of a port with every fault, scraped by a Prometheus while a worker stores them."""
    folder = tmp_path_factory.mktemp("dashboards")
    broker.reset()
    started = stack.up(["prometheus"])
    with databases.migrated() as database:
        environment = settings(broker, database, str(folder / "home"))
        workers = Workers(environment, folder)
        try:
            worker = workers.ready()
            announced = Home(stack.home).workers() / f"{os.getpid()}.json"
            announced.write_text(json.dumps([{"targets": [f"127.0.0.1:{worker.port}"]}]))
            since = now() - timedelta(minutes=MINUTES + 1)
            fill(worker, database, environment, since)
            yield Port(database, Reader(database.reader_dsn), str(stack.status().prometheus), since, now())
            announced.unlink()
        finally:
            workers.end()
            for part in started:
                stack.stop(part)


def settings(broker: Broker, database: Database, home: str) -> dict[str, str]:
    ours = {name: value for name, value in os.environ.items() if not name.startswith("QUAYSTREAM_")}
    return {
        **ours,
        "QUAYSTREAM_BROKERS": broker.brokers,
        "QUAYSTREAM_DATABASE_URL": database.worker_dsn,
        "QUAYSTREAM_OWNER_URL": database.owner_dsn,
        "QUAYSTREAM_READER_URL": database.reader_dsn,
        "QUAYSTREAM_GROUP": f"test-{secrets.token_hex(4)}",
        "QUAYSTREAM_HOME": home,
    }


def fill(worker: Worker, database: Database, environment: dict[str, str], since: datetime) -> None:
    run(environment, "simulate", "--seed", "7", "--duration", f"{MINUTES}m", "--faults", "all")
    worker.await_no_lag(within_s=300)
    marks = "SELECT count(*) FROM ingest.refold"
    wait_until(lambda: database.value(marks) == 0, 60, "every fact is folded")
    wait_until(lambda: database.total("port.sla_minute", "state = 'in'") > 0, 90, "minutes are judged")
    half = since + timedelta(minutes=MINUTES // 2)
    run(environment, "kpi", "baseline", "set", "--site", SITE, "--from", since.isoformat(), "--to", half.isoformat())
    day = since.replace(hour=0, minute=0, second=0, microsecond=0)
    run(environment, "kpi", "attribution", "--from", day.isoformat(), "--to", (day + timedelta(days=2)).isoformat())
    # The worker's own turn comes within a minute.
    database.rows("SELECT kpi.store_effects()")
    for statement in RARE:
        database.rows(statement)


def run(environment: dict[str, str], *arguments: str) -> None:
    done = subprocess.run(
        [*COMMAND, *arguments], env=environment, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def has_values(answer: Answer) -> bool:
    return any(value is not None for row in answer.rows for value in row)


def test_every_panel_and_every_choice_has_data(port: Port) -> None:
    empty = [name for name, answer in port.answers.items() if not has_values(answer)]
    asked = [(question, chosen) for question, chosen in port.asked if question.language == "promql"]
    silent = [question.name for question, chosen in asked if not await_series(port, question, chosen)]
    assert empty + silent == []


def await_series(port: Port, question: Question, chosen: Chosen) -> bool:
    """Whether Prometheus knows a number: what a rule records of it comes a scrape or two later."""

    def numbers() -> bool:
        at_once = Chosen(chosen.since, now(), chosen.values)
        found = ask_prometheus(
            port.prometheus, expand.promql(question.text, at_once), at_once, instant=question.instant
        )
        pairs = [pair for series in found for pair in series.get("values", [series.get("value")])]
        return any(not math.isnan(float(number)) for _, number in pairs)

    try:
        wait_until(numbers, 20, question.name)
    except AssertionError:
        return False
    return True


def test_a_series_is_told_by_time_metric_and_value(port: Port) -> None:
    """What Grafana makes lines of: a metric that is null would be a line without a name, a value that is a word a label."""
    drawn = {"timeseries", "state-timeline", "status-history"}
    names = {
        f"{b['uid']}: {panel['title']} [A]"
        for b in boards().values()
        for panel in b["panels"]
        if panel["type"] in drawn
    }
    for name, answer in port.answers.items():
        if name in names:
            assert list(answer.columns) == ["time", "metric", "value"], name
            assert all(row[1] for row in answer.rows), name
            assert all(row[2] is None or isinstance(row[2], float | int | Decimal) for row in answer.rows), name
            assert [row[0] for row in answer.rows] == sorted(row[0] for row in answer.rows), name


def test_no_panel_reads_raw_events_or_the_ledger(port: Port) -> None:
    """Counted by PostgreSQL for the transaction, so that what functions and views read is in it too."""
    wrong = {}
    for name, answer in port.answers.items():
        ledger = {table for table in answer.read if table.startswith("ingest.")} - CLOCKS
        if found := (set(answer.read) & RAW - CHANGES) | ledger:
            wrong[name] = found
    assert wrong == {}


def test_plans_reach_rollups_and_facts_and_drop_the_half_that_is_not_asked_for(port: Port) -> None:
    """By EXPLAIN: the minutes on a short range, the hours on a long one, never raw chunks."""
    chunks = dict(
        port.database.rows(
            "SELECT chunk_name, hypertable_schema || '.' || hypertable_name FROM timescaledb_information.chunks"
        )
    )
    with psycopg.connect(port.database.reader_dsn) as connection:
        for question, chosen in port.asked:
            if question.language == "sql":
                month = Chosen(port.until - timedelta(days=30), port.until, chosen.values)
                short_plan, long_plan = (
                    scanned(connection, expand.sql(question.text, each), chunks) for each in (chosen, month)
                )
                assert not (short_plan | long_plan) & RAW - CHANGES, question.name
                if "_minute" in question.text and "_hour" in question.text:
                    assert [table for table in long_plan if table.endswith("_minute")] == [], question.name
                    assert [table for table in short_plan if table.endswith("_hour")] == [], question.name


def scanned(connection: Connection, query: str, chunks: Mapping[str, str]) -> set[str]:
    """The tables that a plan scans, chunks under their hypertable's name."""
    ((plan,),) = connection.execute(f"EXPLAIN (FORMAT JSON, VERBOSE) {query}".encode()).fetchall()
    scans = [node for node in nodes(plan[0]["Plan"]) if "Relation Name" in node]
    return {chunks.get(scan["Relation Name"], f"{scan['Schema']}.{scan['Relation Name']}") for scan in scans}


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for inner in plan.get("Plans", []):
        yield from nodes(inner)


def test_a_site_that_is_not_chosen_is_not_shown(port: Port) -> None:
    board = boards()["quaystream-overview.json"]
    (question,) = [each for each in questions(board) if each.panel == "Sites"]
    answer = port.answer(question, Chosen(port.since, port.until, {"site": [SITE]}))
    assert [row[0] for row in answer.rows] == [SITE]


def test_boxes_over_the_quay_are_those_of_the_kpi(port: Port) -> None:
    """The panel counts facts itself, cheaply; the KPI's own definition must give the same."""
    board = boards()["quaystream-overview.json"]
    (question,) = [each for each in questions(board) if each.panel == "Boxes over the quay"]
    shown = port.answer(question, Chosen(port.since, port.until, {"site": [SITE]})).rows[0][0]
    defined = port.database.value(
        "SELECT sum((measures->>'quay_boxes')::float8) FROM kpi.crane_measures('period', %s, %s, 'infinity') "
        "WHERE grain = 'quay' AND site = %s AND asset IS NULL",
        *(port.since, port.until, SITE),
    )
    assert shown == defined > 0


def test_a_sketch_has_every_panel_with_what_it_answers(port: Port) -> None:
    board = boards()["quaystream-crane.json"]
    figure = draw(board, port.reader, port.prometheus, port.chosen(board))
    assert [axes.get_title(loc="left") for axes in figure.axes] == [panel["title"] for panel in panels(board)]
    assert [
        axes.get_title(loc="left")
        for axes in figure.axes
        if not (axes.lines or axes.tables or axes.texts or axes.patches)
    ] == []


def test_slow_statements_are_told_without_values_and_of_our_roles_only(port: Port) -> None:
    port.reader.ask("SELECT 'a value that nobody else may see', 4711")
    told = port.reader.ask("SELECT role, statement FROM ingest.slow_statements()").rows
    assert {role for role, _ in told} <= {"quaystream_owner", "quaystream_worker", "quaystream_reader"}
    assert [statement for _, statement in told if "a value that" in statement or "4711" in statement] == []
    assert [statement for _, statement in told if "INSERT INTO port.crane_minute" in statement]


def test_without_the_statistics_no_statement_is_slow(stack: Stack, port: Port) -> None:
    with psycopg.connect(stack.superuser_url(port.database.name)) as connection:
        connection.execute("DROP EXTENSION pg_stat_statements")
        assert connection.execute("SELECT count(*) FROM ingest.slow_statements()").fetchall() == [(0,)]
        connection.rollback()
