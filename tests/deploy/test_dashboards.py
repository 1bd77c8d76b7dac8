"""The committed dashboards, without a Grafana and without a database; what their queries answer is an integration test."""

import copy
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from grafana_foundation_sdk.models import units

from deploy.monitoring.dashboards import FOLDER, GRAFANA
from deploy.monitoring.dashboards.__main__ import files
from deploy.monitoring.dashboards.lint import findings, series
from deploy.monitoring.dashboards.saved import boards, every_question, panels
from tests.deploy.test_alert_rules import promtool
from tests.support.documents import ROOT

BOARDS = boards()
# Links and bookmarks hang on them.
UIDS = {
    *("quaystream-overview", "quaystream-crane", "quaystream-gate", "quaystream-5g", "quaystream-cargo"),
    *("quaystream-pipeline", "quaystream-quality", "quaystream-timescaledb", "quaystream-effect"),
}
# Formats of moments, which the SDK's list of units leaves out.
MOMENTS = {"dateTimeAsIso"}


def known_units() -> set[str]:
    return {
        value for name in vars(units) if isinstance(value := getattr(units, name), str) and not name.startswith("_")
    }


def changed(**how: Any) -> dict[str, Any]:
    """One board, and its first panel with queries changed."""
    board = copy.deepcopy(dict(BOARDS["quaystream-pipeline.json"]))
    panel = panels(board)[0]
    panel.update(how)
    return {"quaystream-pipeline.json": board}


def test_the_linter_finds_nothing() -> None:
    assert findings() == []


def test_the_files_are_what_the_code_makes() -> None:
    made = files()
    assert {path.name: path.read_text() for path in FOLDER.glob("*.json")} == {p.name: text for p, text in made.items()}


def test_no_board_has_got_another_address() -> None:
    assert {board["uid"] for board in BOARDS.values()} == UIDS


def test_every_unit_is_one_of_grafana() -> None:
    used = {panel["fieldConfig"]["defaults"]["unit"] for board in BOARDS.values() for panel in panels(board)}
    columns = {
        p["value"]
        for board in BOARDS.values()
        for panel in panels(board)
        for override in panel["fieldConfig"]["overrides"]
        for p in override["properties"]
        if p["id"] == "unit"
    }
    assert sorted((used | columns) - known_units() - MOMENTS) == []


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        ({"title": ""}, "has no title"),
        ({"fieldConfig": {"defaults": {}, "overrides": []}}, "has no unit"),
        ({"datasource": {"type": "prometheus", "uid": "PBFA97CFB590B2093"}}, "hard-coded"),
        ({"datasource": "Prometheus"}, "hard-coded"),
        ({"links": []}, "one link to what it means"),
        ({"links": [{"url": "${docs}/nowhere.md"}, {"url": "${docs}/runbooks/WorkersDown.md"}]}, "nowhere in docs"),
        ({"links": [{"url": "${docs}/reference/metrics.md#no-such"}, {"url": "${docs}/runbooks/WorkersDown.md"}]}, "nowhere in docs"),
        ({"gridPos": {"h": 4, "w": 8, "x": 20, "y": 1}}, "does not fit"),
        ({"gridPos": {"h": 4, "w": 5, "x": 0, "y": 1}}, "overlap"),
        ({"id": 3}, "have the id 3"),
        ({"targets": [{"refId": "A", "datasource": {"type": "prometheus", "uid": "${prometheus}"}, "expr": "sum(kafka_lag)"}]}, "kafka_lag is not in the catalogue"),
        ({"targets": [{"refId": "A", "datasource": {"type": "prometheus", "uid": "${prometheus}"}, "expr": 'quaystream_fenced_total{pod="x"}'}]}, "no label pod"),
        ({"targets": [{"refId": "A", "datasource": {"type": "prometheus", "uid": "${prometheus}"}, "expr": "up{job=~'$job'}"}]}, "$job is not declared"),
    ],
)  # fmt: skip
def test_the_linter_finds(change: dict[str, Any], finding: str) -> None:
    assert [line for line in findings(changed(**change)) if finding in line]


def test_a_uid_that_changes_alone_is_found() -> None:
    board = {**BOARDS["quaystream-gate.json"], "uid": "quaystream-crane"}
    found = findings({"quaystream-gate.json": board, "quaystream-crane.json": BOARDS["quaystream-crane.json"]})
    assert [line.partition(":")[0] for line in found] == ["quaystream-gate.json", "quaystream-crane"]


def test_every_promql_is_valid(tmp_path: Path) -> None:
    """Macros stand for durations, variables for parts of regular expressions."""
    asked = [question.text for question in every_question() if question.language == "promql"]
    plain = [re.sub(r"\$__\w+", "5m", re.sub(r"\$\{\w+:regex\}", "a|b", text)) for text in asked]
    rules = [{"record": f"query:{number}", "expr": text} for number, text in enumerate(plain)]
    file = tmp_path / "queries.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]}))
    done = promtool("check", "rules", file)
    assert done.returncode == 0, done.stdout + done.stderr


def test_series_are_told_from_functions_labels_and_variables() -> None:
    expression = (
        'sum by (site, some_label) (rate(a_total{b_c="d_e"}[$__range])) / on (x_y) group_left () max(f:g_h:i) + up'
    )
    assert series(expression) == {"a_total", "f:g_h:i", "up"}


@pytest.mark.parametrize("name", sorted(BOARDS))
def test_a_panel_with_several_series_names_them(name: str) -> None:
    """A legend of whole label sets cannot be read at a glance."""
    for panel in panels(BOARDS[name]):
        for target in panel["targets"]:
            if re.search(r"\bby\s*\(", target.get("expr", "")) and panel["type"] != "stat":
                assert target["legendFormat"], panel["title"]


def test_every_board_is_about_a_screen_and_reads_from_the_top() -> None:
    for board in BOARDS.values():
        first = min(panels(board), key=lambda panel: (panel["gridPos"]["y"], panel["gridPos"]["x"]))
        assert first["gridPos"] == {**first["gridPos"], "x": 0, "y": 1}
        assert max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in panels(board)) <= 60


def test_provisioning_gives_the_sources_that_the_boards_ask_for() -> None:
    sources = yaml.safe_load((GRAFANA / "provisioning/datasources/quaystream.yaml").read_text())["datasources"]
    assert {source["type"] for source in sources} == {"prometheus", "grafana-postgresql-datasource"}
    assert all("uid" not in source for source in sources)
    text = (GRAFANA / "provisioning/datasources/quaystream.yaml").read_text()
    assert re.findall(r"password: (.+)", text) == ["$__file{/run/secrets/quaystream_reader}"]


def test_provisioning_loads_the_folder_of_the_boards() -> None:
    (provider,) = yaml.safe_load((GRAFANA / "provisioning/dashboards/quaystream.yaml").read_text())["providers"]
    assert provider["options"]["path"] == "${DASHBOARDS_FOLDER}"
    assert provider["disableDeletion"]
    assert not provider["allowUiUpdates"]


def test_the_documents_name_every_board() -> None:
    text = (ROOT / "docs/how-to/dashboards.md").read_text()
    assert {board["title"] for board in BOARDS.values()} <= set(re.findall(r"^\| ([^|]+?) \|", text, re.MULTILINE))
