"""Sites to onboard: files as a port would write them, and what the database has of each site."""

from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from typer.testing import CliRunner

from schemas.errors import QuaystreamError
from streams.cli import build_app
from tests.support.databases import Database
from tests.support.events import Message, event, moment, structured

# Every table in which a site has rows of its own before anything happens there.
TABLES = {
    "port.site": "site_id",
    "port.asset": "site_id",
    "port.gateway": "site_id",
    "port.onboarded": "site_id",
    "kpi.baseline": "site",
}


def document(number: int) -> dict[str, Any]:
    """What the file of a made-up site says; no two have anything in common."""
    name = f"port{number:02}"
    gateway, gate, office = (f"/vnhph/{name}/{word}" for word in ("gw-01", "gw-02", "tos-01"))
    return {
        "site": {
            "id": f"VNHPH-{name.upper()}",
            "name": f"Port {number}",
            "utc_offset": "+07:00",
            "shifts": [
                {"name": "day", "start": "06:00", "end": "18:00"},
                {"name": "night", "start": "18:00", "end": "06:00"},
            ],
        },
        "gateways": [
            {"source": gateway, "topics": ["crane-events", "cell-events"], "bytes_per_s": 1_048_576},
            {"source": gate, "topics": ["gate-events"]},
            {"source": office, "topics": ["cargo-events", "vessel-events"]},
        ],
        "assets": [
            {"id": "STS01", "kind": "crane", "type": "STS", "gateways": [gateway]},
            {"id": "STS01_UE", "kind": "device", "type": "UE", "gateways": [gateway], "carried_by": "STS01"},
            {"id": "GATE01", "kind": "gate", "type": "GATE", "gateways": [gate], "lanes": ["IN1", "OUT1"]},
        ],
        "sla": ["remote-crane-control"],
        "retention": {"personal": 30, "commercial": 90},
        "baselines": [
            {
                "from": date(2026, 1, 1),
                "to": date(2026, 2, 1),
                "note": "counted by hand",
                "values": [{"kpi": "touch_points", "value": 12.0, "n": 400.0, "sd": 2.0}],
            }
        ],
    }


def write(folder: Path, number: int, **changes: Any) -> Path:
    """The file of a site, with top-level parts replaced."""
    path = folder / f"port{number:02}.yaml"
    path.write_text(yaml.safe_dump(document(number) | changes, sort_keys=False))
    return path


class Done(NamedTuple):
    """A command that ended: what `main` would exit with, what it printed, and its error."""

    code: int
    output: str
    error: str


def run(environment: Mapping[str, str], *arguments: str | Path) -> Done:
    """`quaystream onboard …` within this process, which takes a tenth of the time."""
    ours = {name: value for name, value in environment.items() if name.startswith("QUAYSTREAM_")}
    result = CliRunner(env=ours).invoke(build_app(), ["onboard", *map(str, arguments)])
    error = result.exception
    if isinstance(error, QuaystreamError):
        return Done(error.exit_code, result.output, str(error))
    if error is not None and not isinstance(error, SystemExit):
        raise error
    return Done(result.exit_code, result.output, "")


def rows(database: Database) -> Mapping[str, set[str]]:
    """Every reference row, whole, by its site."""
    found: dict[str, set[str]] = {}
    for table, key in TABLES.items():
        for site, row in database.rows(f"SELECT {key}, to_jsonb(t)::text FROM {table} AS t"):
            found.setdefault(site, set()).add(f"{table} {row}")
    return found


def visit(number: int, touch_points: int, ago: timedelta) -> list[Message]:
    """A truck's visit at the site's gate that touched so many points, 20 s each, and began so long ago."""
    subject = f"VNHPH-PORT{number:02}-GATE01"
    source = f"/vnhph/port{number:02}/gw-02"
    steps = [("lane_entered", "in", "system"), *[("document_checked", "in", "terminal")] * touch_points]
    steps += [("barrier_opened", "in", "system"), ("gate_left", "out", "system")]
    return [
        structured(
            event(
                "gate.step",
                {
                    "visit_id": f"visit-{touch_points}-{ago}",
                    "lane": "IN1" if direction == "in" else "OUT1",
                    "direction": direction,
                    "step": step,
                    "actor": actor,
                    "manual": actor != "system",
                },
                subject=subject,
                source=source,
                time=moment(ago - timedelta(seconds=20 * n)),
            )
        )
        for n, (step, direction, actor) in enumerate(steps)
    ]
