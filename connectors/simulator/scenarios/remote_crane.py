"""A quay crane whose controls come by radio: it plans a lift, and every fade stretches the plan where it moves.

Axes and switches are entered in planned seconds; what is told and sampled is at the seconds at which they come to pass.
"""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from connectors.simulator.carry import Carry, Drive, Spot, carry
from connectors.simulator.cranes import Crane
from connectors.simulator.facts import Fact
from connectors.simulator.fades import Fade
from connectors.simulator.gateways import Place
from connectors.simulator.lift import LiftTimes, Order, enter_switches, record, tell_job
from connectors.simulator.machine import Machine, Meters, Power, Spreader
from connectors.simulator.moments import rfc3339
from connectors.simulator.motion import Axis
from connectors.simulator.sts import MANNER
from connectors.simulator.warp import Warp
from connectors.simulator.world import World, event_type
from schemas.reference import Asset

_SAMPLE: Final = event_type("crane.sample")
_SPREADER_T: Final = 12.0
_POWER: Final = Power(idle_kw=45.0, trolley_kw=22.0, gantry_kw=160.0)
_SLACK_BEFORE_PICK: Final = 0.4
_REACTS_S: Final = (0.1, 0.6)  # a watchdog of the controls, and the brakes
_RESUMES_S: Final = {"slowing": (0.2, 0.8), "stopping": (1.0, 3.5)}  # an operator has to acknowledge a stop
_SPEED: Final = {"slowing": 0.3, "stopping": 0.0}
_MISLOCK_S: Final = 4.0
_QUEUES_AFTER_S: Final = 10.0
_WIND_MPS: Final = 5.0
_LEAST_S: Final = 0.05  # a cost below this is none


