"""All KPIs of a scenario, per hour, shift and day of its site and over the whole: the `kpis` of a truth file."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from connectors.simulator.kpis.cargo import cargo_numbers
from connectors.simulator.kpis.crane import Diary, crane_numbers
from connectors.simulator.kpis.gate import gate_numbers
from connectors.simulator.kpis.number import Number
from connectors.simulator.kpis.streams import Hour, stream_numbers
from connectors.simulator.kpis.vessel import vessel_numbers
from connectors.simulator.kpis.window import Window, windows
from connectors.simulator.moments import rfc3339, to_ms
from schemas.facts import FACT_TABLES
from schemas.reference import Site

Row = Mapping[str, Any]
_BY_ASSET: Final = ("crane", "gate")
_TIMES: Final = {table.name: [c.name for c in table.columns if c.kind == "time"] for table in FACT_TABLES}


@dataclass(frozen=True, slots=True)
class Done:
    """What was done at a site: facts as stated, what cranes did, and events by hour; the newest is of `newest_ms`."""

    site: Site
    facts: Mapping[str, Sequence[Row]]
    diaries: Sequence[Diary]
    hours: list[Hour]
    since_ms: int
    newest_ms: int


def expected_kpis(done: Done) -> list[dict[str, Any]]:
    """One entry per number, by period: where it is of, what it says, how complete it is, whether its period is over."""
    return [entry for window in windows(done.site, done.since_ms, done.newest_ms) for entry in _of_window(done, window)]


def _of_window(done: Done, window: Window) -> Iterator[dict[str, Any]]:
    period = {
        "site": done.site.site_id,
        "by": window.by,
        "shift": window.shift,
        "period_start": rfc3339(window.start_ms),
        "period_end": rfc3339(window.end_ms),
        "provisional": window.seen_ms < window.end_ms,
    }
    for domain, numbers in _domains(done, window):
        streams = list(stream_numbers(done.hours, domain, window))
        complete = {stream.asset: stream.value / 100 for stream in streams if stream.value is not None}
        for number in (*numbers, *streams):
            asset = number.asset if domain in _BY_ASSET else None
            yield {"domain": domain} | period | number.as_json() | {"completeness": complete.get(asset)}


def _domains(done: Done, window: Window) -> Iterator[tuple[str, Iterator[Number]]]:
    visits, stays, calls = (_rows(done, f"port.{name}") for name in ("gate_visit", "cargo_visit", "vessel_call"))
    yield "crane", crane_numbers(done.diaries, window)
    yield "gate", gate_numbers(visits, window)
    yield "cargo", cargo_numbers(stays, window)
    yield "vessel", vessel_numbers(calls, done.diaries, window)


def _rows(done: Done, table: str) -> list[Row]:
    """Rows with their times in epoch ms; what a row leaves out has not happened."""
    columns = next(found.column_names for found in FACT_TABLES if found.name == table)
    return [
        {**dict.fromkeys(columns), **row, **{name: _ms(row.get(name)) for name in _TIMES[table]}}
        for row in done.facts.get(table, ())
    ]


def _ms(text: str | None) -> int | None:
    return None if text is None else to_ms(datetime.fromisoformat(text))
