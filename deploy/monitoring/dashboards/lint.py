"""Our own linter of the committed dashboards: `python -m deploy.monitoring.dashboards.lint` prints findings, exit 1 if any.

It needs neither Grafana nor a database. That SQL runs and returns something, tests/integration/test_dashboards.py shows.
"""

import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from itertools import combinations
from pathlib import Path
from typing import Any

import yaml

from deploy.monitoring.dashboards.panel import COLUMNS
from deploy.monitoring.dashboards.saved import Json, boards, panels, questions, variables
from schemas.metrics import CATALOGUE

ROOT = Path(__file__).parents[3]
RULES = ROOT / "deploy/monitoring/rules"
DOCS = "${docs}/"
SOURCES = {"prometheus": "${prometheus}", "grafana-postgresql-datasource": "${database}"}
# What Prometheus itself says of a target.
OF_PROMETHEUS = {"up"}
_NOT_NAMES = re.compile(r'"[^"]*"|\{[^}]*\}|\[[^\]]*\]|\b(?:by|on|without|ignoring|group_left|group_right)\s*\([^)]*\)')
_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_MATCHED = re.compile(r"(\w+?)(?:_bucket|_count|_sum)?\{([^}]*)\}")
_VARIABLE = re.compile(r"\$\{(\w+)(?::\w+)?\}|\$(?!__)(\w+)")


def findings(found: Mapping[str, Json] | None = None) -> list[str]:
    """Everything that is wrong, one line each; `found` are dashboards by file name, the committed ones if not given."""
    checked = boards() if found is None else found
    lines = [f"{name}: {line}" for name, board in checked.items() for check in _CHECKS for line in check(name, board)]
    uids = Counter(board["uid"] for board in checked.values())
    return lines + [f"{uid}: {count} dashboards have this uid" for uid, count in uids.items() if count > 1]


def series(expression: str) -> set[str]:
    """Names of the series a PromQL expression reads."""
    bare = _NOT_NAMES.sub(" ", re.sub(r"\$\{\w+(?::\w+)?\}", "", expression))
    names = {found[0] for found in _NAME.finditer(bare) if not bare[found.end() :].lstrip().startswith("(")}
    return {name for name in names if "_" in name or ":" in name or name == "up"}


def catalogued() -> set[str]:
    """The names of all series that the catalogue's metrics make, and those that rules record."""
    parts = ("_bucket", "_count", "_sum")
    histograms = {metric.name + part for metric in CATALOGUE if metric.kind == "histogram" for part in parts}
    return {metric.name for metric in CATALOGUE} | histograms | OF_PROMETHEUS | _recorded()


def _recorded() -> set[str]:
    groups = (group for file in RULES.glob("*.yaml") for group in yaml.safe_load(file.read_text())["groups"])
    return {rule["record"] for group in groups for rule in group["rules"] if "record" in rule}


def _identity(name: str, board: Json) -> Iterator[str]:
    if f"{board['uid']}.json" != name:
        yield f"the uid is {board['uid']}: a file is named after its uid, so that neither changes alone"
    if board.get("id") is not None:
        yield "has a number: Grafana gives those, and another one has others"
    numbers = Counter(panel["id"] for panel in board["panels"])
    yield from (f"{count} panels have the id {number}" for number, count in numbers.items() if count > 1)


def _grid(_: str, board: Json) -> Iterator[str]:
    for panel in board["panels"]:
        place = panel["gridPos"]
        if place["x"] < 0 or place["x"] + place["w"] > COLUMNS or place["h"] < 1 or place["w"] < 1:
            yield f"{panel['title']} does not fit into {COLUMNS} columns"
    for one, other in combinations(board["panels"], 2):
        if _overlap(one["gridPos"], other["gridPos"]):
            yield f"{one['title']} and {other['title']} overlap"


def _overlap(one: Json, other: Json) -> bool:
    beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
    below = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
    return not (beside or below)


def _sources(_: str, board: Json) -> Iterator[str]:
    """No uid of a data source, wherever it stands."""
    for source in _each("datasource", board):
        if not isinstance(source, Mapping) or SOURCES.get(source.get("type", "")) != source.get("uid"):
            yield f"a data source is hard-coded: {source}"
    offered = {variable["name"] for variable in variables(board) if variable["type"] == "datasource"}
    if offered != {"prometheus", "database"}:
        yield f"the data sources that can be chosen are {sorted(offered)}"
    for panel in panels(board):
        if "datasource" not in panel or any("datasource" not in target for target in panel["targets"]):
            yield f"{panel['title']}: a query says no data source"


def _each(key: str, value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            if name == key:
                yield inner
            yield from _each(key, inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _each(key, inner)


def _words(_: str, board: Json) -> Iterator[str]:
    for panel in panels(board):
        if not panel.get("title") or not panel.get("description"):
            yield f"panel {panel['id']} has no title or says nothing of itself"
        if not panel["targets"]:
            yield f"{panel['title']} asks nothing"


def _units(_: str, board: Json) -> Iterator[str]:
    for panel in panels(board):
        config = panel["fieldConfig"]
        if not config["defaults"].get("unit"):
            yield f"{panel['title']} has no unit"
        for override in config["overrides"]:
            yield from (
                f"{panel['title']}: a column has an empty unit" for p in override["properties"] if not p["value"]
            )


def _links(_: str, board: Json) -> Iterator[str]:
    for panel in panels(board):
        targets = [link["url"].removeprefix(DOCS) for link in panel.get("links", []) if link["url"].startswith(DOCS)]
        runbooks = [target for target in targets if target.startswith("runbooks/")]
        if len(runbooks) != 1 or len(targets) != 2:
            yield f"{panel['title']}: one link to what it means and one to a runbook, not {targets}"
        yield from (f"{panel['title']}: {target} is nowhere in docs" for target in targets if not _exists(target))


def _exists(target: str) -> bool:
    page, _, anchor = target.partition("#")
    path = ROOT / "docs" / page
    return path.is_file() and (not anchor or anchor in anchors(path.read_text(encoding="utf-8")))


def anchors(text: str) -> set[str]:
    """The anchors of a document's headings, as they are made from their words."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _metrics(_: str, board: Json) -> Iterator[str]:
    labels = {metric.name: {*metric.labels, "le"} for metric in CATALOGUE}
    known = catalogued()
    for question in questions(board):
        if question.language == "promql":
            names = series(question.text)
            yield from (f"{question.panel}: {name} is not in the catalogue" for name in sorted(names - known))
            if not names:
                yield f"{question.panel}: no metric is asked"
            for name, matchers in _MATCHED.findall(question.text):
                asked = set(re.findall(r"(\w+)\s*(?:=|!=|=~|!~)\s*\"", matchers))
                yield from (
                    f"{question.panel}: {name} has no label {label}"
                    for label in sorted(asked - labels.get(name, asked))
                )


def _choices(_: str, board: Json) -> Iterator[str]:
    declared = {variable["name"] for variable in variables(board)}
    for question in questions(board):
        used = {first or second for first, second in _VARIABLE.findall(question.text)}
        yield from (f"{question.panel}: ${name} is not declared" for name in sorted(used - declared))


_CHECKS: tuple[Callable[[str, Json], Iterator[str]], ...] = (
    *(_identity, _grid, _sources, _words, _units, _links, _metrics, _choices),
)


def main() -> int:
    found = findings()
    sys.stdout.writelines(f"{line}\n" for line in found)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
