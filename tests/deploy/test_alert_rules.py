"""The rule files and their promtool tests, run by the promtool of the local stack's packages."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.local.packages import find, need
from deploy.local.part import quiet
from schemas.metrics import CATALOGUE, CONNECTOR_FILES
from schemas.outcome import Outcome, Reason
from schemas.sla import load_profiles
from schemas.topics import BACKFILL_KEPT
from tests.support.documents import ROOT, Document
from tests.support.rules import RULE_FILES, RUNBOOKS, TEST_FILES, Rule, alerts, expectations, rules

RULES = rules()
ALERTS = alerts()
NAMES = sorted({alert.name for alert in ALERTS})
# What Prometheus itself says of a target.
OF_PROMETHEUS = {"up"}
SECTIONS = ["Meaning", "Impact", "Diagnosis", "Mitigation", "Prevention"]


def promtool(*arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    need({"promtool": "prometheus"}, quiet)
    command = [str(find("promtool")), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def exported() -> set[str]:
    """The names of all series that the catalogue's metrics make."""
    names = {metric.name for metric in CATALOGUE}
    histograms = [metric.name for metric in CATALOGUE if metric.kind == "histogram"]
    return names | {f"{name}_{part}" for name in histograms for part in ("bucket", "count", "sum")}


def of_name(name: str) -> list[Rule]:
    return [alert for alert in ALERTS if alert.name == name]


@pytest.mark.parametrize("file", RULE_FILES, ids=lambda file: file.name)
def test_rules_are_valid(file: Path) -> None:
    done = promtool("check", "rules", file)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.timeout(900)  # windows of three days: seconds of work, minutes on a busy machine
@pytest.mark.parametrize("file", TEST_FILES, ids=lambda file: file.name)
def test_alerts_fire_and_clear_as_their_tests_say(file: Path) -> None:
    done = promtool("test", "rules", file)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_wrong_word_in_an_expectation_would_be_found(tmp_path: Path) -> None:
    file = next(file for file in TEST_FILES if file.name == "targets.yaml")
    text = file.read_text().replace("../rules", str(RULE_FILES[0].parent))
    wrong = tmp_path / "targets.yaml"
    wrong.write_text(text.replace("summary: No worker answers", "summary: No worker answered"))
    done = promtool("test", "rules", wrong)
    assert done.returncode != 0
    assert "No worker answered" in done.stdout + done.stderr


def test_rules_use_only_labels_of_their_metrics() -> None:
    labels = {metric.name: {*metric.labels, "le", "job"} for metric in CATALOGUE}
    for rule in RULES:
        for name, matchers in re.findall(r"(quaystream_\w+?)(?:_bucket|_count|_sum)?\{([^}]*)\}", rule.expr):
            assert set(re.findall(r"(\w+)\s*[=!]", matchers)) <= labels[name]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_rule_reads_only_the_catalogue_and_other_rules(rule: Rule) -> None:
    recorded = {other.name for other in RULES if not other.is_alert}
    assert rule.series()
    assert sorted(rule.series() - exported() - recorded - OF_PROMETHEUS) == []


def test_every_recording_rule_is_read() -> None:
    read = set().union(*(rule.series() for rule in RULES))
    assert sorted({rule.name for rule in RULES if not rule.is_alert} - read) == []


def test_values_of_labels_are_values_that_exist() -> None:
    text = "".join(file.read_text() for file in RULE_FILES)
    outcomes = set(re.findall(r'outcome="(\w+)"', text))
    reasons = set(re.findall(r'reason!?="(\w+)"', text))
    bounds = set(re.findall(r'le="([\d.]+)"', text))
    # Of records by their enumeration, of files as the catalogue names them.
    of_files = set(re.findall(r"\w+", CONNECTOR_FILES.help.partition(":")[2]))
    assert outcomes <= {outcome.value for outcome in Outcome} | of_files
    assert reasons <= {reason.value for reason in Reason}
    assert bounds <= {repr(bound) for metric in CATALOGUE for bound in metric.buckets or ()}


def test_every_topic_is_watched_for_readers() -> None:
    (rule,) = of_name("TopicUnread")
    topics = {file.stem for file in (ROOT / "schemas/topics").glob("*.yaml")}
    assert set(re.findall(r'topic="([\w-]+)"', rule.expr)) == topics


