"""The messages that can be written, by name: of which tables, and what writes them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from connectors.dcsa import writer as dcsa
from connectors.edifact import writer as edifact
from connectors.messages.written import Written
from connectors.tic import writer as tic

Events = Iterable[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Letter:
    """Who writes to whom, when; `offset` is of the local times that EDIFACT has."""

    sender: str
    recipient: str
    at: datetime
    offset: str


@dataclass(frozen=True, slots=True)
class Writing:
    """A kind of message: the tables whose rows it can carry, which of these it is about, and its writer."""

    tables: tuple[str, ...]
    carries: Callable[[dict[str, Any]], bool]
    write: Callable[[Events, Letter], Written]


_CARGO: Final = "port.cargo_milestone"
_VESSEL: Final = "port.vessel_milestone"
_CRANE: Final = ("port.crane_sample", "port.crane_status", "port.crane_fault", "port.crane_job")


def _edifact(kind: str) -> Writing:
    def write(events: Events, letter: Letter) -> Written:
        return edifact.write(events, kind, edifact.Letter(letter.sender, letter.recipient, letter.at, letter.offset))

    return Writing((_CARGO,), lambda event: event["data"]["milestone"] in edifact.CODES[kind], write)


def _always(_: dict[str, Any]) -> bool:
    return True


WRITINGS: Final = {
    "codeco": _edifact("CODECO"),
    "coarri": _edifact("COARRI"),
    "dcsa": Writing((_CARGO, _VESSEL), _always, lambda events, letter: dcsa.write(events, letter.sender)),
    "tic": Writing(_CRANE, _always, lambda events, letter: tic.write(events, letter.sender)),
    "tic-flat": Writing(_CRANE, _always, lambda events, letter: tic.write(events, letter.sender, flat=True)),
}
