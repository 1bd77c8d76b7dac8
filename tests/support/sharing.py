"""What the contracts give, worked out from the YAML files by other code than ours; and who asks: agencies of the database."""

import hashlib
import hmac
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import psycopg
import yaml
from psycopg.rows import dict_row

from tests.support.databases import Database
from tests.support.events import event

AGENCIES = ("border_guard", "customs", "port_authority", "tax")
PURPOSES = ("border", "fees", "navigation", "network", "operations", "statistics", "supervision")
SITES = ("VNHPH-TANVU", "VNHPH-DINHVU", "VNHPH-DEEPC2")
PASSWORD = "agency-of-a-test"  # noqa: S105
FOLDER = Path(__file__).parents[2] / "schemas/share"

# One event per type and site with every field; `{n}` is the site's number, so that no two sites have a value in common.
DATA: Mapping[str, Mapping[str, Any]] = {
    "gate.step": {
        "visit_id": "visit-{n}",
        "lane": "IN{n}",
        "direction": "in",
        "step": "customs_checked",
        "actor": "customs",
        "manual": True,
        "result": "hold",
        "reason": "seal of {n}",
        "equipment_reference": "CSQU305438{n}",
        "truck_plate": "15C1234{n}",
        "weight_kg": 24350.0,
    },
    "cargo.milestone": {
        "equipment_reference": "CSQU3054383",
        "milestone": "clearance",
        "agency": "customs",
        "status": "released by {n}",
        "call_id": "CALL-{n}",
        "iso_equipment_code": "22G{n}",
        "empty": False,
    },
    "vessel.milestone": {
        "imo": "9074729",
        "call_id": "CALL-{n}",
        "milestone": "all_fast",
        "classifier": "ACT",
        "berth": "B{n}",
        "expected_time": "2026-01-05T06:00:0{n}Z",
    },
    "crane.sample": {"load_t": 20.5, "wind_mps": 6.25, "power_kw": 310.0, "spreader_locked": True},
}
TABLES = {
    "gate.step": "gate_step",
    "cargo.milestone": "cargo_milestone",
    "vessel.milestone": "vessel_milestone",
    "crane.sample": "crane_sample",
}
ASSETS = {"gate.step": "GATE01", "cargo.milestone": "CSQU3054383", "vessel.milestone": "CALL", "crane.sample": "STS01"}


class Cell(NamedTuple):
    """Who asks for which field of which type, at which site, for which purpose."""

    agency: str
    purpose: str
    what: str
    field: str
    site: str


def cells() -> Iterator[Cell]:
    """The matrix: every agency, purpose, type, field (and the subject) and site, whether or not a contract names it."""
    for agency in AGENCIES:
        for purpose in PURPOSES:
            for what, data in DATA.items():
                for field in ("subject", *data):
                    yield from (Cell(agency, purpose, what, field, site) for site in SITES)


def contracts(folder: Path = FOLDER) -> dict[tuple[str, str], dict[str, Any]]:
    """The files as they are, by agency and purpose."""
    said = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.yaml"))]
    return {(one["agency"], one["purpose"]): one for one in said}


def sent(what: str, site: str, time: str) -> dict[str, Any]:
    """The event of a type at a site."""
    n = SITES.index(site) + 1
    data = {name: v.format(n=n) if isinstance(v, str) else v for name, v in DATA[what].items()}
    return event(what, data, subject=f"{site}-{ASSETS[what]}", id=f"{what}-{n}", time=time)


def expected(cell: Cell, said: Mapping[str, Any], document: Mapping[str, Any], key: bytes) -> Any:
    """What the contract gives of a cell: a value, or None for nothing."""
    mask = said["shares"].get(TABLES[cell.what], {}).get(cell.field)
    if mask is None or cell.site not in said["sites"]:
        return None
    value = document["subject"] if cell.field == "subject" else document["data"][cell.field]
    shown = {
        "plain": lambda: value,
        "keyed": lambda: "k1." + hmac.new(key, value.encode(), hashlib.sha256).hexdigest()[:32],
        "prefix": lambda: value[:4] + "*",
        "present": lambda: "present",
        "rounded": lambda: {24350.0: 24400.0}[value],
    }
    return shown[mask]()


def log_in(database: Database, role: str) -> psycopg.Connection[dict[str, Any]]:
    """A session of an agency: its role gets a password first, as an operator would give it one."""
    database.rows(f"ALTER ROLE {role} LOGIN PASSWORD '{PASSWORD}'")
    parts = urlsplit(database.owner_dsn)
    place = parts.netloc.rpartition("@")[2]
    dsn = parts._replace(netloc=f"{role}:{PASSWORD}@{place}", query="").geturl()
    return psycopg.connect(dsn, autocommit=True, row_factory=dict_row)


def password_file(folder: Path) -> Path:
    """A file with the password that every role of a test gets."""
    file = folder / "password"
    file.write_text(f"{PASSWORD}\n")
    return file


def url_of(database: Database, role: str) -> str:
    """The database as a role, without its password."""
    parts = urlsplit(database.owner_dsn)
    place = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=f"{role}@{place}", query="").geturl()


def refusal(connection: psycopg.Connection[Any], query: str) -> str:
    """The SQLSTATE a query ends with; empty where it is answered."""
    try:
        connection.execute(query.encode())
    except psycopg.Error as error:
        return error.sqlstate or "?"
    return ""


def text_of(value: Any) -> Any:
    """Times as the events have them."""
    return value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else value
