"""What no field of a file can know of itself: what is said twice, used and not declared, or asked of nothing.

Looks at the text's own values, so that a fault in one place hides none in another.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from schemas.classification import KEPT_DAYS
from schemas.onboard.model import TOPIC_OF_KIND, Port
from schemas.onboard.positions import Path
from schemas.sla import load_profiles

Faults = Iterator[tuple[Path, str]]
_UNIQUE: Final = (("gateways", "source"), ("gateways", "principal"), ("assets", "id"))


def cross_faults(said: Any) -> list[tuple[Path, str]]:
    """Every such fault, whatever else is wrong with the file."""
    return [*_twice(said), *_undeclared(said), *_shifts(said)]


def agreed_faults(port: Port) -> list[tuple[Path, str]]:
    """Of a file whose every part is right: what is agreed and cannot be kept."""
    return [*_principals(port), *_profiles(port), *_unsent(port), *_retention(port), *_baselines(port)]


def _entries(said: Any, name: str) -> list[tuple[Path, Mapping[str, Any]]]:
    several = said.get(name) if isinstance(said, dict) else None
    if not isinstance(several, list):
        return []
    return [((name, n), one) for n, one in enumerate(several) if isinstance(one, dict)]


def _twice(said: Any) -> Faults:
    for part, word in _UNIQUE:
        seen: dict[str, Path] = {}
        for place, one in _entries(said, part):
            value = one.get(word)
            if isinstance(value, str) and seen.setdefault(value, place) is not place:
                yield (*place, word), f"{value!r} is the {word} of another one too"


def _undeclared(said: Any) -> Faults:
    sources = {one.get("source") for _, one in _entries(said, "gateways")}
    assets = {one.get("id"): one for _, one in _entries(said, "assets") if isinstance(one.get("id"), str)}
    for place, one in _entries(said, "assets"):
        several = one.get("gateways")
        for n, source in enumerate(several if isinstance(several, list) else ()):
            if isinstance(source, str) and source not in sources:
                yield (*place, "gateways", n), f"{source!r} is no gateway of this file"
        carrier = one.get("carried_by")
        if isinstance(carrier, str) and assets.get(carrier, {}).get("kind") != "crane":
            yield (*place, "carried_by"), f"{carrier!r} is no crane of this file"
        if one.get("kind") in TOPIC_OF_KIND and (one.get("kind") == "gate") != bool(one.get("lanes")):
            yield (*place, "lanes"), "a gate has lanes, and nothing else has"


def _shifts(said: Any) -> Faults:
    site = said.get("site") if isinstance(said, dict) else None
    names = [one.get("name") for _, one in _entries(site, "shifts")]
    for n, name in enumerate(names):
        if name in names[:n]:
            yield ("site", "shifts", n, "name"), f"{name!r} is another shift's name too"


def _principals(port: Port) -> Faults:
    names = [gateway.name for gateway in port.gateways]
    for n, name in enumerate(names):
        if name in names[:n]:
            yield ("gateways", n), f"{name!r} would be its name at the brokers, and is another one's: write `principal`"


def _unsent(port: Port) -> Faults:
    topics = {gateway.source: gateway.topics for gateway in port.gateways}
    for n, asset in enumerate(port.assets):
        wanted = TOPIC_OF_KIND[asset.kind]
        if not any(wanted in topics[source] for source in asset.gateways):
            yield ("assets", n, "gateways"), f"none of them writes {wanted}, which a {asset.kind} reports to"


def _profiles(port: Port) -> Faults:
    profiles = {profile.profile_id: profile for profile in load_profiles()}
    for n, name in enumerate(port.sla):
        profile = profiles[name]
        if not port.judged_by(profile) and not (profile.applies_to.five_qi or profile.applies_to.slices):
            kinds = ", ".join(profile.applies_to.types) or "modems that ride on cranes"
            yield ("sla", n), f"{name} is asked of no device of this site: it is for {kinds}"


def _retention(port: Port) -> Faults:
    least = KEPT_DAYS["personal"]
    if least is not None and port.retention.get("personal", least) < least:
        yield (
            ("retention", "personal"),
            f"keys of pseudonyms are kept {least} days and no shorter: write {least} or more",
        )


def _baselines(port: Port) -> Faults:
    seen = set()
    for n, baseline in enumerate(port.baselines):
        if baseline.until <= baseline.since:
            yield ("baselines", n, "to"), "is not after `from`"
        for m, value in enumerate(baseline.values):
            place = ("baselines", n, "values", m)
            if (value.kpi, value.part) in seen:
                yield place, f"{value.kpi} is said twice: one number to compare with"
            seen.add((value.kpi, value.part))
            inputs = value.definition.inputs
            if inputs.denominator not in (None, inputs.n) and value.denominator is None:
                yield place, f"{value.kpi} is {inputs.numerator} / {inputs.denominator}: write `denominator`"
            if value.definition.compare == "welch" and value.sd is None:
                yield place, f"{value.kpi} is a mean, compared by its spread: write `sd`"
