"""What the actors share: the agenda, the dice, the boxes, the run's name and the record of what was done."""

from dataclasses import dataclass, field
from random import Random
from typing import Any

from connectors.simulator.agenda import Agenda
from connectors.simulator.boxes import Boxes
from connectors.simulator.facts import Fact
from connectors.simulator.gateways import Place
from connectors.simulator.kpis.crane import Diary
from connectors.simulator.moments import MINUTE_MS, to_ms
from connectors.simulator.options import SimulationOptions
from schemas.events import MODELS
from schemas.events.model import TYPE_PREFIX
from schemas.reference import Site


@dataclass(slots=True)
class Chronicle:
    """What the port did, for whoever compares KPIs: one entry per finished lift and per truck visit.

    `facts` are a scenario's: when it is over, the fact table, and the columns whose values follow from the intent.
    Where it states KPIs, `site` is theirs, and `diaries` are its cranes'.
    `radio` is what radio did to work: when it is over, `fades`, `slowed` or `aborted`, and what is known of it.
    """

    cycles: list[dict[str, Any]] = field(default_factory=list)
    visits: list[dict[str, Any]] = field(default_factory=list)
    facts: list[tuple[int, str, dict[str, Any]]] = field(default_factory=list)
    diaries: list[Diary] = field(default_factory=list)
    site: Site | None = None
    radio: list[tuple[int, str, dict[str, Any]]] = field(default_factory=list)


class World:
    """One simulated stretch of time. Everything random comes from named `dice`: actors do not disturb each other."""

    def __init__(self, options: SimulationOptions) -> None:
        self.options = options
        self.run = options.run
        self.start_ms = to_ms(options.start)
        self.end_ms = to_ms(options.start + options.duration)
        self.agenda = Agenda(self.end_ms)
        self.boxes = Boxes(self.dice("boxes"))
        self.chronicle = Chronicle()

    def dice(self, name: str) -> Random:
        """The dice of one actor: they follow from the seed and the name."""
        # Repeatable on purpose.
        return Random(f"{self.options.seed}/{name}")  # noqa: S311  # nosec B311

    def after(self, seconds: float) -> int:
        """The moment `seconds` after the start, in epoch ms."""
        return self.start_ms + round(seconds * 1000)

    def post_cargo(self, place: Place, time_ms: int, data: dict[str, Any]) -> None:
        """A cargo milestone, told by the site's terminal operating system."""
        subject = f"{place.site_id}-{data['equipment_reference']}"
        self.agenda.post(Fact(time_ms, place.office, event_type("cargo.milestone"), subject, data))

    def minutes(self) -> range:
        """The full minutes that end within the run, epoch ms."""
        first = -(-(self.start_ms + 1) // MINUTE_MS) * MINUTE_MS
        return range(first, self.end_ms, MINUTE_MS)


def event_type(what: str) -> str:
    """The declared CloudEvents type of `crane.sample`, `gate.step` and so on (version 1)."""
    name = f"{TYPE_PREFIX}{what}.v1"
    return MODELS[name].TYPE
