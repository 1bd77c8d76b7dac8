"""A scripted scenario: events and facts as its file says them, with names and times filled in.

The facts stand in the file as whoever wrote the scenario worked them out; nothing here computes them.
"""

import re
from collections.abc import Mapping
from random import Random
from typing import Any, Final

from connectors.simulator.facts import Fact
from connectors.simulator.gateways import Gateway, Place
from connectors.simulator.identities import imo_number
from connectors.simulator.moments import rfc3339
from connectors.simulator.scenarios import offset_ms
from connectors.simulator.world import World, event_type
from schemas.alarms import AlarmIdentity
from schemas.facts import CELL_ALARM, FACT_TABLES
from schemas.identifiers import container_check_digit

_BOXES: Final = 9
_AT: Final = re.compile(r"\{at ([0-9:.]+)\}")
_MS: Final = re.compile(r"\{ms ([0-9:.]+)\}")
_TIMES: Final = {table.name: {c.name for c in table.columns if c.kind == "time"} for table in FACT_TABLES}


class Script:
    """Groups of events (`told`) share what they `always` say; rows of `facts` share what `everywhere` says."""

    def __init__(self, world: World, place: Place, content: Mapping[str, Any]) -> None:
        self._world = world
        self._place = place
        self._content = content
        self._names = names(world.run)

    def play(self) -> None:
        """Put the events on the agenda, and the facts into the chronicle."""
        for group in self._content["told"]:
            subject = f"{self._place.site_id}-{self._filled(group['asset'])}"
            gateway, kind = self._gateway(subject), event_type(group["type"])
            for event in group["events"]:
                data = self._filled({**group.get("always", {}), **event})
                for at_ms in self._moments(data):
                    self._world.agenda.post(Fact(at_ms, gateway, kind, subject, data))
        for table, rows in self._content["facts"].items():
            for row in rows:
                self._world.chronicle.facts.append((self._world.end_ms, table, self._fact(table, row)))

    def _moments(self, data: dict[str, Any]) -> list[int]:
        """When an event happens, taken out of it: `at`, and where it says so `times` times, `every` so long."""
        first_ms = self._world.start_ms + offset_ms(data.pop("at"))
        every_ms = offset_ms(data.pop("every", "0:00:00"))
        return [first_ms + n * every_ms for n in range(data.pop("times", 1))]

    def _gateway(self, subject: str) -> Gateway:
        """Declared assets speak through their gateway; for boxes and ships the office does."""
        declared = {asset.asset_id: asset for asset in self._place.site.assets}
        return self._place.gateway_of(declared[subject]) if subject in declared else self._place.office

    def _fact(self, table: str, row: Mapping[str, Any]) -> dict[str, Any]:
        filled: dict[str, Any] = self._filled({"site": self._place.site_id, **row})
        if table == CELL_ALARM.name:
            filled = self._alarm(filled)
        times = {
            name: rfc3339(self._world.start_ms + offset_ms(filled[name]))
            for name in filled.keys() & _TIMES[table]
            if filled[name] is not None
        }
        return filled | times

    def _alarm(self, row: dict[str, Any]) -> dict[str, Any]:
        """An alarm's row names its cell; who tells of it, and the ids, follow."""
        cell_id = f"{self._place.site_id}-{row.pop('cell')}"
        said = (row["condition"], row.get("interface"), row.get("specific_problem"))
        identity = AlarmIdentity(cell_id, row["origin"], self._gateway(cell_id).source, *said)
        first_us = (self._world.start_ms + offset_ms(row["first_at"])) * 1_000
        ids = {"alarm_key": identity.alarm_key, "cell_alarm_id": identity.alarm_id(first_us)}
        return {**row, **identity._asdict(), **ids}

    def _filled(self, value: Any) -> Any:
        """Any text with its names filled in, however deep it sits."""
        if isinstance(value, str):
            dated = _MS.sub(lambda found: str(self._world.start_ms + offset_ms(found[1])), value)
            dated = _AT.sub(lambda found: rfc3339(self._world.start_ms + offset_ms(found[1])), dated)
            return dated.format_map(self._names) if "{" in dated else dated
        if isinstance(value, Mapping):
            return {key: self._filled(inner) for key, inner in value.items()}
        return value


def names(run: str) -> dict[str, str]:
    """What a script may name: `{run}`, `{call}` (a call), `{ship}`, and `{box1}` … with two ways of misreading each.

    `{box1_look_alike}` has an O for the last 0 of its serial, `{box1_wrong_digit}` another check digit.
    """
    dice = Random(run)  # noqa: S311  # nosec B311  (repeatable on purpose)
    found = {"run": run, "call": f"TANVU_{run.upper()}", "ship": imo_number(dice)}
    for n in range(1, _BOXES + 1):
        first_ten = f"QSYU{dice.randrange(1, 10):d}{dice.randrange(10_000):04d}0"
        digit = container_check_digit(first_ten)
        found[f"box{n}"] = f"{first_ten}{digit}"
        found[f"box{n}_look_alike"] = f"{first_ten[:-1]}O{digit}"
        found[f"box{n}_wrong_digit"] = f"{first_ten}{(digit + 1) % 10}"
    return found
