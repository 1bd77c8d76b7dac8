"""Sharing by contract on a real broker and database: every agency, field, site and purpose, through SQL and Kafka."""

import json
import os
import secrets
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import asyncpg
import psycopg
import pytest
from aiohttp.test_utils import TestClient, TestServer
from yarl import URL

from connectors.api.gauges import Gauges
from connectors.api.rates import Rates
from connectors.api.reading import Reader, cursor_of
from connectors.api.server import SharePages
from connectors.api.tokens import Verifier
from schemas.share import load_contracts
from tests.support.broker import Broker
from tests.support.databases import Database, Databases
from tests.support.events import moment, structured
from tests.support.sharing import (
    AGENCIES,
    DATA,
    FOLDER,
    PASSWORD,
    PURPOSES,
    SITES,
    TABLES,
    cells,
    contracts,
    expected,
    log_in,
    password_file,
    refusal,
    sent,
    text_of,
    url_of,
)
from tests.support.system import System
from tests.support.tokens import AUDIENCE, ISSUER, Issuer
from tests.support.worker import Workers

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


@pytest.fixture(scope="module")
def shared(
    broker: Broker, databases: Databases, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[System, Path, dict[tuple[str, str], dict[str, Any]]]]:
    """Every event of the matrix stored, the contracts applied, and all of it forwarded: once, the last tests change it."""
    broker.reset()
    place = tmp_path_factory.mktemp("sharing")
    with databases.migrated() as database:
        environment = environment_of(broker, database, place)
        system = System(broker, database, Workers(environment, place), environment)
        clear(system)
        yield system, place / "contracts", prepare(system, place / "contracts")


def prepare(system: System, folder: Path) -> dict[tuple[str, str], dict[str, Any]]:
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
    return documents


def environment_of(broker: Broker, database: Database, place: Path) -> dict[str, str]:
    ours = {name: value for name, value in os.environ.items() if not name.startswith("QUAYSTREAM_")}
    return {
        **ours,
        "QUAYSTREAM_BROKERS": broker.brokers,
        "QUAYSTREAM_DATABASE_URL": database.worker_dsn,
        "QUAYSTREAM_OWNER_URL": database.owner_dsn,
        "QUAYSTREAM_READER_URL": database.reader_dsn,
        "QUAYSTREAM_GROUP": f"test-{secrets.token_hex(4)}",
        "QUAYSTREAM_HOME": str(place / "home"),
    }


def test_every_cell_is_given_exactly_as_its_contract_says(
    shared: tuple[System, Path, dict[tuple[str, str], dict[str, Any]]],
) -> None:
    system, folder, documents = shared
    said = contracts(folder)
    keys = {name: bytes(key) for name, key in system.database.rows("SELECT agency, secret FROM share.agency_key")}
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
        key = keys.get(cell.agency, b"")
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


@asynccontextmanager
async def served(system: System, folder: Path, issuer: Issuer, rates: Rates) -> AsyncIterator[TestClient[Any, Any]]:
    """The API of these contracts, as `quaystream api` puts it together."""
    place = folder.parent
    for role in ("quaystream_api",):
        done = system.command("share", "login", role, "--password-file", str(password_file(place)))
        assert done.returncode == 0, done.stderr
    parts = urlsplit(url_of(system.database, "quaystream_api"))
    dsn = parts._replace(netloc=parts.netloc.replace("@", f":{PASSWORD}@")).geturl()
    verifier = Verifier(str(issuer.jwks(place / "jwks.json")), ISSUER, AUDIENCE)
    await verifier.start()
    async with asyncpg.create_pool(dsn, min_size=0, max_size=2, server_settings={"timezone": "UTC"}) as pool:
        pages = SharePages(load_contracts(folder), verifier, Reader(pool, dsn), Gauges("0"), rates, Rates(1_000, 1_000))
        async with TestClient(TestServer(pages.application())) as client:
            yield client


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


SINCE = {"since": moment(timedelta(days=3)), "limit": "1000"}


