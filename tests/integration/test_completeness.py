"""Completeness from a gateway's numbers to the KPI beside it: known holes, late fills, sources that number nothing."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.support.events import Message, event, numbered, structured
from tests.support.system import System
from tests.support.waiting import wait_until

SITE = "VNHPH-TANVU"
STS01, STS02, AGV = (f"{SITE}-{asset}" for asset in ("STS01", "STS02", "AGV01"))
GW1, GW2 = "/vnhph/tanvu/gw-01", "/vnhph/tanvu/gw-02"
# The hour before last: whole, and young enough for any retention.
HOUR = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=2)
MINUTES = """
SELECT bucket - %s, received, expected, unnumbered, round(completeness::numeric, 3)::float8
FROM kpi.completeness WHERE asset = %s AND source = %s ORDER BY bucket
"""


def at(minute: float) -> str:
    return (HOUR + timedelta(minutes=minute)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def samples(
    numbers: Iterator[int] | range, boot: str = "boot-1", from_minute: float = 0.0, **more: Any
) -> list[Message]:
    """Number n of a stream of one crane sample every six seconds, number 1 at `from_minute`."""
    return [structured(numbered(n, boot, time=at(from_minute + (n - 1) / 10), **more)) for n in numbers]


def of(system: System, asset: str, source: str = GW1) -> list[tuple[int, int, int | None, int, float | None]]:
    """(minute, received, expected, unnumbered, completeness) of an asset as one source tells it."""
    rows = system.database.rows(MINUTES, HOUR, asset, source)
    return [(int(after.total_seconds() // 60), *rest) for after, *rest in rows]


def stored(system: System, *messages: Message) -> None:
    before = system.outcomes()
    system.send(*messages)
    system.await_outcomes(before + len(messages))


def kpi_completeness(system: System, domain: str, asset: str | None) -> set[float | None]:
    """What stands beside the numbers of the hour; both ways of asking must agree."""
    asked = "SELECT DISTINCT round(completeness::numeric, 6)::float8 FROM {} WHERE asset IS NOT DISTINCT FROM %s"
    view = f"kpi.{domain}_hourly WHERE site = '{SITE}' AND period_start = %s AND kpi_id <> 'completeness'"
    found = system.database.rows(asked.format(view).replace(" WHERE asset", " AND asset"), HOUR, asset)
    narrow = f"kpi.numbers('{domain}', 'period', %s, %s) WHERE site = '{SITE}' AND kpi_id <> 'completeness'"
    ends = (HOUR, HOUR + timedelta(hours=1))
    assert system.database.rows(asked.format(narrow).replace(" WHERE asset", " AND asset"), *ends, asset) == found
    return {value for (value,) in found}


def test_completeness_follows_the_numbers(system: System) -> None:
    """One worker, one hour: each part says something else of it."""
    worker = system.workers.ready()
    holes_within_a_minute_and_across_minutes(system)
    late_fills_make_the_holes_smaller(system)
    numbers_before_the_first_of_a_boot_are_missing(system)
    a_clock_that_steps_back_makes_no_hole(system)
    unnumbered_sources_are_unknown_and_never_whole(system)
    missing_is_what_the_gaps_say(system)
    kpis_carry_it(system)
    expected, missing = system.database.value("SELECT sum(expected) FROM kpi.completeness WHERE domain = 'crane'"), 9
    ratio = lambda: worker.samples("quaystream_completeness_ratio", domain="crane", site=SITE)  # noqa: E731
    wait_until(lambda: ratio() == [1 - missing / float(expected)], 40, "the metric says what the view says")
    assert worker.samples("quaystream_completeness_ratio", domain="gate") == []
    system.verified()


def holes_within_a_minute_and_across_minutes(system: System) -> None:
    # Ten a minute. 3 and 4 of minute 0 are missing; 21 to 44 are: from 01:54 to 04:24, so all of minutes 2 and 3.
    stored(system, *samples(range(1, 3)), *samples(range(5, 21)), *samples(range(45, 51)))
    assert of(system, STS01) == [
        (0, 8, 10, 0, 0.8),
        (1, 10, 10, 0, 1.0),
        (2, 0, 10, 0, 0.0),
        (3, 0, 10, 0, 0.0),
        (4, 6, 10, 0, 0.6),
    ]


def late_fills_make_the_holes_smaller(system: System) -> None:
    stored(system, *samples(range(3, 5)), *samples(range(21, 36)), *samples(range(38, 41)))
    assert of(system, STS01) == [
        (0, 10, 10, 0, 1.0),
        (1, 10, 10, 0, 1.0),
        (2, 10, 10, 0, 1.0),
        (3, 8, 10, 0, 0.8),
        (4, 6, 10, 0, 0.6),
    ]


def numbers_before_the_first_of_a_boot_are_missing(system: System) -> None:
    stored(system, *samples(range(4, 11), "boot-2", from_minute=10))
    assert of(system, STS01)[-1] == (10, 7, 10, 0, 0.7)


def a_clock_that_steps_back_makes_no_hole(system: System) -> None:
    # 11 to 20 say that they are of minute 20 again; the numbers go on as if nothing had been.
    there = {"subject": STS02, "source": GW2}
    stored(
        system,
        *samples(range(1, 11), from_minute=20, **there),
        *samples(range(11, 21), from_minute=19, **there),
        *samples(range(21, 26), from_minute=20, **there),
    )
    assert of(system, STS02, GW2) == [(20, 20, 20, 0, 1.0), (22, 5, 5, 0, 1.0)]


def unnumbered_sources_are_unknown_and_never_whole(system: System) -> None:
    plain = [structured(event(subject=STS02, source=GW1, time=at(30 + n / 10))) for n in range(5)]
    # A number without a boot says nothing.
    bootless = structured(event(subject=STS02, source=GW1, sequence="7", time=at(30.5)))
    step = structured(event("gate.step", subject=f"{SITE}-GATE01", time=at(31)))
    stored(system, *plain, bootless, step)
    assert of(system, STS02, GW1) == [(30, 0, None, 6, None)]
    assert of(system, f"{SITE}-GATE01") == [(31, 0, None, 1, None)]


def missing_is_what_the_gaps_say(system: System) -> None:
    (seen,) = system.database.rows(
        "SELECT sum(expected - received), count(*) FILTER (WHERE expected IS NULL) FROM kpi.completeness"
    )
    gaps = system.database.value(
        "SELECT sum(to_sequence - from_sequence + 1) FROM ingest.sequence_gap WHERE filled_at IS NULL"
    )
    assert seen == (9, 2)
    assert gaps == 9


def kpis_carry_it(system: System) -> None:
    radio = [
        structured(event("cell.radio", subject=AGV, bootid="b", sequence=str(n), time=at(40 + n / 10)))
        for n in (1, 2, 5)
    ]
    silent = structured(event("cell.radio", subject=f"{SITE}-AGV02", time=at(40)))
    status = [event("crane.status", {"status": s}, subject=STS01, time=at(m)) for s, m in (("working", 1), ("off", 9))]
    stored(system, *radio, silent, *map(structured, status))
    assert kpi_completeness(system, "device", AGV) == {0.6}
    assert kpi_completeness(system, "device", f"{SITE}-AGV02") == {None}
    assert kpi_completeness(system, "crane", STS01) == {round(51 / 60, 6)}
    # STS01 has 51 of 60 numbers, STS02 all of its 25.
    assert kpi_completeness(system, "crane", None) == {round(76 / 85, 6)}
