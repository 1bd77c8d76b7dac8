"""What is made of facts and readings, made again: it must be what is stored. Reads one snapshot, writes nothing.

Minutes of devices by their SLA profiles, and what the radio cost. What is marked, or was made of something else than there is
now, is left to the worker; so is what rests on raw rows that retention took. A minute stays as it was judged when its
profile got a new version, or its device another profile.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from math import isclose
from typing import Any, Final

import asyncpg

from connectors.timescale.attribution import MARGIN, find_made, made_of, stored_of
from connectors.timescale.fact_check import first_of, said_of
from connectors.timescale.pool import Connection
from connectors.timescale.refolds import horizon_of
from connectors.timescale.sla import Minute, judged_minutes, judged_of
from connectors.timescale.spans import Period
from schemas.facts import RADIO_ATTRIBUTION, RADIO_LOSS
from schemas.sla import Profile
from streams.facts.restate import compare
from streams.facts.sla_minute import Judged

_RADIO: Final = ("port.crane_status", "port.crane_sample", "port.radio_sample", "port.device_trip")
_STORED: Final = """
SELECT s.* FROM unnest($1::text[], $2::timestamptz[]) AS k(device_id, bucket)
JOIN port.sla_minute AS s ON s.device_id = k.device_id AND s.bucket = k.bucket
"""
_FIGURES: Final = ("samples", "good", "bad", "outage_s", "state")


async def check_derived(connection: asyncpg.Connection) -> list[str]:
    """Every difference in words, some of each kind; about as long as judging and attributing everything took."""
    return [*await check_sla_minutes(connection), *await check_radio_losses(connection)]


async def check_sla_minutes(connection: Connection, period: Period = Period()) -> list[str]:  # noqa: B008
    """Device minutes (of a `period`) whose readings say something else than what is stored."""
    lines: list[str] = []
    since = max(period.since, await horizon_of(connection, ["port.radio_sample"]))
    async for minutes in judged_minutes(connection, since, period.until):
        stored: dict[tuple[str, datetime], dict[str, Any]] = defaultdict(dict)
        places = [list(column) for column in zip(*((m.device.device_id, m.bucket) for m in minutes), strict=True)]
        for row in await connection.fetch(_STORED, *places) if minutes else ():
            stored[row["device_id"], row["bucket"]][row["profile"]] = row
        for minute, profile, judged in await judged_of(connection, minutes):
            lines += _sla_lines(minute, profile, judged, stored[minute.device.device_id, minute.bucket])
    return first_of(lines, "SLA minutes")


def _sla_lines(minute: Minute, profile: Profile, judged: Judged, stored: dict[str, Any]) -> Iterator[str]:
    where = f"sla_minute {minute.device.device_id} {minute.bucket:%Y-%m-%d %H:%M} {profile.profile_id}"
    row = stored.get(profile.profile_id)
    if not stored:
        yield f"{where}: its readings are there, the minute is not"
    elif row is not None and row["version"] == profile.version:
        found = (minute.samples, judged.good, judged.bad, judged.outage_s, judged.state)
        differing = _differing(row, found)
        if differing:
            yield f"{where}: {'; '.join(differing)}"


def _differing(row: Any, found: Sequence[Any]) -> list[str]:
    return [
        f"{name} is {row[name]}, judged {now}"
        for name, now in zip(_FIGURES, found, strict=True)
        if not _same(row[name], now)
    ]


def _same(one: Any, other: Any) -> bool:
    return isclose(one, other, rel_tol=1e-9, abs_tol=1e-9) if isinstance(one, float) else bool(one == other)


async def check_radio_losses(connection: Connection, period: Period = Period()) -> list[str]:  # noqa: B008
    """Days of machines (with work in a `period`) whose cycles and readings say something else than what is stored."""
    lines: list[str] = []
    horizon = await horizon_of(connection, _RADIO)
    for due in await find_made(connection, max(period.since, horizon + MARGIN), period.until):
        if due.place.day - MARGIN < horizon:
            continue
        losses, day = await made_of(connection, due)
        for table, made in ((RADIO_LOSS, losses), (RADIO_ATTRIBUTION, [day])):
            changes = compare(table, await stored_of(connection, table, due.place), made)
            lines += [f"{table.kind} {said}" for said in said_of(table, changes)]
    return first_of(lines, "moves lost to the radio")
