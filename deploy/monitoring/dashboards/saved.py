"""The committed dashboards, read back: what Grafana will ask. Needs nothing but the files."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from deploy.monitoring.dashboards import FOLDER

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Question:
    """One query of one panel (or variable, whose `panel` is its name with a $) as it stands in the file."""

    board: str
    panel: str
    ref: str
    language: Literal["promql", "sql"]
    text: str
    instant: bool = False

    @property
    def name(self) -> str:
        return f"{self.board}: {self.panel} [{self.ref}]"


def boards(folder: Path = FOLDER) -> dict[str, Json]:
    """Each dashboard's JSON by its file's name."""
    return {path.name: json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))}


def panels(board: Json) -> list[Json]:
    """What has queries: rows are only headings."""
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def variables(board: Json) -> list[Json]:
    return list(board["templating"]["list"])


def questions(board: Json) -> Iterator[Question]:
    """Every query of the panels, then those of the variables."""
    for panel in panels(board):
        for target in panel["targets"]:
            yield question_of(board, panel, target)
    for variable in variables(board):
        if variable["type"] == "query":
            yield Question(board["uid"], f"${variable['name']}", "A", "sql", variable["query"])


def every_question(folder: Path = FOLDER) -> list[Question]:
    return [question for board in boards(folder).values() for question in questions(board)]


def question_of(board: Json, panel: Json, target: Json) -> Question:
    """One target of a panel."""
    where = (board["uid"], panel["title"], target["refId"])
    if "rawSql" in target:
        return Question(*where, "sql", target["rawSql"])
    return Question(*where, "promql", target["expr"], bool(target.get("instant")))
