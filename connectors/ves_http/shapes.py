"""The common event format 30.2.1 (VES 7.2.1) as data: the header of every event, and whole the blocks that we read.

Members that the standard does not know are welcome: real senders add them. Single results of a report are not checked
here: the decoder takes the good ones and sets the others aside.
"""

from typing import Any, Final

from connectors.ves_http.kinds import (
    Kind,
    Need,
    Problem,
    integer,
    list_of,
    number,
    one_of,
    shape,
    text,
    texts,
    thing,
    version,
)

_SEVERITIES: Final = one_of("CRITICAL", "MAJOR", "MINOR", "WARNING", "NORMAL")
_DOMAINS: Final = (
    *("fault", "heartbeat", "measurement", "mobileFlow", "notification", "other", "perf3gpp", "pnfRegistration"),
    *("sipSignaling", "stateChange", "stndDefined", "syslog", "thresholdCrossingAlert", "voiceQuality"),
)
_NAMED: Final = list_of(shape("name hashMap", "", name=text, hashMap=texts))

_HEADER: Final = shape(
    "domain lastEpochMicrosec",
    "eventId eventName priority reportingEntityName sequence sourceName startEpochMicrosec version vesEventListenerVersion",
    domain=one_of(*_DOMAINS),
    eventId=text,
    eventName=text,
    eventType=text,
    lastEpochMicrosec=number,
    nfcNamingCode=text,
    nfNamingCode=text,
    nfVendorName=text,
    priority=one_of("High", "Medium", "Normal", "Low"),
    reportingEntityId=text,
    reportingEntityName=text,
    sequence=integer,
    sourceId=text,
    sourceName=text,
    startEpochMicrosec=number,
    stndDefinedNamespace=text,
    timeZoneOffset=text,
    version=one_of("4.0", "4.0.1", "4.1"),
    vesEventListenerVersion=one_of("7.0", "7.0.1", "7.1", "7.1.1", "7.2", "7.2.1"),
)

_FAULT: Final = shape(
    "alarmCondition eventSeverity",
    "eventSourceType faultFieldsVersion specificProblem vfStatus",
    alarmCondition=text,
    alarmAdditionalInformation=texts,
    alarmInterfaceA=text,
    eventCategory=text,
    eventSeverity=_SEVERITIES,
    eventSourceType=text,
    faultFieldsVersion=version("4.0"),
    specificProblem=text,
    vfStatus=one_of("Active", "Idle", "Preparing to terminate", "Ready to terminate", "Requesting termination"),
)

_THRESHOLD: Final = shape(
    "alertAction alertType eventSeverity collectionTimestamp eventStartTimestamp",
    "additionalParameters alertDescription thresholdCrossingFieldsVersion",
    additionalParameters=list_of(
        shape(
            "",
            "criticality hashMap thresholdCrossed",
            criticality=one_of("CRIT", "MAJ"),
            hashMap=texts,
            thresholdCrossed=text,
        )
    ),
    alertAction=one_of("CLEAR", "CONT", "SET"),
    alertDescription=text,
    alertType=one_of("CARD-ANOMALY", "ELEMENT-ANOMALY", "INTERFACE-ANOMALY", "SERVICE-ANOMALY"),
    collectionTimestamp=text,
    eventSeverity=_SEVERITIES,
    eventStartTimestamp=text,
    interfaceName=text,
    possibleRootCause=text,
    thresholdCrossingFieldsVersion=version("4.0"),
)

_REPORT: Final = shape(
    "measTypes measValuesList",
    "",
    jobId=text,
    measInfoId=thing,
    measTypes=thing,
    measValuesList=list_of(shape("measObjInstId measResults", "", measObjInstId=text, measResults=list_of(thing))),
)

BLOCKS: Final[dict[str, tuple[str, Kind]]] = {
    "fault": ("faultFields", _FAULT),
    "thresholdCrossingAlert": ("thresholdCrossingAlertFields", _THRESHOLD),
    "heartbeat": (
        "heartbeatFields",
        shape(
            "",
            "heartbeatFieldsVersion heartbeatInterval",
            additionalFields=texts,
            heartbeatFieldsVersion=version("3.0"),
            heartbeatInterval=integer,
        ),
    ),
    "measurement": (
        "measurementFields",
        shape(
            "measurementInterval",
            "measurementFieldsVersion",
            additionalMeasurements=_NAMED,
            measurementFieldsVersion=version("4.0"),
            measurementInterval=number,
        ),
    ),
    "perf3gpp": (
        "perf3gppFields",
        shape(
            "measDataCollection",
            "perf3gppFieldsVersion",
            perf3gppFieldsVersion=version("1.0", "1.0.1"),
            measDataCollection=shape(
                "granularityPeriod measInfoList",
                "measuredEntityDn",
                granularityPeriod=number,
                measuredEntityDn=text,
                measInfoList=list_of(_REPORT),
            ),
        ),
    ),
    "stndDefined": (
        "stndDefinedFields",
        shape(
            "data",
            "stndDefinedFieldsVersion",
            data=thing,
            schemaReference=text,
            stndDefinedFieldsVersion=version("1.0"),
        ),
    ),
    "notification": (
        "notificationFields",
        shape(
            "changeIdentifier changeType",
            "notificationFieldsVersion",
            arrayOfNamedHashMap=_NAMED,
            changeIdentifier=text,
            changeType=text,
            notificationFieldsVersion=version("2.0"),
        ),
    ),
}
# What an event of the domain may do without.
_OPTIONAL: Final = frozenset({"heartbeat"})


def problem_of_event(event: Any, at: str, need: Need) -> Problem | None:
    """The first thing wrong with a member of `event` or `eventList`, by what we need or by the whole standard."""
    if not isinstance(event, dict):
        return Problem(at, "not an object")
    if "commonEventHeader" not in event:
        return Problem(f"{at}.commonEventHeader")
    header = event["commonEventHeader"]
    return _HEADER(header, f"{at}.commonEventHeader", need) or _problem_of_block(event, header["domain"], at, need)


def _problem_of_block(event: dict[str, Any], domain: str, at: str, need: Need) -> Problem | None:
    if domain == "stndDefined" and need == "standard" and not event["commonEventHeader"].get("stndDefinedNamespace"):
        return Problem(f"{at}.commonEventHeader.stndDefinedNamespace")
    name, check = BLOCKS.get(domain, ("", thing))
    if not name or (name not in event and domain in _OPTIONAL):
        return None
    return check(event[name], f"{at}.{name}", need) if name in event else Problem(f"{at}.{name}")
