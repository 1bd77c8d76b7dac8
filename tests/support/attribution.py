"""The radio scenarios without a wire: what actors tell, folded and attributed, against what the truth says."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import numpy as np

from connectors.simulator import SimulationOptions
from connectors.simulator.gateways import places
from connectors.simulator.moments import from_ms
from connectors.simulator.scenarios.stage import place_of, play
from connectors.simulator.world import World
from streams.attribution.cycles import Day, Loss, losses
from streams.attribution.day import cycles_of, day_of, idle_of
from streams.attribution.radio import Readings
from streams.facts.crane_cycle import fold_rows
from streams.facts.crane_samples import Samples

NEAR_S = 3.0


@dataclass
class Score:
    """Attributed cycles against hindered ones."""

    right: int = 0
    wrong: int = 0
    missed: int = 0
    lost_s: float = 0.0
    true_lost_s: float = 0.0
    cycles: int = 0
    mistakes: list[str] = field(default_factory=list)

    @property
    def precision(self) -> float:
        return self.right / (self.right + self.wrong) if self.right + self.wrong else 1.0

    @property
    def recall(self) -> float:
        return self.right / (self.right + self.missed) if self.right + self.missed else 1.0

    def __str__(self) -> str:
        return (
            f"{self.cycles} cycles, {self.right} right, {self.wrong} wrong, {self.missed} missed: precision "
            f"{self.precision:.3f}, recall {self.recall:.3f}; lost {self.lost_s:.0f} s, truly {self.true_lost_s:.0f} s"
        )


@cache
def attributed(scenario: str, seed: int, hours: float = 3.0, rate_hz: float = 1.0) -> tuple[dict[str, list[Loss]], Any]:
    """Losses by crane, and the truth's `radio`."""
    days, truth = days_of(scenario, seed, hours, rate_hz)
    return {crane: losses(day) for crane, day in days.items()}, truth


def days_of(scenario: str, seed: int, hours: float, rate_hz: float) -> tuple[dict[str, Day], dict[str, list[Any]]]:
    options = SimulationOptions(seed=seed, duration=timedelta(hours=hours), rate_hz=rate_hz, scenario=scenario)
    world = World(options)
    place = place_of(places(options.run), scenario)
    play(world, place, scenario)
    rows: dict[str, dict[str, list[Any]]] = defaultdict(lambda: defaultdict(list))
    for n, fact in enumerate(world.agenda):
        what = fact.type.removeprefix("io.quaystream.").removesuffix(".v1").replace(".", "_")
        row = {"time": from_ms(fact.time_ms), "event_id": f"{n:08}", **fact.data}
        rows[fact.subject][f"port.{'radio_sample' if what == 'cell_radio' else what}"].append(row)
    modems = {asset.asset_id: asset.carried_by for asset in place.assets("device")}
    end = options.start + options.duration
    days = {}
    for crane in [subject for subject in rows if subject not in modems]:
        told = rows[crane]
        facts = [fact.values for fact in fold_rows(crane, told)]
        readings = [readings_of(rows[device]["port.radio_sample"]) for device, of in modems.items() if of == crane]
        idle = idle_of(told["port.crane_status"], end)
        days[crane] = day_of(cycles_of(facts), idle, readings, Samples.of_rows(told["port.crane_sample"]))
    until_ms, told_radio = world.end_ms, defaultdict(list)
    for over_ms, table, row in world.chronicle.radio:
        if over_ms < until_ms:
            told_radio[table].append(row)
    return days, told_radio


def readings_of(rows: list[Any]) -> Readings:
    columns = [np.array([row[name] for row in rows], float) for name in ("rtt_ms", "loss_ratio", "sinr_db")]
    return Readings(np.array([row["time"].timestamp() for row in rows]), *columns, [r["serving_cell"] for r in rows])


def score(found: dict[str, list[Loss]], truth: dict[str, list[Any]]) -> Score:
    """A hindered cycle and an attributed one are the same where they locked within 3 s."""
    result = Score()
    hindered = {
        (row["crane_id"], datetime.fromisoformat(row["locked_at"]).timestamp(), kind == "aborted"): row
        for kind in ("slowed", "aborted")
        for row in truth.get(kind, [])
    }
    for crane, crane_losses in found.items():
        result.cycles += len(crane_losses)
        for loss in crane_losses:
            keys = [k for k in hindered if k[0] == crane and k[2] == (loss.cycle.outcome == "aborted")]
            key = next((k for k in keys if abs(k[1] - loss.cycle.locked_s) < NEAR_S), None)
            row = None if key is None else hindered.pop(key)
            result.lost_s += loss.lost_s
            result.true_lost_s += 0.0 if row is None else row["lost_s"]
            if loss.how is not None and row is not None:
                result.right += 1
            elif loss.how is not None:
                result.wrong += 1
                result.mistakes.append(f"wrong {loss.how} {loss.lost_s:.1f} s {loss.cycle.cycle_id}")
            elif row is not None:
                result.missed += 1
                result.mistakes.append(f"missed {loss.cycle.cycle_id} {row} {loss.state}")
    return result