async def test_the_api_gives_what_the_views_give_and_refuses_the_rest(
    shared: tuple[System, Path, dict[tuple[str, str], dict[str, Any]]],
) -> None:
    system, folder, _ = shared
    said, issuer = contracts(folder), Issuer()
    given = 0
    async with served(system, folder, issuer, Rates(1_000, 1_000)) as client:
        for agency in AGENCIES:
            headers = bearer(issuer.token(agency, *PURPOSES))
            with log_in(system.database, f"share_{agency}") as connection:
                for purpose in PURPOSES:
                    for table in TABLES.values():
                        answer = await client.get(f"/api/v1/data/{purpose}/{table}", params=SINCE, headers=headers)
                        contract = said.get((agency, purpose))
                        if contract is None or table not in contract["shares"]:
                            assert answer.status == 404
                            continue
                        view = f"share.{agency}_{purpose}_{table}"
                        query = f"SELECT row_to_json(v) AS row FROM {view} AS v ORDER BY time, id"
                        connection.execute("SET timezone = 'UTC'")
                        wanted = [row["row"] for row in connection.execute(query.encode()).fetchall()]
                        assert (await answer.json())["rows"] == wanted
                        given += len(wanted)
            listed = await (await client.get("/api/v1/contracts", headers=headers)).json()
            mine = {(agency, one["purpose"]): {d["table"] for d in one["data"]} for one in listed["contracts"]}
            assert mine == {who: set(one["shares"]) for who, one in said.items() if who[0] == agency}
    assert given >= 20
    read = system.database.rows(
        "SELECT sum(rows), count(*) FROM share.audit WHERE action = 'read' AND outcome = 'allowed' AND contract IS NOT NULL"
    )
    assert read[0][0] == given


async def test_pages_follow_each_other_without_gap_or_repeat_and_a_cursor_opens_nothing(
    shared: tuple[System, Path, dict[tuple[str, str], dict[str, Any]]],
) -> None:
    system, folder, _ = shared
    issuer = Issuer()
    async with served(system, folder, issuer, Rates(1_000, 1_000)) as client:
        path, headers = (
            "/api/v1/data/navigation/vessel_milestone",
            bearer(issuer.by_rsa("port_authority", "navigation")),
        )
        whole = (await (await client.get(path, params=SINCE, headers=headers)).json())["rows"]
        paged: list[Any] = []
        after: str | None = None
        while True:
            asked = {**SINCE, "limit": "1", **({"after": after} if after else {})}
            page = await (await client.get(path, params=asked, headers=headers)).json()
            paged += page["rows"]
            after = page["next"]
            if after is None:
                break
        assert paged == whole
        assert len(whole) == 3
        # Another's cursor: rows of one's own alone, and of these only what comes after it.
        cursor = cursor_of(datetime.fromisoformat(whole[0]["time"]), whole[0]["id"])
        customs = bearer(issuer.token("customs", "supervision"))
        own = "/api/v1/data/supervision/vessel_milestone"
        mine = (await (await client.get(own, params=SINCE, headers=customs)).json())["rows"]
        found = await (await client.get(own, params={**SINCE, "after": cursor}, headers=customs)).json()
        assert all(row in mine for row in found["rows"])