def test_half_the_retention_of_every_topic_is_left_when_somebody_is_called() -> None:
    live = min(yaml.safe_load(file.read_text())["retention_days"] for file in (ROOT / "schemas/topics").glob("*.yaml"))
    for rule, kept in zip(of_name("LagNearsRetention"), (live, BACKFILL_KEPT.days), strict=True):
        days = re.search(r"> ([\d.]+) \* 86400", rule.expr)
        assert days is not None
        assert float(days[1]) == kept / 2
        assert f"after {kept} days" in rule.body["annotations"]["description"]


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_alert_waits_and_says_what_it_is(alert: Rule) -> None:
    assert alert.body["for"] != "0s"
    assert alert.severity in ("page", "ticket")
    assert alert.body["labels"].get("follows_outage", "yes") == "yes"
    assert sorted(alert.body["annotations"]) == ["description", "runbook_url", "summary"]
    assert "$value" in alert.body["annotations"]["description"]


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_alert_leads_to_its_runbook(alert: Rule) -> None:
    assert alert.body["annotations"]["runbook_url"] == f"docs/runbooks/{alert.name}.md"
    assert (RUNBOOKS / f"{alert.name}.md").exists()


@pytest.mark.parametrize("name", NAMES)
def test_alert_is_tested_to_fire_and_not_to_fire(name: str) -> None:
    asked = [expected for asked_name, expected in expectations() if asked_name == name]
    fired = {one["exp_labels"]["severity"] for expected in asked for one in expected}
    assert fired == {alert.severity for alert in of_name(name)}
    assert [] in asked
    assert all({"summary", "description", "runbook_url"} <= set(one["exp_annotations"]) for e in asked for one in e)


def test_every_runbook_has_its_alert() -> None:
    assert sorted(file.stem for file in RUNBOOKS.glob("*.md") if file.name != "README.md") == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_runbook_has_its_five_parts_and_each_says_something(name: str) -> None:
    text = (RUNBOOKS / f"{name}.md").read_text()
    assert re.match(rf"# {name}\n", text)
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == SECTIONS
    parts = re.split(r"^## .+$", text, flags=re.MULTILINE)[1:]
    assert [part for part in parts if len(part.split()) < 8] == []


@pytest.mark.parametrize("name", NAMES)
def test_runbook_has_a_query_of_metrics_one_of_rows_and_a_command(name: str) -> None:
    runbook = Document(RUNBOOKS / f"{name}.md")
    assert runbook.blocks("sql")
    assert runbook.blocks("promql") or name.startswith("Sla")
    assert [words for words in runbook.commands() if words[0] == "quaystream"] or name.startswith("Sla")


def test_queries_of_the_runbooks_are_valid_and_read_the_catalogue(tmp_path: Path) -> None:
    queries = [q.strip() for name in NAMES for q in Document(RUNBOOKS / f"{name}.md").blocks("promql")]
    file = tmp_path / "queries.yaml"
    bodies: list[dict[str, Any]] = [{"record": f"query:{n}", "expr": query} for n, query in enumerate(queries)]
    file.write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": bodies}]}))
    done = promtool("check", "rules", file)
    assert done.returncode == 0, done.stdout + done.stderr
    known = exported() | OF_PROMETHEUS | {rule.name for rule in RULES}
    assert [query for query, body in zip(queries, bodies, strict=True) if Rule(file, body).series() - known] == []


def test_the_table_of_alerts_is_the_rules() -> None:
    page = (ROOT / "docs/how-to/alerts.md").read_text()
    rows = re.findall(r"^\| \[(\w+)\]\(\.\./runbooks/\1\.md\) \| (\w+) \| (\w+) \|", page, re.MULTILINE)
    assert sorted(rows) == sorted({(alert.name, alert.severity, alert.body["for"]) for alert in ALERTS})


@pytest.mark.parametrize("name", NAMES)
def test_runbook_is_in_the_list(name: str) -> None:
    assert f"]({name}.md)" in (RUNBOOKS / "README.md").read_text()


def test_targets_leave_room_for_the_fastest_burn() -> None:
    """An alert at 14.4 times the budget can only fire where that is less than everything."""
    assert all(14.4 * profile.budget_share < 1 for profile in load_profiles())
