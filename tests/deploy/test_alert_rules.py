"""Alert rules: promtool checks and plays them, they use nothing outside the catalogue, and each alert has its runbook."""

import re
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from deploy.local.packages import find
from schemas.metrics import CATALOGUE, Metric
from schemas.sla import load_profiles
from tests.support.documents import ROOT

FOLDER: Final = ROOT / "deploy/monitoring"
RULE_FILES: Final = sorted([*FOLDER.glob("rules/*.yaml"), *FOLDER.glob("alerts/*.yaml")])
TESTS: Final = sorted(FOLDER.glob("tests/*.yaml"))
RULES: Final[list[dict[str, Any]]] = [
    rule for file in RULE_FILES for group in yaml.safe_load(file.read_text())["groups"] for rule in group["rules"]
]
ALERTS: Final = [rule for rule in RULES if "alert" in rule]
SECTIONS: Final = ["Meaning", "Impact", "Diagnosis", "Mitigation", "Prevention"]


def promtool(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Promtool of the package that the local stack's Prometheus comes from."""
    program = find("promtool")
    assert program, "promtool is missing: `quaystream up --with prometheus` installs the package prometheus"
    return subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, check=False)


def series_of(metric: Metric) -> set[str]:
    parts = ("_bucket", "_sum", "_count") if metric.kind == "histogram" else ("",)
    return {metric.name + part for part in parts}


def test_rules_are_valid() -> None:
    done = promtool("check", "rules", *RULE_FILES)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("file", TESTS, ids=lambda file: file.stem)
def test_rules_do_what_their_tests_say(file: Path) -> None:
    done = promtool("test", "rules", file)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_is_played() -> None:
    played = {
        case["alertname"]
        for file in TESTS
        for test in yaml.safe_load(file.read_text())["tests"]
        for case in test.get("alert_rule_test", [])
        if case["exp_alerts"]
    }
    assert {rule["alert"] for rule in ALERTS} == played


def test_rules_use_only_metrics_of_the_catalogue() -> None:
    known = {name for metric in CATALOGUE for name in series_of(metric)} | {str(rule.get("record")) for rule in RULES}
    for rule in RULES:
        used = set(re.findall(r"(?:\w+:)?quaystream_\w+(?::\w+)?", rule["expr"]))
        assert used, rule
        assert used <= known, (rule.get("alert") or rule["record"], used - known)


def test_rules_use_only_labels_of_their_metrics() -> None:
    labels = {metric.name: set(metric.labels) for metric in CATALOGUE}
    for rule in RULES:
        for name, matchers in re.findall(r"(quaystream_\w+)\{([^}]*)\}", rule["expr"]):
            assert set(re.findall(r"(\w+)\s*[=!]", matchers)) <= labels[name]


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: str(rule["alert"]))
def test_an_alert_says_what_how_bad_and_where_to_read_on(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in ("critical", "warning")
    assert "for" in rule
    said = rule["annotations"]
    assert set(said) == {"summary", "description", "runbook_url"}
    assert "$value" in said["description"]
    page = ROOT / said["runbook_url"]
    assert page.name == f"{rule['alert']}.md"
    headings = re.findall(r"^## (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert headings == SECTIONS


def test_every_runbook_is_of_an_alert() -> None:
    pages = {page.stem for page in (ROOT / "docs/runbooks").glob("*.md")} - {"README"}
    assert pages == {rule["alert"] for rule in ALERTS}


def test_targets_leave_room_for_the_fastest_burn() -> None:
    """An alert at 14.4 times the budget can only fire where that is less than everything."""
    assert all(14.4 * profile.budget_share < 1 for profile in load_profiles())
