"""Faults of cranes: warnings that come and go during a lift, and errors that stop work between two lifts."""

import math
from typing import Final

from connectors.simulator.cranes import Crane

_WARNING_SHARE: Final = 0.03
_STOP_SHARE: Final = 0.016
_STOP_MEDIAN_S: Final = 240
_STOP_RANGE_S: Final = (45.0, 1500.0)

# After the form of TIC4.0's error codes (p. 878772262): number, words.
_WARNINGS: Final = (
    ("1.4.1.2.7", "che.spreader.twistlock.response.slow"),
    ("1.4.2.1.3", "che.trolley.antisway.quality.low"),
    ("1.4.7.1.2", "che.control.link.latency.high"),
    ("1.4.5.3.1", "che.powersource.temperature.high"),
)
_ERRORS: Final = (
    ("1.4.1.1.1", "che.hoist.performance.speed.high"),
    ("1.4.1.2.9", "che.spreader.twistlock.not.confirmed"),
    ("1.4.3.1.4", "che.boom.latch.not.confirmed"),
    ("1.4.2.2.2", "che.trolley.drive.overcurrent"),
)


def maybe_warn(crane: Crane, from_s: float, until_s: float) -> None:
    """Perhaps raise a warning during a lift, and clear it again; work goes on."""
    dice = crane.dice
    if dice.random() >= _WARNING_SHARE:
        return
    code, words = dice.choice(_WARNINGS)
    fault = {"code": code, "severity": "warning", "stops_work": False, "description": words}
    raised_s = dice.uniform(from_s, until_s)
    crane.tell(raised_s, "fault", fault | {"active": True})
    crane.tell(raised_s + dice.uniform(5, 120), "fault", fault | {"active": False})


def maybe_stop(crane: Crane, at_s: float) -> float:
    """Perhaps break down now; the second at which work may go on."""
    dice = crane.dice
    if dice.random() >= _STOP_SHARE:
        return at_s
    low, high = _STOP_RANGE_S
    seconds = min(max(dice.lognormvariate(math.log(_STOP_MEDIAN_S), 0.8), low), high)
    code, words = dice.choice(_ERRORS)
    fault = {"code": code, "severity": "error", "stops_work": True, "description": words}
    crane.tell(at_s, "fault", fault | {"active": True})
    end_s = crane.rest(at_s, seconds, "fault")
    crane.tell(end_s, "fault", fault | {"active": False})
    return end_s
