"""What network samples must become, worked out from the standards with plain loops; shares no code with the decoders.

PM files are read whole as a tree (TS 32.435: `r p` belongs to `measType p`, lists belong by position); of VES messages
those with numbers (`p` is the 1-based position among measTypes). Rows are as port.cell_measurement has them.
"""

import json
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

Row = dict[str, Any]
SITE = "VNHPH-DEEPC2"


def pm_rows(path: Path) -> list[Row]:
    """The rows of a PM file."""
    root = ET.parse(path).getroot()  # noqa: S314  (our own test data)
    space = root.tag.partition("}")[0] + "}"
    vendor = root.find(f"{space}fileHeader").attrib["vendorName"]  # type: ignore[union-attr]
    rows: list[Row] = []
    for data in root.findall(f"{space}measData"):
        element = data.find(f"{space}managedElement").attrib["localDn"]  # type: ignore[union-attr]
        for info in data.findall(f"{space}measInfo"):
            period = info.find(f"{space}granPeriod").attrib  # type: ignore[union-attr]
            names = {t.attrib["p"]: t.text for t in info.findall(f"{space}measType")}
            for listed in info.findall(f"{space}measTypes"):
                names |= {str(i + 1): name for i, name in enumerate((listed.text or "").split())}
            for value in info.findall(f"{space}measValue"):
                results = {r.attrib["p"]: r.text or "" for r in value.findall(f"{space}r")}
                for listed in value.findall(f"{space}measResults"):
                    results |= {str(i + 1): text for i, text in enumerate((listed.text or "").split())}
                suspect = value.findtext(f"{space}suspect")
                common = {
                    "cell_id": f"{SITE}-{_upper(element.split('=')[-1])}",
                    "time": _utc(period["endTime"]),
                    "object": value.attrib["measObjLdn"],
                    "managed_element": element,
                    "vendor": vendor,
                    "granularity_s": int(period["duration"].removeprefix("PT").removesuffix("S")),
                    "suspect": None if suspect is None else suspect == "true",
                }
                for p, text in results.items():
                    rows += [{**common, **own} for own in _values(str(names[p]), text)]
    return rows


def ves_rows(path: Path) -> list[Row]:
    """The rows of a VES message's numbers."""
    event = json.loads(path.read_text()).get("event")
    if event is None:  # a list of alarms
        return []
    header = event["commonEventHeader"]
    common: Row = {
        "cell_id": f"{SITE}-{_upper(header['sourceName'])}",
        "time": datetime.fromtimestamp(header["lastEpochMicrosec"] / 1e6, UTC).isoformat(),
        "vendor": header.get("nfVendorName"),
    }
    return list(_collected(event, common)) + list(_maps(event, header, common))


def _collected(event: Any, common: Row) -> Iterator[Row]:
    collection = event.get("perf3gppFields", {}).get("measDataCollection", {"measInfoList": []})
    for info in collection["measInfoList"]:
        names = info["measTypes"]["sMeasTypesList"]
        for values in info["measValuesList"]:
            of = {
                "object": values["measObjInstId"],
                "managed_element": collection["measuredEntityDn"],
                "granularity_s": collection["granularityPeriod"],
                "suspect": values["suspectFlag"] == "true",
            }
            for result in values["measResults"]:
                for own in _values(names[result["p"] - 1], result["sValue"]):
                    yield {**common, **of, **own}


def _maps(event: Any, header: Any, common: Row) -> Iterator[Row]:
    fields = event.get("measurementFields", {})
    for given in fields.get("additionalMeasurements", []):
        for name, text in given["hashMap"].items():
            if text.isdigit():
                of = {
                    "object": given["name"],
                    "managed_element": header["sourceName"],
                    "granularity_s": fields["measurementInterval"],
                    "suspect": None,
                }
                yield {**common, **of, "name": name, "labels": {}, "value": float(text)}


def _values(name: str, text: str) -> Iterable[Row]:
    elements = text.split(",")
    for position, element in enumerate(elements):
        labels = {"bin": str(position)} if len(elements) > 1 else {}
        yield {"name": name, "labels": labels, "value": float(element) if element.strip() else None}


def summed(rows: Iterable[Row]) -> dict[str, list[float]]:
    """By name: rows, rows without value, suspect rows, sum of values."""
    sums: dict[str, list[float]] = {}
    for row in rows:
        of = sums.setdefault(row["name"], [0, 0, 0, 0.0])
        of[0] += 1
        of[1] += row["value"] is None
        of[2] += bool(row["suspect"])
        of[3] += row["value"] or 0.0
    return sums


def _upper(name: str) -> str:
    return "".join(c if c.isalnum() else "_" for c in name.upper())


def _utc(text: str) -> str:
    return datetime.fromisoformat(text).astimezone(UTC).isoformat()
