"""What a dashboard is, as values: panels with their queries, units and thresholds, and where each is explained.

Nothing of Grafana is in here; `grafana.py` turns these values into its JSON.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from schemas.kpi import current_definitions

Kind = Literal["timeseries", "stat", "table", "bars", "timeline", "strip"]
Colour = Literal["green", "yellow", "orange", "red", "blue", "purple", "grey", "transparent"]
COLUMNS = 24


@dataclass(frozen=True)
class Promql:
    """A query of Prometheus: a range, or the newest value where `instant`."""

    text: str
    legend: str = ""
    instant: bool = False


@dataclass(frozen=True)
class Sql:
    """A query of TimescaleDB. Series have the columns time, metric and value; tables any."""

    text: str


@dataclass(frozen=True)
class Step:
    """From `value` on (None: from the lowest on) the colour is `colour`."""

    value: float | None
    colour: Colour


@dataclass(frozen=True)
class Panel:
    """One panel. `means` is the page that defines what it shows, `runbook` an alert; both become links.

    `unit` is one of Grafana's unit ids; of a table it is that of the columns which `units` does not name. `colours` maps
    words to colours; a timeline's query gives their places among them (`numbered`).
    """

    title: str
    kind: Kind
    queries: tuple[Promql | Sql, ...]
    unit: str
    means: str
    runbook: str
    says: str
    steps: tuple[Step, ...] = ()
    width: int = 8
    height: int = 8
    stacked: bool = False
    bounds: tuple[float, float] | None = None
    units: Mapping[str, str] = field(default_factory=dict)
    colours: Mapping[str, Colour] = field(default_factory=dict)


@dataclass(frozen=True)
class Choice:
    """A variable that the reader chooses: the values that `query` (SQL) lists, several at once."""

    name: str
    label: str
    query: str
    all: bool = True


@dataclass(frozen=True)
class Row:
    """Panels side by side, under a heading."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True)
class Dashboard:
    """`uid` is for ever: links and bookmarks hang on it."""

    uid: str
    title: str
    says: str
    rows: tuple[Row, ...]
    choices: tuple[Choice, ...] = ()
    since: str = "now-6h"

    def panels(self) -> tuple[Panel, ...]:
        return tuple(panel for row in self.rows for panel in row.panels)


# The declared ones and those that have spoken. (kpi.site would read every box that ever was at one.)
SITES = "SELECT site_id AS site FROM port.site UNION SELECT site FROM ingest.site_clock"
SITE = Choice("site", "Site", f"{SITES} ORDER BY 1")
OF_SITE = "site IN (${site:sqlstring})"


def machines(kind: str, label: str) -> tuple[Choice, Choice]:
    """For a board of the machines of a place: the sites that have such, the first of them at first, and theirs, all at first."""
    sites = f"SELECT DISTINCT site_id AS site FROM port.asset WHERE kind = '{kind}' ORDER BY 1"
    query = f"SELECT asset_id FROM port.asset WHERE kind = '{kind}' AND site_id IN (${{site:sqlstring}}) ORDER BY 1"
    return Choice("site", "Site", sites, all=False), Choice(kind, label, query)


def kpi(name: str) -> str:
    """The page and anchor of a KPI's current definition."""
    return f"reference/kpis.md#{name}-version-{current_definitions()[name].version}"


def numbered(expression: str, words: Mapping[str, Colour]) -> str:
    """A state as a number, its place among `words`: Grafana takes words in series for labels. The panel maps it back."""
    cases = " ".join(f"WHEN '{word}' THEN {number}" for number, word in enumerate(words))
    return f"CASE {expression} {cases} END"


def at_site(kind: str) -> str:
    """A condition on rollups: theirs whose machine is at a chosen site. They are found by machine and time, not by site."""
    return f"{kind}_id IN (SELECT asset_id FROM port.asset WHERE kind = '{kind}' AND site_id IN (${{site:sqlstring}}))"


METRICS = "reference/metrics.md"


def worse_above(warning: float, bad: float) -> tuple[Step, ...]:
    return Step(None, "green"), Step(warning, "yellow"), Step(bad, "red")


def worse_below(bad: float, warning: float) -> tuple[Step, ...]:
    return Step(None, "red"), Step(bad, "yellow"), Step(warning, "green")
