"""`measurement`: the counters in `additionalMeasurements`. What else it holds is of virtual machines, not of a network."""

from collections.abc import Iterator
from typing import Any

from connectors.network.decoded import MEASUREMENT, Decoded, RefusedPartError
from connectors.network.numbers import measured
from connectors.ves.fields import Block, items, seconds, word
from connectors.ves.header import Header


def hash_maps(fields: Block, header: Header) -> Iterator[Decoded]:
    """One report per named map: its numbers, which the standard writes as text; other texts in it are kept in `texts`."""
    if fields.get("additionalMeasurements") is None:
        return
    granularity_s = seconds(fields, "measurementInterval")
    for given in items(fields, "additionalMeasurements"):
        if not isinstance(given, dict) or not isinstance(given.get("hashMap"), dict):
            raise RefusedPartError("additionalMeasurements holds something without a hashMap")
        measurements, texts = _parted(given["hashMap"])
        if not measurements:
            continue
        data: dict[str, Any] = {"granularity_s": granularity_s, "object": word(given, "name")}
        data |= {"managed_element": header.element, "vendor": header.vendor, "measurements": measurements}
        data |= {"texts": texts} if texts else {}
        yield Decoded(MEASUREMENT, header.element, header.last, {**data, **header.marks})


def _parted(given: Block) -> tuple[list[dict[str, Any]], dict[str, str]]:
    measurements: list[dict[str, Any]] = []
    texts: dict[str, str] = {}
    for name, value in given.items():
        if not isinstance(value, str):
            raise RefusedPartError(f"{name[:64]}: a hashMap holds texts only")
        try:
            made = measured(_name(name), value)
        except RefusedPartError:
            texts[name] = value
        else:
            measurements += made
    return measurements, texts


def _name(name: str) -> str:
    if not 0 < len(name.strip()) <= 256 or "\0" in name:
        raise RefusedPartError("no name for a counter")
    return name.strip()