async def test_every_attack_is_refused_audited_and_leaks_nothing(
    shared: tuple[System, Path, dict[tuple[str, str], dict[str, Any]]], capsys: pytest.CaptureFixture[str]
) -> None:
    system, folder, _ = shared
    issuer = Issuer()
    path = "/api/v1/data/supervision/gate_step"
    before = system.database.total("share.audit", "outcome = 'refused'")
    texts: list[str] = []
    refused = 0

    async def attack(
        client: TestClient[Any, Any], status: int, url: Any, headers: dict[str, str], **asked: str
    ) -> None:
        nonlocal refused
        answer = await client.get(url, headers=headers, params=asked or None)
        text = await answer.text()
        assert answer.status == status, (url, status, text)
        assert "X-Evil" not in answer.headers
        texts.extend((text, str(dict(answer.headers))))
        refused += 1

    tokens = issuer.bad()
    async with served(system, folder, issuer, Rates(1_000, 1_000)) as client:
        good, tax = issuer.token("customs", "supervision"), issuer.token("tax", "fees", "supervision", "border")
        for token in tokens.values():
            await attack(client, 401, path, bearer(token))
        await attack(client, 401, path, {})
        await attack(client, 401, path, {"Authorization": f"Basic {good}"})
        # A good token of another agency, scopes it was given and no contract stands behind, and scopes it lacks.
        await attack(client, 404, path, bearer(tax))
        await attack(client, 404, "/api/v1/data/border/gate_visit", bearer(tax))
        await attack(client, 403, "/api/v1/data/fees/gate_step", bearer(good))
        for table in ("crane_sample", "gate_step'--", "../../etc", "pg_authid", "customs_supervision_gate_step", "%00"):
            await attack(client, 404, f"/api/v1/data/supervision/{quote(table, safe='')}", bearer(good))
        evil = quote("supervision\r\nX-Evil: 1", safe="")
        await attack(client, 403, URL(f"/api/v1/data/{evil}/gate_step", encoded=True), bearer(good))
        bad = {"limit": "0", "after": "AAAA", "since": "yesterday", "order": "id; DROP", "site": "x\0"}
        for name, value in bad.items():
            await attack(client, 400, path, bearer(good), **{name: value})
        # SQL in a value is a value.
        answer = await client.get(path, params={"site": "' OR '1'='1", **SINCE}, headers=bearer(good))
        assert (await answer.json())["rows"] == []
        # The contract ends while the token is still good.
        expire = "UPDATE share.contract SET valid_until = now() {} WHERE contract = 'customs-supervision'"
        system.database.rows(expire.format(""))
        await attack(client, 404, path, bearer(good), **SINCE)
        system.database.rows(expire.format("+ interval '1 year'"))
        assert (await client.get(path, params=SINCE, headers=bearer(good))).status == 200
        for method in ("post", "put", "delete", "patch"):
            assert (await getattr(client, method)(path, headers=bearer(good))).status == 405

    audited = system.database.rows("SELECT * FROM share.audit WHERE outcome = 'refused' AND action = 'read'")
    assert system.database.total("share.audit", "outcome = 'refused'") - before == refused
    said = capsys.readouterr()
    everything = "\n".join((*texts, str(audited), said.out, said.err))
    kept = (
        "15C1234",
        "CSQU305438",
        "visit-1",
        PASSWORD,
        "quaystream_owner",
        "share_customs",
        "Traceback",
        "port.gate_step",
    )
    signatures = [token.rpartition(".")[2] for token in (*tokens.values(), good, tax) if token.count(".") == 2]
    leaked = [word for word in (*kept, *(s for s in signatures if len(s) > 20)) if word in everything]
    assert leaked == []


async def test_who_asks_too_often_waits_and_others_do_not(
    shared: tuple[System, Path, dict[tuple[str, str], dict[str, Any]]],
) -> None:
    system, folder, _ = shared
    issuer = Issuer()
    async with served(system, folder, issuer, Rates(0.001, 2)) as client:
        path = "/api/v1/contracts"
        found = [(await client.get(path, headers=bearer(issuer.token("tax", "fees")))).status for _ in range(3)]
        assert found == [200, 200, 429]
        assert (await client.get(path, headers=bearer(issuer.token("customs", "supervision")))).status == 200


async def test_without_the_audit_nothing_is_given(
    shared: tuple[System, Path, dict[tuple[str, str], dict[str, Any]]],
) -> None:
    system, folder, _ = shared
    issuer = Issuer()
    note = "share.note(text, text, text, text, text, text, text[], bigint, text)"
    async with served(system, folder, issuer, Rates(1_000, 1_000)) as client:
        headers = bearer(issuer.token("customs", "supervision"))
        system.database.rows(f"REVOKE EXECUTE ON FUNCTION {note} FROM quaystream_api")
        answer = await client.get("/api/v1/data/supervision/gate_step", params=SINCE, headers=headers)
        system.database.rows(f"GRANT EXECUTE ON FUNCTION {note} TO quaystream_api")
        assert answer.status == 503
        assert "quaystream" not in await answer.text()


def test_what_expires_is_revoked_or_is_no_more_gives_nothing(
    shared: tuple[System, Path, dict[tuple[str, str], dict[str, Any]]],
) -> None:
    system, folder, documents = shared
    database = system.database
    view = "SELECT count(*) AS n FROM share.customs_supervision_gate_step"
    topic = "share-customs-supervision-gate"
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
