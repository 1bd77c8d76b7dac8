"""`fault` and `thresholdCrossingAlert`: the fields of an alarm, cleared by NORMAL and by CLEAR."""

from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any, Final

from connectors.kafka.outgoing import time_text
from connectors.network.decoded import RefusedPartError
from connectors.ves.fields import Block, extras, optional, text, word
from connectors.ves.header import Header

_SEVERITIES: Final = {
    **{severity: severity.lower() for severity in ("CRITICAL", "MAJOR", "MINOR", "WARNING")},
    "NORMAL": "cleared",
}
_CLEAR: Final = "CLEAR"
_ACTIONS: Final = (_CLEAR, "CONT", "SET")


def fault(fields: Block, header: Header) -> dict[str, Any]:
    """The data of a `cell.alarm.v1` of a fault. Without an `eventId` its condition names the alarm."""
    condition = word(fields, "alarmCondition")
    return {
        "alarm_id": header.event_id or condition,
        "condition": condition,
        "severity": _severity(word(fields, "eventSeverity")),
        "interface": optional(fields, "alarmInterfaceA"),
        "specific_problem": text(fields, "specificProblem"),
        **extras(
            started_at=time_text(header.started) if header.started else None,
            event_category=optional(fields, "eventCategory"),
            event_source_type=optional(fields, "eventSourceType"),
            vf_status=optional(fields, "vfStatus"),
            vendor=header.vendor,
            additional=fields.get("alarmAdditionalInformation"),
        ),
    }


def threshold(fields: Block, header: Header) -> dict[str, Any]:
    """The data of an alarm of a threshold that was crossed; its times are RFC 2822 texts."""
    action = word(fields, "alertAction")
    if action not in _ACTIONS:
        raise RefusedPartError(f"alertAction {action[:40]} is none of {', '.join(_ACTIONS)}")
    severity = _severity(word(fields, "eventSeverity"))
    condition = word(fields, "alertType")
    return {
        "alarm_id": header.event_id or condition,
        "condition": condition,
        "severity": "cleared" if action == _CLEAR else severity,
        "interface": optional(fields, "interfaceName"),
        "specific_problem": text(fields, "alertDescription"),
        "probable_cause": text(fields, "possibleRootCause"),
        **extras(
            started_at=_rfc_2822(fields, "eventStartTimestamp"),
            collected_at=_rfc_2822(fields, "collectionTimestamp"),
            alert_action=action,
            vendor=header.vendor,
            additional=fields.get("additionalParameters"),
        ),
    }


def _severity(given: str) -> str:
    severity = _SEVERITIES.get(given)
    if severity is None:
        raise RefusedPartError(f"eventSeverity {given[:40]} is none of {', '.join(_SEVERITIES)}")
    return severity


def _rfc_2822(fields: Block, name: str) -> str:
    given = word(fields, name)
    try:
        moment = parsedate_to_datetime(given)
        # "-0000" says UTC without knowing where.
        return time_text(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    except (ValueError, OverflowError, TypeError, IndexError):
        raise RefusedPartError(f"{name} {given[:40]!r} is no RFC 2822 time") from None
