"""`stndDefined`: notifications of 3GPP TS 28.532 inside a VES event."""

from collections import Counter
from datetime import datetime
from typing import Any, Final

from connectors.network.decoded import ALARM, HEARTBEAT, Decoded, RefusedPartError
from connectors.ves.fields import Block, extras, optional, real, seconds, text, word
from connectors.ves.header import Header

_SEVERITIES: Final = {
    **{severity: severity.lower() for severity in ("CRITICAL", "MAJOR", "MINOR", "WARNING", "CLEARED")},
    "INDETERMINATE": "warning",
}
_ALARMS: Final = ("notifyNewAlarm", "notifyChangedAlarm", "notifyClearedAlarm")
_DIRECTIONS: Final = ("UP", "DOWN")


def notification(data: Block, header: Header, notes: Counter[str]) -> Decoded | None:
    """The event of a notification; None for a kind that carries nothing for us, which is counted."""
    kind = word(data, "notificationType")
    if kind in _ALARMS:
        made, what = _alarm(data, kind), ALARM
    elif kind == "notifyHeartbeat":
        made, what = {"interval_s": seconds(data, "heartbeatNtfPeriod")}, HEARTBEAT
    elif kind == "notifyThresholdCrossing":
        made, what = _crossing(data, header), ALARM
    else:
        notes[f"nothing_for_us: stndDefined {kind[:64]}"] += 1
        return None
    moment, marks = _time(data, header, notes)
    more = extras(vendor=header.vendor, ves_id=header.event_id)
    return Decoded(what, header.element, moment, {**made, **more, **marks, **header.marks})


def _time(data: Block, header: Header, notes: Counter[str]) -> tuple[datetime, dict[str, Any]]:
    """The notification's own time, when it is one; else the header's, with a mark."""
    given = data.get("eventTime")
    try:
        moment = datetime.fromisoformat(given) if isinstance(given, str) else None
    except ValueError:
        moment = None
    if moment is not None and moment.tzinfo is not None:
        return moment, {}
    if given is None:
        return header.last, {}
    notes["event_time_unreadable"] += 1
    return header.last, {"event_time": str(given)[:512]}


def _alarm(data: Block, kind: str) -> dict[str, Any]:
    given = optional(data, "perceivedSeverity")
    severity = "cleared" if kind == "notifyClearedAlarm" else _SEVERITIES.get(given or "")
    if severity is None:
        raise RefusedPartError(f"perceivedSeverity {(given or '')[:40]!r} is none of {', '.join(_SEVERITIES)}")
    return {
        "alarm_id": word(data, "alarmId"),
        "condition": word(data, "alarmType"),
        "severity": severity,
        "interface": optional(data, "objectInstance"),
        "specific_problem": text(data, "specificProblem"),
        "probable_cause": text(data, "probableCause"),
        **extras(
            original_severity=given if given == "INDETERMINATE" else None,
            notification_type=kind,
            additional_text=text(data, "additionalText"),
            system_dn=optional(data, "systemDN"),
        ),
    }


def _crossing(data: Block, header: Header) -> dict[str, Any]:
    """TS 28.532 gives no severity: a warning. Which direction is the bad one, the notification does not say."""
    name, direction = word(data, "observedPerfMetricName"), word(data, "observedPerfMetricDirection")
    if direction not in _DIRECTIONS:
        raise RefusedPartError(f"observedPerfMetricDirection {direction[:40]} is neither UP nor DOWN")
    limit = real(data, "thresholdValue")
    return {
        "alarm_id": header.event_id or name,
        "condition": name,
        "severity": "warning",
        "interface": optional(data, "objectInstance"),
        "specific_problem": f"{direction} {limit:g}",
        **extras(
            notification_type="notifyThresholdCrossing",
            observed_value=real(data, "observedPerfMetricValue"),
            threshold_value=limit,
            hysteresis=data.get("hysteresis"),
        ),
    }
