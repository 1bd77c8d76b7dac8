"""`perf3gpp`: measTypes and measResults of TS 28.550, joined by `p`, the 1-based position among the types."""

from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from connectors.network.decoded import MEASUREMENT, Decoded, RefusedPartError, Undecoded
from connectors.network.numbers import flag, measured
from connectors.ves.fields import Block, block, items, optional, real, seconds, word
from connectors.ves.header import Header

_VALUES: Final = ("iValue", "rValue", "sValue", "isNull")
_LONGEST_NAME: Final = 256


class Collection:
    """One `measDataCollection`. A result that cannot be used is set aside; its neighbours are reports all the same."""

    def __init__(self, collection: Block, header: Header, notes: Counter[str]) -> None:
        self._infos = items(collection, "measInfoList")
        self._header = header
        self._notes = notes
        self._refused: list[dict[str, Any]] = []
        self._report = {
            "granularity_s": seconds(collection, "granularityPeriod"),
            "managed_element": optional(collection, "measuredEntityDn"),
            "vendor": header.vendor,
            **header.marks,
        }

    def parts(self) -> Iterator[Decoded | Undecoded]:
        """A report per measured object, and everything that was refused as one part."""
        for position, info in enumerate(self._infos):
            yield from self._info(f"measInfoList[{position}]", info)
        if self._refused:
            first, header = self._refused[0], self._header
            more = f" (and {len(self._refused) - 1} more)" if len(self._refused) > 1 else ""
            why = f"{first['at']}: {first['why']}{more}"
            yield Undecoded(why, self._refused, MEASUREMENT, header.element, header.last)

    def _info(self, at: str, info: Any) -> Iterator[Decoded]:
        try:
            names = _names(info)
            objects = items(info, "measValuesList")
        except RefusedPartError as refused:
            self._set_aside(at, refused, info)
            return
        for position, values in enumerate(objects):
            here = f"{at}.measValuesList[{position}]"
            try:
                report = self._values(here, names, values)
            except RefusedPartError as refused:
                self._set_aside(here, refused, {"measTypes": info["measTypes"], "measValues": values})
            else:
                if report["measurements"]:
                    yield Decoded(MEASUREMENT, self._header.element, self._header.last, report)

    def _values(self, at: str, names: list[str | None], values: Any) -> dict[str, Any]:
        if not isinstance(values, dict):
            raise RefusedPartError("no object")
        report = {**self._report, "object": word(values, "measObjInstId"), "suspect": flag(values.get("suspectFlag"))}
        taken: dict[int, list[dict[str, Any]]] = {}
        for position, result in enumerate(items(values, "measResults")):
            try:
                p, name = _place(result, names, taken)
                taken[p] = _measurements(name, result)
            except RefusedPartError as refused:
                part = {"measObjInstId": values["measObjInstId"], "result": result}
                self._set_aside(f"{at}.measResults[{position}]", refused, part)
        report["measurements"] = [one for made in taken.values() for one in made]
        if nulls := sum(not made for made in taken.values()):
            self._notes["nulls"] += nulls
        return report

    def _set_aside(self, at: str, refused: RefusedPartError, part: Any) -> None:
        self._refused.append({"at": at, "why": str(refused), "part": part})


def _names(info: Any) -> list[str | None]:
    """The types by position; None where one is no name."""
    if not isinstance(info, dict):
        raise RefusedPartError("no object")
    types = block(info, "measTypes")
    given = [types[name] for name in ("sMeasTypesList", "iMeasTypesList") if isinstance(types.get(name), list)]
    if len(given) != 1:
        raise RefusedPartError("measTypes has not exactly one of sMeasTypesList and iMeasTypesList")
    return [_name(name) for name in given[0]]


def _name(given: Any) -> str | None:
    if isinstance(given, bool) or not isinstance(given, str | int):
        return None
    name = str(given).strip()
    return name if 0 < len(name) <= _LONGEST_NAME and "\0" not in name else None


def _place(result: Any, names: list[str | None], taken: dict[int, Any]) -> tuple[int, str]:
    p = result.get("p") if isinstance(result, dict) else None
    if isinstance(p, bool) or not isinstance(p, int):
        raise RefusedPartError("p is missing or no whole number")
    if not 1 <= p <= len(names):
        raise RefusedPartError(f"p {str(p)[:20]} is not from 1 to {len(names)}")
    if p in taken:
        raise RefusedPartError(f"p {p} comes twice")
    name = names[p - 1]
    if name is None:
        raise RefusedPartError(f"type {p} is no name")
    return p, name


def _measurements(name: str, result: Block) -> list[dict[str, Any]]:
    """What was measured; nothing where the network says that it has no value."""
    given = [value for value in _VALUES if result.get(value) is not None]
    if len(given) != 1:
        raise RefusedPartError(f"{name}: not exactly one of {', '.join(_VALUES)}")
    if given[0] == "sValue":
        if not isinstance(result["sValue"], str):
            raise RefusedPartError(f"{name}: sValue is no text")
        return [made for made in measured(name, result["sValue"]) if "bins" in made or made["value"] is not None]
    if given[0] == "isNull":
        if not flag(result["isNull"]):
            raise RefusedPartError(f"{name}: isNull is not true, and there is no value")
        return []
    if given[0] == "iValue" and not isinstance(result["iValue"], int):
        raise RefusedPartError(f"{name}: iValue is no whole number")
    return [{"name": name, "value": real(result, given[0])}]
