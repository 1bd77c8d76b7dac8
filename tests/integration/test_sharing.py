"""Sharing by contract on a real broker and database: every agency, field, site and purpose, through SQL and Kafka."""

import json
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.support.events import moment, structured
from tests.support.sharing import (
    AGENCIES,
    DATA,
    FOLDER,
    PURPOSES,
    SITES,
    TABLES,
    cells,
    contracts,
    expected,
    log_in,
    refusal,
    sent,
    text_of,
)
from tests.support.system import System

MISSING, FORBIDDEN, READ_ONLY = "42P01", "42501", "25006"


def shared_topics(system: System) -> set[str]:
    return {name for name in system.broker.partitions() if name.startswith("share-")}


def clear(system: System) -> None:
    system.broker.delete(*sorted(shared_topics(system)))


def records(system: System, topic: str) -> list[dict[str, Any]]:
    return [json.loads(record.value()) for record in system.broker.records(topic, partitions=3)]


def views_of(connection: psycopg.Connection[dict[str, Any]]) -> set[str]:
    query = "SELECT viewname AS name FROM pg_views WHERE schemaname = 'share'"
    return {row["name"] for row in connection.execute(query).fetchall()}


@pytest.fixture
def shared(system: System, tmp_path: Path) -> tuple[System, Path, dict[tuple[str, str], dict[str, Any]]]:
    """Every event of the matrix stored, the contracts applied, and all of it forwarded."""
    clear(system)
    folder = tmp_path / "contracts"
    shutil.copytree(FOLDER, folder, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    time = moment(timedelta(days=2))
    documents = {(what, site): sent(what, site, time) for what in DATA for site in SITES}
    # A second event of one type at one site, too young for statistics.
    young = sent("vessel.milestone", SITES[0], moment())
    young["id"] = "young"
    system.send(*map(structured, documents.values()), structured(young))
    for command in (("worker", "--until-caught-up"), ("share", "apply"), ("share", "run", "--until-caught-up")):
        done = system.command(*command, contracts=folder)
        assert done.returncode == 0, (command, done.stdout, done.stderr)
    return system, folder, documents


def test_every_cell_is_given_exactly_as_its_contract_says(
    shared: tuple[System, Path, dict[tuple[str, str], dict[str, Any]]],
) -> None:
    system, folder, documents = shared
    said = contracts(folder)
    secrets = {name: bytes(key) for name, key in system.database.rows("SELECT agency, secret FROM share.agency_key")}
    by_sql: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    for agency in AGENCIES:
        with log_in(system.database, f"share_{agency}") as connection:
            seen = views_of(connection)
            for purpose in PURPOSES:
                for what, table in TABLES.items():
                    view = f"{agency}_{purpose}_{table}"
                    query = f"SELECT * FROM share.{view} ORDER BY time"
                    if view in seen:
                        by_sql[agency, purpose, what] = connection.execute(query.encode()).fetchall()
                    else:
                        assert refusal(connection, query) == MISSING
            # Nothing behind the views, and no view of another agency.
            for table in TABLES.values():
                assert refusal(connection, f"SELECT site FROM port.{table}") == FORBIDDEN
            others = [view for view in seen if not view.startswith(f"{agency}_")]
            assert others
            assert {refusal(connection, f"SELECT site FROM share.{view}") for view in others} == {FORBIDDEN}
            for table in ("share.agency_key", "share.contract", "share.audit", "vault.name"):
                assert refusal(connection, f"SELECT * FROM {table}") == FORBIDDEN
            assert (
                refusal(connection, "SELECT share.note('read','allowed','x',null,null,null,null,null,null)")
                == FORBIDDEN
            )

    topics = shared_topics(system)
    by_kafka = {
        (agency, purpose, what): [one for one in records(system, topic) if one["type"] == f"io.quaystream.{what}.v1"]
        for agency in AGENCIES
        for purpose in PURPOSES
        for what in TABLES
        if (topic := f"share-{agency}-{purpose}-{what.partition('.')[0]}") in topics
    }
    checked = given = 0
    for cell in cells():
        contract = said.get((cell.agency, cell.purpose))
        document = documents[cell.what, cell.site]
        key = secrets.get(cell.agency, b"")
        wanted = None if contract is None else expected(cell, contract, document, key)
        place = cell[:3]
        rows = [row for row in by_sql.get(place, ()) if row["site"] == cell.site]
        events = [one for one in by_kafka.get(place, ()) if one["site"] == cell.site]
        events = [one for one in events if one["time"] == document["time"]]
        rows = [row for row in rows if text_of(row["time"])[:19] == document["time"][:19]]
        assert [text_of(row.get(cell.field)) for row in rows] == [wanted] * len(rows), cell
        shown = [one.get("subject") if cell.field == "subject" else one["data"].get(cell.field) for one in events]
        assert shown == [wanted] * len(events), cell
        if wanted is not None:
            assert len(rows) == len(events) == 1, cell
            assert rows[0]["id"] == events[0]["id"], cell
        checked, given = checked + 1, given + (wanted is not None)
    assert checked >= 500
    assert given >= 100

    # No column and no key beyond the contract, and of sites without one not even that something happened.
    for place, rows in by_sql.items():
        contract = said[place[:2]]
        fields = contract["shares"][TABLES[place[2]]]
        assert all(list(row) == ["id", "time", "site", *fields] for row in rows)
        assert {row["site"] for row in rows} == set(contract["sites"])
        assert all({*one["data"]} <= {*fields} for one in by_kafka[place])
        assert {one["site"] for one in by_kafka[place]} == set(contract["sites"])

    # A day's delay: the young event is with those who see at once, and not in the statistics.
    counts = {
        purpose: (
            len(by_sql["port_authority", purpose, "vessel.milestone"]),
            len(by_kafka["port_authority", purpose, "vessel.milestone"]),
        )
        for purpose in ("navigation", "statistics")
    }
    assert counts == {"navigation": (3, 3), "statistics": (2, 2)}


def test_what_expires_is_revoked_or_is_no_more_gives_nothing(
    shared: tuple[System, Path, dict[tuple[str, str], dict[str, Any]]],
) -> None:
    system, folder, documents = shared
    database = system.database
    view = "SELECT count(*) AS n FROM share.customs_supervision_gate_step"
    topic = "share-customs-supervision-gate"
    assert system.command("share", "check", contracts=folder).returncode == 0
    before = len(records(system, topic))
    with log_in(database, "share_customs") as customs:
        assert customs.execute(view).fetchone() == {"n": 2}

        # Expired: the view looks at the clock each time it is asked.
        database.rows("UPDATE share.contract SET valid_until = now() WHERE contract = 'customs-supervision'")
        assert customs.execute(view).fetchone() == {"n": 0}
        database.rows("UPDATE share.contract SET valid_until = now() + interval '1 day' WHERE agency = 'customs'")
        assert customs.execute(view).fetchone() == {"n": 2}

        # Revoked: nothing by SQL, and new events are not forwarded; refused and audited.
        assert system.command("share", "revoke", "customs-supervision").returncode == 0
        assert customs.execute(view).fetchone() == {"n": 0}
        again = {**documents["gate.step", SITES[0]], "id": "after", "time": moment()}
        system.send(structured(again))
        done = system.command("share", "run", "--until-caught-up", "--json", contracts=folder)
        assert json.loads(done.stdout)["customs-supervision"] == 0
        assert len(records(system, topic)) == before
        said = database.value(
            "SELECT reason FROM share.audit WHERE contract = 'customs-supervision' ORDER BY audit_id DESC LIMIT 1"
        )
        assert said == "the contract was revoked"

        # An agency may neither write nor look around a barrier: an error tells nothing of rows that are not its own.
        assert refusal(customs, "UPDATE share.customs_supervision_gate_step SET lane = 'x'") in {
            READ_ONLY,
            FORBIDDEN,
            "55000",
        }
        assert refusal(customs, "SET ROLE share_tax") == FORBIDDEN
        assert refusal(customs, "SET ROLE quaystream_owner") == FORBIDDEN

        # Missing: the view is gone with the file, and its topic when asked.
        (folder / "customs-supervision.yaml").unlink()
        assert system.command("share", "check", contracts=folder).returncode == 1
        applied = system.command("share", "apply", "--prune", contracts=folder)
        assert applied.returncode == 0, applied.stderr
        assert refusal(customs, view) == MISSING
        assert topic not in shared_topics(system)
    assert "Nothing to do" in system.command("share", "apply", contracts=folder).stdout


def test_a_contract_abroad_is_refused_until_a_transfer_is_approved_and_all_of_it_is_audited(
    shared: tuple[System, Path, dict[tuple[str, str], dict[str, Any]]],
) -> None:
    system, folder, _ = shared
    database = system.database
    file = folder / "border_guard-border.yaml"
    file.write_text(file.read_text().replace("country: VN", "country: SG"))
    refused = system.command("share", "apply", contracts=folder)
    assert refused.returncode == 1
    assert "important and personal data to SG, and no approved transfer" in refused.stdout
    view = "SELECT count(*) AS n FROM share.border_guard_border_gate_step"
    with log_in(database, "share_border_guard") as guard:
        assert refusal(guard, view) == MISSING
        approve = ("share", "transfer", "approve", "T-1", "--destination", "SG", "--object", "border_guard-border")
        more = (
            "--classes",
            "important,personal",
            "--dossier",
            "D-7",
            "--approved-by",
            "M. Minh",
            "--until",
            "2099-01-01",
        )
        assert system.command(*approve, *more).returncode == 0
        applied = system.command("share", "apply", contracts=folder)
        assert applied.returncode == 0, applied.stdout + applied.stderr
        assert guard.execute(view).fetchone() == {"n": 2}
        assert system.command("share", "transfer", "revoke", "T-1").returncode == 0
        assert guard.execute(view).fetchone() == {"n": 0}
    rows = database.rows(
        "SELECT outcome, destination, reason FROM share.audit WHERE contract = 'border_guard-border' AND action = 'share' "
        "AND destination = 'SG' ORDER BY audit_id"
    )
    assert [row[0] for row in rows] == ["refused", "allowed"]
    # The audit is only ever added to, by the owner too, and kept for a year.
    with psycopg.connect(database.owner_dsn, autocommit=True) as owner:
        assert refusal(owner, "DELETE FROM share.audit") == FORBIDDEN
        assert refusal(owner, "UPDATE share.audit SET reason = ''") == FORBIDDEN
        assert refusal(owner, "TRUNCATE share.audit") == FORBIDDEN
        assert refusal(owner, "SELECT share.forget_audit(now() - interval '364 days')") == "22023"
    with psycopg.connect(database.worker_dsn, autocommit=True) as worker:
        assert (
            refusal(worker, "INSERT INTO share.audit (action, outcome, object) VALUES ('read', 'allowed', 'x')")
            == FORBIDDEN
        )
        assert refusal(worker, "DELETE FROM share.audit") == FORBIDDEN
