"""The demo's live table: per domain, what arrives, how fresh it is, how it ended, and the newest rollup."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from schemas.events import DOMAINS
from schemas.tables import RAW_TABLES

if TYPE_CHECKING:
    import asyncpg

    from streams.settings import Settings

TURN_S: Final = 1.0
PLAIN_EVERY_S: Final = 5.0
_OUTCOMES: Final = """
SELECT topic, sum(accepted)::bigint AS accepted, sum(duplicate)::bigint AS duplicate, sum(rejected)::bigint AS rejected
FROM ingest.partition_offset GROUP BY topic
"""
_NEWEST_TIME: Final = "SELECT max(time) FROM {table} WHERE time > now() - interval '1 day'"
# One sentence per domain about its newest minute, from the rollups (raw rows where there is no rollup).
_NEWEST: Final = {
    "crane": """SELECT to_char(bucket, 'HH24:MI') || '  ' || count(*) || ' cranes, heaviest load '
        || round(max(load_t_max)::numeric, 1) || ' t, wind ' || round(max(wind_mps_max)::numeric, 1) || ' m/s'
        FROM port.crane_minute WHERE bucket = (SELECT max(bucket) FROM port.crane_minute) GROUP BY bucket""",
    "gate": """SELECT to_char(bucket, 'HH24:MI') || '  ' || sum(steps) || ' steps, ' || sum(manual_steps)
        || ' by hand, ' || sum(visits_in) || ' trucks in, ' || sum(visits_out) || ' out'
        FROM port.gate_minute WHERE bucket = (SELECT max(bucket) FROM port.gate_minute) GROUP BY bucket""",
    "cell": """SELECT to_char(bucket, 'HH24:MI') || '  ' || count(*) || ' devices, weakest '
        || round(min(rsrp_dbm_min)::numeric) || ' dBm, slowest ' || round(max(rtt_ms_max)::numeric) || ' ms'
        FROM port.radio_minute WHERE bucket = (SELECT max(bucket) FROM port.radio_minute) GROUP BY bucket""",
    "cargo": """SELECT to_char(time, 'HH24:MI') || '  ' || cargo_id || ' ' || milestone
        FROM port.cargo_milestone ORDER BY time DESC LIMIT 1""",
    "vessel": """SELECT to_char(time, 'HH24:MI') || '  ' || call_id || ' ' || milestone || ' ' || classifier
        FROM port.vessel_milestone ORDER BY time DESC LIMIT 1""",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One domain now; counts since the ledger began, `rate` since the last look."""

    domain: str
    accepted: int
    duplicate: int
    rejected: int
    rate: float
    freshness_s: float | None
    newest: str


def watch(settings: "Settings", console: Console, goes_on: Callable[[], bool]) -> None:
    """Show the table until `goes_on` says no; plain lines where there is no terminal."""
    asyncio.run(_watch(settings, console, goes_on))


async def _watch(settings: "Settings", console: Console, goes_on: Callable[[], bool]) -> None:
    from connectors.timescale.connection import connection_to

    async with connection_to(settings.owner_dsn()) as connection:
        if console.is_terminal:
            with Live(console=console, auto_refresh=False) as live:
                await _turns(
                    connection, goes_on, TURN_S, lambda lines: live.update(_shown(settings, lines), refresh=True)
                )
        else:
            print(addresses(settings).plain, flush=True)
            await _turns(connection, goes_on, PLAIN_EVERY_S, lambda lines: print(_plain(lines), flush=True))


async def _turns(
    connection: "asyncpg.Connection", goes_on: Callable[[], bool], every_s: float, show: Callable[[list[Line]], object]
) -> None:
    before: dict[str, int] = {}
    looked = time.monotonic()
    shown = 0.0
    while goes_on():
        await asyncio.sleep(0.25)
        if time.monotonic() - shown < every_s:
            continue
        shown = time.monotonic()
        lines = await _read(connection, before, shown - looked)
        before, looked = {line.domain: line.accepted for line in lines}, shown
        show(lines)


async def _read(connection: "asyncpg.Connection", before: dict[str, int], elapsed_s: float) -> list[Line]:
    counts = {row["topic"]: row for row in await connection.fetch(_OUTCOMES)}
    lines = []
    for domain in DOMAINS:
        row = counts.get(f"{domain}-events")
        accepted, duplicate, rejected = (row[1], row[2], row[3]) if row else (0, 0, 0)
        rate = (accepted - before.get(domain, accepted)) / elapsed_s
        newest = str(await connection.fetchval(_NEWEST[domain]) or "")
        lines.append(Line(domain, accepted, duplicate, rejected, rate, await _freshness(connection, domain), newest))
    return lines


async def _freshness(connection: "asyncpg.Connection", domain: str) -> float | None:
    """Seconds since the newest stored event time of a domain."""
    found: list[datetime] = []
    for table in RAW_TABLES:
        if table.model.TYPE.split(".")[2] == domain:
            newest = await connection.fetchval(_NEWEST_TIME.format(table=table.name))
            found += [newest] if newest else []
    return max(0.0, (datetime.now(UTC) - max(found)).total_seconds()) if found else None


def _shown(settings: "Settings", lines: list[Line]) -> Group:
    table = Table(title="quaystream: what the port says, as it is stored", title_justify="left")
    for name, justify in (("domain", "left"), ("events/s", "right"), ("freshness", "right"), ("accepted", "right")):
        table.add_column(name, justify="left" if justify == "left" else "right")
    for name in ("duplicate", "rejected"):
        table.add_column(name, justify="right")
    table.add_column("newest minute (UTC)")
    for line in lines:
        table.add_row(
            line.domain,
            f"{line.rate:,.0f}",
            _age(line.freshness_s),
            f"{line.accepted:,}",
            f"{line.duplicate:,}",
            f"{line.rejected:,}",
            line.newest,
        )
    return Group(table, addresses(settings), Text("Ctrl-C ends the demo; `quaystream down` stops the stack."))


def _plain(lines: list[Line]) -> str:
    parts = [
        f"{line.domain} {line.accepted:,} ({line.rate:,.0f}/s, {_age(line.freshness_s)} old, "
        f"{line.duplicate:,} dup, {line.rejected:,} rejected)"
        for line in lines
    ]
    return f"{datetime.now(UTC):%H:%M:%S} " + " · ".join(parts)


def _age(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    return f"{seconds:.1f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def addresses(settings: "Settings") -> Text:
    """What there is to look at, and where."""
    from deploy.local import Stack
    from streams.settings import mask

    status = Stack(settings.home).status()
    metrics = ", ".join(status.worker_metrics) or "starting"
    return Text(
        f"Look at: Prometheus {status.prometheus}/graph · alerts {status.prometheus}/alerts · Alertmanager {status.alertmanager}\n"
        f"         worker {metrics} · dashboards for a Grafana of yours in deploy/monitoring/grafana\n"
        f"         database {mask(status.reader_url or '')} · broker {status.brokers}"
    )
