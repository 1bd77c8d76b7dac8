"""A first file of a site from a table of its assets: what the table says, and the rest as it usually is, to be looked at."""

import csv
from collections.abc import Iterator, Mapping
from io import StringIO
from typing import Any, Final

import yaml

from schemas.errors import ConfigurationError
from schemas.identifiers import is_subject, site_of
from schemas.onboard.model import TOPIC_OF_KIND
from schemas.sla import Device, profiles_of

_TOPICS: Final[Mapping[str, str]] = {str(kind): topic for kind, topic in TOPIC_OF_KIND.items()}
NEEDED: Final = ("id", "kind", "type", "gateway")
_HEAD: Final = """# Drafted from {name}. Look at everything, above all at name, clock and shifts, at who writes which topics,
# and at what is agreed (docs/how-to/onboard.md). Then: quaystream onboard FILE --dry-run
"""
_SHIFTS: Final = [
    {"name": "morning", "start": "06:00", "end": "14:00"},
    {"name": "afternoon", "start": "14:00", "end": "22:00"},
    {"name": "night", "start": "22:00", "end": "06:00"},
]


def draft(text: str, name: str) -> str:
    """The file for a CSV with the columns id, kind, type, gateway, and where it has them name, lanes (with blanks), carried_by.

    `id` is the whole subject, all of one site. Raises ConfigurationError with every line that cannot be used.
    """
    rows = list(csv.DictReader(StringIO(text.removeprefix("\ufeff"))))
    faults = list(_faults(rows))
    if faults:
        raise ConfigurationError("\n  ".join([f"{name} is no table of assets:", *faults]))
    site = site_of(rows[0]["id"])
    assets = [_asset(row, site) for row in rows]
    said = {
        "site": {"id": site, "name": site.partition("-")[2].title(), "utc_offset": "+07:00", "shifts": _SHIFTS},
        "gateways": _gateways(rows),
        "assets": assets,
        "sla": _profiles(assets, site),
    }
    return _HEAD.format(name=name) + yaml.safe_dump(said, sort_keys=False, width=120, allow_unicode=True)


def _faults(rows: list[dict[str, Any]]) -> Iterator[str]:
    if not rows:
        yield f"it has no line: write a header ({', '.join(NEEDED)}) and a line for each asset"
        return
    missing = [column for column in NEEDED if column not in rows[0]]
    if missing:
        yield f"the header lacks {', '.join(missing)}"
        return
    sites = set()
    for number, row in enumerate(rows, 2):
        if None in row or None in row.values():
            yield f"line {number}: has more or fewer fields than the header"
        elif not is_subject(row["id"]):
            yield f"line {number}: {row['id']!r} is no subject such as VNHPH-TANVU-STS01"
        elif row["kind"] not in TOPIC_OF_KIND:
            yield f"line {number}: {row['kind']!r} is no kind: write one of {', '.join(TOPIC_OF_KIND)}"
        elif not row["gateway"].startswith("/"):
            yield f"line {number}: {row['gateway']!r} is no source such as /vnhph/tanvu/gw-01"
        else:
            sites.add(site_of(row["id"]))
    if len(sites) > 1:
        yield f"it is of several sites ({', '.join(sorted(sites))}): one file is one site"


def _asset(row: Mapping[str, str], site: str) -> dict[str, Any]:
    asset: dict[str, Any] = {"id": _last(row["id"], site), "kind": row["kind"], "type": row["type"]}
    if row.get("name"):
        asset["name"] = row["name"]
    asset["gateways"] = [row["gateway"]]
    if row.get("lanes"):
        asset["lanes"] = row["lanes"].split()
    if row.get("carried_by"):
        asset["carried_by"] = _last(row["carried_by"], site)
    return asset


def _last(subject: str, site: str) -> str:
    return subject.removeprefix(f"{site}-")


def _gateways(rows: list[dict[str, str]]) -> list[dict[str, Any]]:
    topics: dict[str, list[str]] = {}
    for row in rows:
        topics.setdefault(row["gateway"], []).append(_TOPICS[row["kind"]])
    return [{"source": source, "topics": list(dict.fromkeys(several))} for source, several in topics.items()]


def _profiles(assets: list[dict[str, Any]], site: str) -> list[str]:
    """Those that are asked of the devices by what they are."""
    found: list[str] = []
    for asset in assets:
        if asset["kind"] == "device":
            device = Device(
                device_id=f"{site}-{asset['id']}", site=site, type=asset["type"], carried_by=asset.get("carried_by")
            )
            found += [
                one.profile_id for one in profiles_of(device) if not (one.applies_to.five_qi or one.applies_to.slices)
            ]
    return list(dict.fromkeys(found))
