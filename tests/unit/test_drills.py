"""A drill's result: what fired and when, what else paged, and whether it cleared."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import cast

import pytest

from deploy.monitoring.drills import play as room
from deploy.monitoring.drills.edge import beats, fades
from deploy.monitoring.drills.ground import Alert, Ground
from deploy.monitoring.drills.play import Drill, Result, line, play
from schemas.events import MODELS
from schemas.events.cell import CellHeartbeat
from schemas.sla import load_profiles
from streams.facts.sla_minute import judge, readings_of

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
QUIET: set[Alert] = set()
FIRES = {Alert("page", "A"), Alert("ticket", "B")}


class Place:
    """Tells one set of alerts after the other, and the last for ever."""

    def __init__(self, *told: set[Alert]) -> None:
        self._told: Iterator[set[Alert]] = iter(told)
        self._last: set[Alert] = set()
        self.done: list[str] = []

    def is_calm(self, _: Alert) -> bool:
        return True

    def firing(self) -> set[Alert]:
        self._last = next(self._told, self._last)
        return self._last


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "WATCH_S", 0.0)
    monkeypatch.setattr("time.sleep", lambda _: None)


def played(*told: set[Alert], within_s: float = 5.0) -> tuple[Result, list[str]]:
    place = Place(*told)
    drill = Drill(
        "f",
        (Alert("page", "A"), Alert("ticket", "B")),
        within_s,
        lambda _: place.done.append("harm"),
        lambda _: place.done.append("repair"),
        clears_s=0.05,
    )
    return play(drill, cast(Ground, place)), place.done


def test_a_drill_waits_for_all_its_alerts_and_until_none_is_left() -> None:
    result, done = played(QUIET, QUIET, {Alert("page", "A")}, FIRES, FIRES, {Alert("ticket", "B")}, QUIET)
    assert result.is_as_stated()
    assert done == ["harm", "repair"]
    assert "none" in line(result)


def test_another_page_is_told_another_ticket_and_what_paged_before_are_not() -> None:
    before = {Alert("page", "OLD")}
    result, _ = played(before, FIRES | before | {Alert("page", "C"), Alert("ticket", "D")}, QUIET)
    assert result.other_pages == {Alert("page", "C")}
    assert not result.is_as_stated()


def test_what_does_not_fire_or_clear_is_said_and_repaired_all_the_same() -> None:
    silent, done = played(QUIET, {Alert("page", "A")}, within_s=0.05)
    assert (set(silent.fired_s), silent.cleared_s, done) == ({Alert("page", "A")}, None, ["harm", "repair"])
    assert "0 s, no | no |" in line(silent)
    assert not silent.is_as_stated()


def test_a_gateway_s_clock_is_in_the_event_s_time() -> None:
    first, second = islice(beats(NOW, timedelta(hours=2)), 2)
    told = json.loads(first.record(0))
    assert datetime.fromisoformat(told["time"]) - first.at == timedelta(hours=2)
    assert second.at > first.at == NOW
    assert told["id"] != json.loads(second.record(1))["id"]
    assert MODELS[told["type"]].model_validate(told["data"]) == CellHeartbeat(interval_s=30)


def test_faded_modems_of_all_quay_cranes_are_out_of_every_profile_asked_of_them() -> None:
    minute = [said for said in islice(fades(NOW), 480) if said.asset.asset_id.endswith("STS01_UE")]
    assert len({said.asset.asset_id for said in islice(fades(NOW), 8)}) == 4
    names = sorted({name for profile in load_profiles() for name in profile.fields})
    rows = {name: [said.data.get(name) for said in minute] for name in (*names, "handover", "five_qi", "slice")}
    told = readings_of(rows | {"time_s": [(said.at - NOW).total_seconds() for said in minute]}, names)
    asked = [profile for profile in load_profiles() if profile.profile_id in ("5qi-82", "remote-crane-control")]
    judged = [judge(profile, told) for profile in asked]
    assert [one and one.state for one in judged] == ["out", "out"]