class RemoteCrane(Crane):
    """`stand` and `lift` go on from `now_s`; `fades` may be added to ahead of their time."""

    def __init__(self, world: World, place: Place, asset: Asset, fades: list[Fade]) -> None:
        machine = Machine(
            _POWER,
            hoist=Axis(24.0),
            trolley=Axis(0.0),
            gantry=Axis(60.0 + 85.0 * int(asset.asset_id[-2:])),
            spreader=Spreader(),
            meters=Meters(400_000.0, 90_000),
        )
        super().__init__(world, place, asset, machine, _SPREADER_T)
        self.fades = fades
        # Dice of their own: a plan does not depend on what hinders it.
        self._plans = world.dice(f"plans/{asset.asset_id}")
        self._delays = world.dice(f"delays/{asset.asset_id}")
        self.now_s = 0.0
        self._warp = Warp()
        self._unlocked_s: float | None = None
        self._stood_s = 0.0
        self._lost_s = 0.0
        self._hit: list[Fade] = []

    def samples(self, program: Iterator[float], step_s: float) -> Iterator[Fact]:
        phase_s, tick = self.dice.random() * step_s, 0
        at_s = phase_s
        for planned_s in program:
            while at_s < planned_s:
                yield Fact(self.world.after(at_s), self.gateway, _SAMPLE, self.subject, self._reading(at_s))
                tick += 1
                at_s = phase_s + tick * step_s

    def stand(self, until_s: float, reason: str) -> float:
        """Stand idle until a second."""
        self._warp_lift_off()
        self.status(self.now_s, "idle", reason)
        self._stood_s += until_s - self.now_s
        self.now_s = until_s
        return until_s

    def lift(
        self,
        order: Order,
        *,
        takes_s: float,
        truck_s: float,
        looks_s: float,
        mislocks: bool,
        drives: tuple[Drive, Drive],
    ) -> float:
        """Play one lift and write down what the radio cost; the second at which it ends."""
        dice, machine, warp = self._plans, self.machine, self._warp
        self._lost_s, self._hit = 0.0, []
        began_s = self.now_s
        self.status(began_s, "working")
        free_s = self._warp_lift_off()
        machine.switch(free_s, **order.spreader)
        here = Spot(machine.trolley.target_m, machine.hoist.target_m)
        to_cargo = carry(here, order.pick, MANNER.clearance_m, drives[0])
        to_target = carry(order.pick, order.drop, MANNER.clearance_m, drives[1])
        settle_s, lock_s, release_s = (dice.uniform(*MANNER.dwell_s) for _ in range(3))
        busy_s = to_cargo.duration_s + settle_s + lock_s + to_target.duration_s + release_s
        slack_s = max(takes_s - busy_s, 0.0)

        landed_s = self._carry(to_cargo, free_s, slack_s * _SLACK_BEFORE_PICK, looks_s)
        first_lock_s = landed_s + settle_s
        self._hinder(landed_s, first_lock_s)
        attempt = self._lock(first_lock_s, lock_s, mislocks)
        locked_s = first_lock_s if attempt is None else attempt.again_s
        lifted_s = locked_s + lock_s
        self._hinder(locked_s, lifted_s)
        hover_s = slack_s * (1 - _SLACK_BEFORE_PICK)
        set_down_s = self._carry(to_target, lifted_s, hover_s, 0.0, truck_s)
        unlocked_s = set_down_s + release_s
        self._hinder(set_down_s, unlocked_s)

        planned = LiftTimes(free_s, landed_s, locked_s, lifted_s, set_down_s, unlocked_s)
        enter_switches(self, planned, order, attempt and (attempt.locked_s, attempt.unlocked_s))
        times = LiftTimes(began_s, *(warp.real(at_s) for at_s in planned[1:]))
        queued_s = warp.real(lifted_s + to_target.down_at_s) if hover_s + truck_s > _QUEUES_AFTER_S else None
        tell_job(self, times, order, queued_s)
        record(self, self._unlocked_s, self._stood_s, times, order)
        self._write_down(times, attempt)
        self.sits = True
        self._unlocked_s, self._stood_s, self.now_s = times.unlocked, 0.0, times.unlocked
        return self.now_s

    def _reading(self, at_s: float) -> dict[str, Any]:
        """The instruments; what a stop draws while it lasts is not metered."""
        reading, speed = self.machine.reading(self._warp.planned(at_s)), self._warp.speed(at_s)
        if speed != 1:
            for axis in ("hoist", "trolley", "gantry"):
                reading[f"{axis}_speed_mps"] = round(reading[f"{axis}_speed_mps"] * speed, 3)
            reading["power_kw"] = round(_POWER.idle_kw + (reading["power_kw"] - _POWER.idle_kw) * speed, 1)
        self.dress(reading, at_s)
        return reading

    def dress(self, reading: dict[str, Any], at_s: float) -> None:
        super().dress(reading, at_s)
        reading["wind_mps"] = _WIND_MPS

    def _warp_lift_off(self) -> float:
        return self.lift_off(self._warp.planned(self.now_s))

    def _carry(self, way: Carry, from_s: float, hover_s: float, looks_s: float, truck_s: float = 0.0) -> float:
        """Enter a way from planned second `from_s` on; hindered while it moves, not while it hovers for a while.

        A late truck is late by the clock: what the radio cost before it comes, it does not cost twice.
        """
        across_s = from_s + way.across_at_s + way.across.duration_s
        still_s = max(from_s + way.up.duration_s, across_s)
        self._hinder(from_s, still_s, self._look_twice(from_s, still_s, looks_s))
        absorbed_s = min(truck_s, self._lost_s)
        self._lost_s -= absorbed_s
        hover_s += truck_s - absorbed_s
        arrived_s = way.enter(from_s, hover_s, self.machine.hoist, self.machine.trolley)
        self._hinder(max(still_s, from_s + way.down_at_s + hover_s), arrived_s)
        return arrived_s

    def _look_twice(self, from_s: float, until_s: float, looks_s: float) -> float:
        """An operator stops for a moment on the way, whatever the radio; the second from which only fades hinder."""
        if not looks_s:
            return 0.0
        planned_s = from_s + self._plans.uniform(0.2, 0.8) * (until_s - from_s)
        self._hinder(from_s, planned_s)
        at_s = self._warp.real(planned_s)
        self._warp.go(at_s, 0.0)
        self._warp.go(at_s + looks_s, 1.0)
        return at_s + looks_s

    def _hinder(self, from_s: float, until_s: float, not_before_s: float = 0.0) -> None:
        """Stretch the plan between two planned seconds by every fade that meets it."""
        warp, at_s = self._warp, max(self._warp.real(from_s), not_before_s)
        for fade in self.fades:
            if fade.until_s <= at_s or fade.kind == "mild":
                continue
            onset_s = max(at_s, fade.from_s + self._delays.uniform(*_REACTS_S))
            left_s = until_s - warp.planned(onset_s)
            if left_s <= 0:
                return
            speed = _SPEED[fade.kind]
            end_s = fade.until_s + self._delays.uniform(*_RESUMES_S[fade.kind])
            if speed:
                end_s = min(end_s, onset_s + left_s / speed)
            if end_s > onset_s:
                warp.go(onset_s, speed)
                warp.go(end_s, 1.0)
                self._lost_s += (end_s - onset_s) * (1 - speed)
                self._hit.append(fade)
                at_s = end_s

    def _lock(self, at_s: float, lock_s: float, mislocks: bool) -> "Attempt | None":
        """Where a fade or bad luck comes between lock and lift: what is given up, and when it is tried again."""
        real_s = self._warp.real(at_s)
        fade = next((f for f in self.fades if f.kind == "stopping" and real_s + 1 < f.from_s < real_s + lock_s), None)
        if fade is None:
            return Attempt(real_s, at_s, at_s + 1.5, at_s + _MISLOCK_S, None) if mislocks else None
        unlocked_s = at_s + fade.from_s + 1.2 - real_s
        again_s = at_s + fade.until_s + self._delays.uniform(*_RESUMES_S["stopping"]) - real_s
        return Attempt(real_s, at_s, unlocked_s, max(again_s, unlocked_s + 1), fade)

    def _write_down(self, times: LiftTimes, attempt: "Attempt | None") -> None:
        after, told = self.world.after, self.world.chronicle.radio
        over_ms = after(times.unlocked)
        at = {"crane_id": self.subject, "unlocked_at": rfc3339(over_ms)}
        if attempt is not None and attempt.fade is not None:
            row = {"locked_at": rfc3339(after(attempt.real_s)), "lost_s": round(attempt.again_s - attempt.locked_s, 3)}
            told.append((over_ms, "aborted", at | row | {"fades": [rfc3339(after(attempt.fade.from_s))]}))
        if self._lost_s > _LEAST_S:
            fades = [rfc3339(after(fade.from_s)) for fade in dict.fromkeys(self._hit)]
            row = {"locked_at": rfc3339(after(times.locked)), "lost_s": round(self._lost_s, 3)}
            told.append((over_ms, "slowed", at | row | {"fades": fades}))


class Attempt(NamedTuple):
    """A lock that was given up: really at `real_s`; in planned seconds locked, unlocked, and tried again."""

    real_s: float
    locked_s: float
    unlocked_s: float
    again_s: float
    fade: Fade | None
