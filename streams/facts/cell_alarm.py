"""The alarms of one cell: each raised, changed, cleared, raised again, from what the network told and from silence.

An alarm is known by (source, condition, interface, specific problem). A clear ends the alarm that was raised under its
`alarm_id`, whatever else it says: that of the same condition if there is one, or else the last; where none was raised
under it within the patience, the alarm of its own words. Raised again while it lasts, it goes on and its
clock does not restart; another severity is a change. `cleared` ends it. Raised again within the flap window, it is the
same alarm, flapping; later it is another. A clear that nothing was raised for is kept as information (`no_raise`); told
again within the window it is the same. What flaps for longer than a day, or was not heard of for the patience, begins
anew (schemas/alarms.yaml). So everything depends on event times alone, and a fact can be gone on with from itself.

`outcome`: `cleared`, `no_raise`, `open`, `never_cleared` (not heard of for the patience). `severity` is the worst,
`last_severity` the last before it cleared. `duration_s` is from the first raise to the last clear, `active_s` without
the pauses of flapping; while it is open, `active_s` counts what has ended.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from schemas.alarms import SEVERITIES, AlarmIdentity, load_alarm_rules
from schemas.facts import CELL_ALARM, CellAlarmOutcome
from streams.facts.fact import Fact, Row, Rows
from streams.facts.heartbeats import Beat, losses
from streams.facts.order import epoch_us, is_past, seconds, seconds_between, us_between

RULES: Final = load_alarm_rules()
PATIENCE: Final = RULES.patience
CLEARED: Final = "cleared"
ALARMS: Final = "port.cell_alarm_event"
HEARTBEATS: Final = "port.cell_heartbeat"
# At one moment what is worse comes later, and a clear last.
_RANKS: Final = {name: rank for rank, name in enumerate((*SEVERITIES, CLEARED))}


class Told(NamedTuple):
    """One event of one alarm; `severity` may be `cleared`."""

    time: datetime
    severity: str
    probable_cause: str | None = None


@dataclass(frozen=True, slots=True)
class Episode:
    """One alarm as far as it has come; `raised_at` is None where only a clear was told."""

    first_at: datetime
    last_at: datetime
    raised_at: datetime | None
    last_raised_at: datetime | None
    cleared_at: datetime | None
    severity: str | None
    last_severity: str | None
    probable_cause: str | None
    changes: int = 0
    flaps: int = 0
    active_us: int = 0

    @property
    def is_active(self) -> bool:
        return self.cleared_at is None


def fold(key: str, rows: Rows, as_of: datetime, patience: timedelta = PATIENCE) -> list[Fact]:
    """Every alarm of `<site>/<cell_id>` from its rows of alarms and heartbeats, by alarm and then by time."""
    site, _, cell_id = key.partition("/")
    told: dict[AlarmIdentity, list[Told]] = {}
    for identity, row in identified(rows.get(ALARMS, ())):
        told.setdefault(identity, []).append(told_of(row))
    for identity, beats in beats_of(cell_id, rows.get(HEARTBEATS, ())).items():
        told[identity] = [told_by_silence(one) for one in losses(beats, as_of, PATIENCE)]
    return [
        fact
        for identity, events in sorted(told.items(), key=lambda item: item[0].alarm_key)
        for fact in facts_of(site, identity, episodes(None, events), as_of, patience)
    ]


def in_order(rows: Iterable[Row]) -> list[Row]:
    """Alarm events in the order they count in, however they came."""
    return sorted(rows, key=lambda row: (row["time"], _RANKS[row["severity"]], row["event_id"]))


def identified(rows: Iterable[Row]) -> Iterator[tuple[AlarmIdentity, Row]]:
    """Alarm events in order, each with the alarm that it is about."""
    raised: dict[tuple[str, str], dict[AlarmIdentity, datetime]] = {}
    for row in in_order(rows):
        own = identity_of(row)
        under_its_id = raised.setdefault((row["source"], row["alarm_id"]), {})
        if row["severity"] == CLEARED:
            heard = [one for one, at in under_its_id.items() if row["time"] - at <= PATIENCE]
            yield own if own in heard or not heard else heard[-1], row
        else:
            under_its_id.pop(own, None)  # the last that was raised comes last
            under_its_id[own] = row["time"]
            yield own, row


def identity_of(row: Row) -> AlarmIdentity:
    """Which alarm a row is about by its own words."""
    return AlarmIdentity(
        row["cell_id"], "network", row["source"], row["condition"], row["interface"], row["specific_problem"]
    )


def told_of(row: Row) -> Told:
    """What a row tells of its alarm."""
    return Told(row["time"], row["severity"], row["probable_cause"])


def told_by_silence(loss: tuple[datetime, bool]) -> Told:
    """What a lost or regained heartbeat tells of the alarm that is ours."""
    at, is_lost = loss
    return Told(at, RULES.heartbeat.severity if is_lost else CLEARED)


def beats_of(cell_id: str, rows: Iterable[Row]) -> Mapping[AlarmIdentity, Sequence[Beat]]:
    """Heartbeats by whom they are told, in order of time."""
    by_source: dict[AlarmIdentity, list[Beat]] = {}
    for row in sorted(rows, key=lambda row: (row["time"], row["event_id"])):
        beats = by_source.setdefault(RULES.heartbeat_loss(cell_id, row["source"]), [])
        beats.append(Beat(row["time"], row["interval_s"]))
    return by_source


def episodes(begun: Episode | None, events: Iterable[Told]) -> Iterator[Episode]:
    """Go on from an episode through events in order; every episode as it ends, and the last as it stands."""
    current = begun
    for event in events:
        if current is None or begins(current, event):
            if current is not None:
                yield current
            current = _begun(event)
        else:
            current = _gone_on(current, event)
    if current is not None:
        yield current


def begins(current: Episode, event: Told) -> bool:
    """Whether an event is the first of another episode."""
    if current.cleared_at is None:
        return event.time - current.last_at > PATIENCE
    if event.time - current.cleared_at > RULES.flap_window:
        return True
    if event.severity == CLEARED:
        return False
    return current.raised_at is None or event.time - current.first_at > RULES.longest_flapping


def _begun(event: Told) -> Episode:
    if event.severity == CLEARED:
        return Episode(event.time, event.time, None, None, event.time, None, None, event.probable_cause)
    raised = (event.time, event.time, None, event.severity, event.severity, event.probable_cause)
    return Episode(event.time, event.time, *raised)


def _gone_on(current: Episode, event: Told) -> Episode:
    cause = event.probable_cause or current.probable_cause
    heard = replace(current, last_at=event.time, probable_cause=cause)
    if event.severity == CLEARED:
        if current.cleared_at is not None or current.last_raised_at is None:
            return heard
        active_us = current.active_us + us_between(current.last_raised_at, event.time)
        return replace(heard, cleared_at=event.time, active_us=active_us)
    known = current.severity or event.severity
    heard = replace(heard, severity=max(known, event.severity, key=_RANKS.__getitem__), last_severity=event.severity)
    if current.cleared_at is not None:
        return replace(heard, cleared_at=None, last_raised_at=event.time, flaps=current.flaps + 1)
    return replace(heard, changes=current.changes + (event.severity != current.last_severity))


def facts_of(
    site: str, identity: AlarmIdentity, found: Iterable[Episode], as_of: datetime, patience: timedelta = PATIENCE
) -> list[Fact]:
    """Episodes of one alarm, in order, as facts: only the last may be open."""
    every = list(found)
    return [
        _fact(site, identity, one, is_closed=one is not every[-1] or is_past(patience, one.last_at, as_of))
        for one in every
    ]


def _fact(site: str, identity: AlarmIdentity, one: Episode, *, is_closed: bool) -> Fact:
    alarm_id = identity.alarm_id(epoch_us(one.first_at))
    values: dict[str, Any] = {
        "cell_alarm_id": alarm_id,
        "alarm_key": identity.alarm_key,
        "site": site,
        **identity._asdict(),
        "probable_cause": one.probable_cause,
        "raised_at": one.raised_at,
        "last_raised_at": one.last_raised_at,
        "cleared_at": one.cleared_at,
        "severity": one.severity,
        "last_severity": one.last_severity,
        "duration_s": seconds_between(one.raised_at, one.cleared_at),
        "active_s": seconds(one.active_us),
        "changes": one.changes,
        "flaps": one.flaps,
        "first_at": one.first_at,
        "last_at": one.last_at,
        "outcome": _outcome(one, is_closed=is_closed),
    }
    return Fact(CELL_ALARM.kind, alarm_id, values)


def _outcome(one: Episode, *, is_closed: bool) -> CellAlarmOutcome:
    if one.cleared_at is not None:
        return "cleared" if one.raised_at is not None else "no_raise"
    return "never_cleared" if is_closed else "open"


def episode_of(values: Mapping[str, Any]) -> Episode:
    """The episode a stored fact was made of."""
    return Episode(
        **{name: values[name] for name in ("first_at", "last_at", "raised_at", "last_raised_at", "cleared_at")},
        **{name: values[name] for name in ("severity", "last_severity", "probable_cause", "changes", "flaps")},
        active_us=round(values["active_s"] * 1_000_000),
    )
