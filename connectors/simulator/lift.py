"""One lift: empty to the cargo, land, lock, carry, set down, unlock; with the steps of its job told on the way."""

import math
from dataclasses import dataclass
from random import Random
from typing import Any, Final, NamedTuple

from connectors.simulator.boxes import Box
from connectors.simulator.carry import Drive, Spot, carry
from connectors.simulator.cranes import Crane
from connectors.simulator.motion import Pace, Travel

_RETRY_SHARE: Final = 0.03
_RETRY_S: Final = 9.0
_SLACK_BEFORE_PICK: Final = 0.4
_QUEUES_AFTER_S: Final = 10.0
_LANDED_T: Final = 1.0
_CREEP: Final = Pace(0.6, 0.4)


@dataclass(frozen=True, slots=True)
class Order:
    """What to lift from where to where. `cargo_t` hangs below the spreader; a hatch cover has no boxes."""

    kind: str | None
    boxes: tuple[Box, ...]
    cargo_t: float
    pick: Spot
    drop: Spot
    call_id: str | None = None

    @property
    def spreader(self) -> dict[str, Any]:
        """How the spreader has to be set."""
        length_ft = self.boxes[0].length_ft if self.boxes else 40
        return {"mode": "twin" if len(self.boxes) > 1 else "single", "length_ft": length_ft}


@dataclass(frozen=True, slots=True)
class Manner:
    """How a kind of crane works: its drives, the height it keeps, its typical cycle and how long a landing takes."""

    empty: Drive
    laden: Drive
    clearance_m: float
    cycle_median_s: float
    cycle_sigma: float
    cycle_range_s: tuple[float, float]
    dwell_s: tuple[float, float]

    def cycle_s(self, dice: Random) -> float:
        """A log-normal cycle time, cut at both ends."""
        low, high = self.cycle_range_s
        return min(max(dice.lognormvariate(math.log(self.cycle_median_s), self.cycle_sigma), low), high)


class LiftTimes(NamedTuple):
    """Seconds at which things happened."""

    began: float
    landed: float
    locked: float
    lifted: float
    set_down: float
    unlocked: float


def perform(crane: Crane, at_s: float, order: Order, manner: Manner) -> LiftTimes:
    """Enter one lift into the crane's plan, from `at_s` on, and tell its job."""
    dice, machine = crane.dice, crane.machine
    crane.status(at_s, "working")
    free_s = crane.lift_off(at_s)
    machine.switch(free_s, **order.spreader)
    here = Spot(machine.trolley.target_m, machine.hoist.target_m)
    to_cargo = carry(here, order.pick, manner.clearance_m, manner.empty)
    to_target = carry(order.pick, order.drop, manner.clearance_m, manner.laden)
    settle_s, lock_s, release_s = (dice.uniform(*manner.dwell_s) for _ in range(3))
    busy_s = free_s - at_s + to_cargo.duration_s + settle_s + lock_s + to_target.duration_s + release_s
    slack_s = max(manner.cycle_s(dice) - busy_s, 0.0)

    landed_s = to_cargo.enter(free_s, slack_s * _SLACK_BEFORE_PICK, machine.hoist, machine.trolley)
    landed_s = _retried(crane, landed_s, order)
    locked_s = landed_s + settle_s
    lifted_s = locked_s + lock_s
    hover_s = slack_s * (1 - _SLACK_BEFORE_PICK)
    set_down_s = to_target.enter(lifted_s, hover_s, machine.hoist, machine.trolley)
    times = LiftTimes(at_s, landed_s, locked_s, lifted_s, set_down_s, set_down_s + release_s)
    enter_switches(crane, times, order)
    queued_s = lifted_s + to_target.down_at_s if hover_s > _QUEUES_AFTER_S else None
    tell_job(crane, times, order, queued_s)
    crane.sits = True
    return times


def record(crane: Crane, previous_unlock_s: float | None, stopped_s: float, times: LiftTimes, order: Order) -> None:
    """Write a finished lift into the chronicle: `stopped_s` of its cycle the crane stood still for another reason."""
    after = crane.world.after
    crane.world.chronicle.cycles.append(
        {
            "crane_id": crane.subject,
            "started_at": None if previous_unlock_s is None else after(previous_unlock_s),
            "landed_at": after(times.landed),
            "locked_at": after(times.locked),
            "unlocked_at": after(times.unlocked),
            "stopped_s": round(stopped_s, 3),
            "kind": order.kind,
            "boxes": len(order.boxes),
            "call_id": order.call_id,
        }
    )


def _retried(crane: Crane, landed_s: float, order: Order) -> float:
    """Now and then the first landing misses the corner castings; the second at which it has landed for good."""
    if crane.dice.random() >= _RETRY_SHARE:
        return landed_s
    machine, pace = crane.machine, order.pick
    machine.switch(landed_s, landed=True, load_t=_LANDED_T)
    machine.switch(landed_s + 3, landed=False, load_t=crane.spreader_t)
    up = Travel(pace.hoist_m, pace.hoist_m + 0.8, _CREEP)
    machine.hoist.move(landed_s + 3, up)
    machine.hoist.move(landed_s + 6, Travel(up.end_m, up.start_m, _CREEP))
    return landed_s + _RETRY_S


def enter_switches(crane: Crane, times: LiftTimes, order: Order, given_up: tuple[float, float] | None = None) -> None:
    """Enter what the spreader does and carries during a lift; `given_up` = a lock and its unlock before the real one."""
    machine = crane.machine
    machine.switch(times.landed, landed=True, load_t=_LANDED_T)
    if given_up is not None:
        machine.switch(given_up[0], locked=True)
        machine.switch(given_up[1], locked=False)
    machine.switch(times.locked, locked=True)
    machine.switch(times.lifted, landed=False, load_t=round(crane.spreader_t + order.cargo_t, 2))
    machine.switch(times.set_down, landed=True, load_t=_LANDED_T)
    machine.switch(times.unlocked, locked=False, moves=1)


def tell_job(crane: Crane, times: LiftTimes, order: Order, queued_s: float | None) -> str:
    """Tell the steps of a lift's job; `queued_s` = when it waited for the place to be free. The job's id."""
    crane.jobs += 1
    job: dict[str, Any] = {"job_id": f"{crane.name}-{crane.world.run}-{crane.jobs:05d}", "step": ""}
    if order.kind:
        job["move_kind"] = order.kind
    if order.boxes:
        job["equipment_reference"] = order.boxes[0].number
    job["boxes"] = len(order.boxes)
    if order.call_id:
        job["call_id"] = order.call_id
    steps = [
        (times.began, "assigned"),
        (times.began + 0.2, "dispatched"),
        (times.began + 0.4, "movingtocollect"),
        (times.landed, "readytocollect"),
        (times.locked, "movingtodeliver"),
        (queued_s, "queuingtodeliver"),
        (times.set_down, "readytodeliver"),
        (times.unlocked, "delivered"),
    ]
    for at_s, step in steps:
        if at_s is not None:
            crane.tell(at_s, "job", job | {"step": step})
    return str(job["job_id"])
