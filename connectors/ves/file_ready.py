"""Files that a VES event announces: `notifyFileReady` of TS 28.532 (12.6) in `stndDefined`, `FileReady` in `notification`."""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

import msgspec

Block = Mapping[str, Any]
# What a `fileDataType` of measurements is called in the releases of TS 28.532.
_MEASUREMENTS: Final = frozenset({"PERFORMANCE", "PM", ""})
_SORTED: Final = msgspec.json.Encoder(order="sorted").encode


class Announced(NamedTuple):
    """A file of measurements: where it is said to be, which element says so, and a key that the same notification repeats."""

    location: str
    element: str
    key: str


def announced_in(event: Block) -> list[Announced]:
    """The files an event of the right format announces; none for any other event."""
    header = event["commonEventHeader"]
    element = str(header.get("sourceName") or header.get("reportingEntityName") or "")
    moment = header.get("lastEpochMicrosec")
    return [
        Announced(location, element, hashlib.sha256(_SORTED([element, moment, info])).hexdigest()[:16])
        for location, info in _files(event)
    ]


def _files(event: Block) -> Iterator[tuple[str, Any]]:
    standard, notification = event.get("stndDefinedFields"), event.get("notificationFields")
    if isinstance(standard, dict):
        yield from _of_standard(standard.get("data"))
    elif isinstance(notification, dict) and notification.get("changeType") == "FileReady":
        for one in notification.get("arrayOfNamedHashMap") or ():
            location = one["hashMap"].get("location")
            if location:
                yield location, one


def _of_standard(data: Any) -> Iterator[tuple[str, Any]]:
    """Flat as in later releases, or header and body as in release 16."""
    if not isinstance(data, dict):
        return
    header, body = data.get("header", data), data.get("body", data)
    if (
        not isinstance(header, dict)
        or not isinstance(body, dict)
        or header.get("notificationType") != "notifyFileReady"
    ):
        return
    files = body.get("fileInfoList")
    for info in files if isinstance(files, list) else ():
        location = info.get("fileLocation") if isinstance(info, dict) else None
        kind = str(info.get("fileDataType") or "").upper() if isinstance(info, dict) else ""
        if isinstance(location, str) and location and kind in _MEASUREMENTS:
            yield location, info
