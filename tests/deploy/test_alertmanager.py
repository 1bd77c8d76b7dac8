"""Alertmanager's routes, by amtool; what it holds back, by a real one; what the local stack makes of it."""

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from connectors.prometheus import Registry
from deploy.local.home import Home
from deploy.local.packages import find, need
from deploy.local.part import quiet
from deploy.local.stack import Stack
from deploy.monitoring.alertmanager import compose
from deploy.monitoring.drills import DRILLS
from schemas.errors import ConfigurationError
from tests.support.alerting import Alerting, Receiver, page_of, rules_of, serving
from tests.support.documents import ROOT
from tests.support.rules import Rule, alerts
from tests.support.waiting import wait_until
from tests.support.worker import free_port

EXAMPLE = ROOT / "deploy/monitoring/receivers.example.yaml"
OUTAGES = ["DatabaseDown", "BrokerUnreachable", "WorkersDown"]
ENDED = {"startsAt": "2026-01-01T00:00:00Z", "endsAt": "2026-01-01T00:00:01Z"}


def amtool(*arguments: str) -> "subprocess.CompletedProcess[str]":
    need({"amtool": "prometheus-alertmanager"}, quiet)
    return subprocess.run([str(find("amtool")), *arguments], capture_output=True, text=True, check=False)


def labels_of(alert: Rule) -> dict[str, str]:
    """An alert as Prometheus sends it, of one topic and its domain."""
    return {"alertname": alert.name, "topic": "crane-events", "domain": "crane", **alert.body["labels"]}


ALL = {json.dumps(labels_of(alert)): labels_of(alert) for alert in alerts()}.values()


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "alertmanager.yaml"
    file.write_text(compose())
    return file


def test_routes_are_valid(config: Path) -> None:
    done = amtool("check-config", str(config))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("labels", ALL, ids=lambda labels: f"{labels['alertname']}-{labels['severity']}")
def test_severity_decides_who_is_told(config: Path, labels: dict[str, str]) -> None:
    words = [f"{name}={value}" for name, value in labels.items()]
    done = amtool("config", "routes", "test", f"--config.file={config}", *words)
    assert done.stdout.split() == [labels["severity"]]


def test_an_alert_without_severity_is_a_ticket(config: Path) -> None:
    assert amtool("config", "routes", "test", f"--config.file={config}", "alertname=New").stdout.split() == ["ticket"]


def test_alerts_named_in_inhibitions_exist() -> None:
    named = {
        name
        for rule in yaml.safe_load(compose())["inhibit_rules"]
        for matcher in (*rule["source_matchers"], *rule["target_matchers"])
        if matcher.startswith("alertname=")
        for name in matcher.partition("=")[2].strip('~"').split("|")
    }
    assert named
    assert sorted(named - {alert.name for alert in alerts()}) == []


def test_each_drill_is_of_an_alert_that_pages_and_perhaps_of_a_ticket() -> None:
    known = {(alert.severity, alert.name) for alert in alerts()}
    assert {alert for drill in DRILLS for alert in drill.alerts} <= known
    assert [drill.fault for drill in DRILLS if drill.alerts[0].severity != "page"] == []


def test_a_deployment_brings_its_receivers() -> None:
    composed = yaml.safe_load(compose(EXAMPLE))
    assert composed["receivers"] == yaml.safe_load(EXAMPLE.read_text())["receivers"]
    assert composed["inhibit_rules"] == yaml.safe_load(compose())["inhibit_rules"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("receivers: [{name: page}]", "names no receiver ticket"),
        ("receivers: 3", "has no list `receivers`"),
        ("[]", "has no list `receivers`"),
        ("receivers: [page]", "has no list `receivers`"),
        ("a: [", "cannot read receivers"),
    ],
)
def test_receivers_that_will_not_do_are_named(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "receivers.yaml"
    file.write_text(text)
    with pytest.raises(ConfigurationError, match=said) as raised:
        compose(file)
    assert "\n" not in str(raised.value)


@dataclass(frozen=True)
class Stage:
    """A real Alertmanager (and Prometheus) of a local stack, and what its receivers were told."""

    stack: Stack
    alertmanager: Alerting
    prometheus: str
    told: list[tuple[str, str, str]]


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    receiver = Receiver()
    ports = {"alertmanager": free_port(), "prometheus": free_port()}
    stack = Stack(tmp_path, ports)
    with serving(receiver.handler()) as address:
        file = Home(tmp_path).data("alertmanager") / "receivers.yaml"
        file.parent.mkdir(parents=True)
        hooks = [{"url": f"http://{address}/", "send_resolved": True}]
        receivers = [{"name": name, "webhook_configs": hooks} for name in ("page", "ticket")]
        file.write_text(yaml.safe_dump({"receivers": receivers}))
        stack.up(["alertmanager", "prometheus"])
        try:
            alertmanager, prometheus = (f"127.0.0.1:{ports[name]}" for name in ("alertmanager", "prometheus"))
            yield Stage(stack, Alerting(alertmanager), prometheus, receiver.told)
        finally:
            stack.down()


def test_a_database_outage_pages_once_and_not_thirty_times(stage: Stage) -> None:
    outage = next(labels for labels in ALL if labels["alertname"] == "DatabaseDown")
    followers = [labels for labels in ALL if labels.get("follows_outage") == "yes"]
    names = {labels["alertname"] for labels in followers}
    assert len(names) > 12
    stage.alertmanager.post([outage])
    wait_until(lambda: ("page", "DatabaseDown", "firing") in stage.told, 20, "the database's page is sent")
    stage.alertmanager.post(followers)
    wait_until(lambda: names <= stage.alertmanager.states().get("suppressed", set()), 20, "all others are held back")
    # What was posted later is told; what was held back would have been told before it.
    stage.alertmanager.post([{"alertname": "LedgerDifference", "severity": "page", "topic": "crane-events"}])
    wait_until(lambda: ("page", "LedgerDifference", "firing") in stage.told, 20, "a difference pages, outage or not")
    assert {name for _, name, _ in stage.told} == {"DatabaseDown", "LedgerDifference"}
    stage.alertmanager.post([outage], **ENDED)
    wait_until(lambda: ("page", "TopicUnread", "firing") in stage.told, 30, "what remains is told")


@pytest.mark.parametrize(
    ("source", "target", "other"),
    [
        ("TopicUnread", "WorkerStalled", {"topic": "gate-events", "domain": "gate"}),
        ("WorkerStalled", "LagGrowing", {"topic": "gate-events", "domain": "gate"}),
        ("PartitionPaused", "DeadLetterBudgetBurn", {"topic": "gate-events", "domain": "gate"}),
    ],
)
def test_a_cause_holds_back_its_effect_on_the_same_topic_alone(
    stage: Stage, source: str, target: str, other: dict[str, str]
) -> None:
    cause, effect = (next(labels for labels in ALL if labels["alertname"] == name) for name in (source, target))
    stage.alertmanager.post([cause, effect])
    wait_until(lambda: target in stage.alertmanager.states().get("suppressed", set()), 20, "the effect is held back")
    stage.alertmanager.post([{**effect, **other}])
    wait_until(lambda: target in stage.alertmanager.states().get("active", set()), 20, "the other topic's is told")


def test_a_page_makes_its_ticket_needless_and_no_other(stage: Stage) -> None:
    skew = {"alertname": "ClockSkew", "domain": "crane", "source": "gw-03"}
    stage.alertmanager.post([skew | {"severity": "page"}, skew | {"severity": "ticket"}])
    wait_until(lambda: stage.alertmanager.states().get("suppressed") == {"ClockSkew"}, 20, "the ticket is held back")
    stage.alertmanager.post([skew | {"severity": "ticket", "source": "gw-04"}])
    wait_until(lambda: ("ticket", "ClockSkew", "firing") in stage.told, 20, "another gateway's ticket is told")


@pytest.mark.timeout(240)
def test_the_local_stack_shows_every_alert_and_pages_for_a_missing_worker(stage: Stage) -> None:
    wait_until(lambda: rules_of(stage.prometheus), 20, "the rules are loaded")
    assert set(rules_of(stage.prometheus)) == {alert.name for alert in alerts()}
    wait_until(lambda: ("page", "WorkersDown", "firing") in stage.told, 100, "the page is sent")
    with serving(page_of(Registry().text())) as address:
        file = Home(stage.stack.home).workers() / "worker.json"
        file.write_text(json.dumps([{"targets": [address]}]))
        wait_until(lambda: ("page", "WorkersDown", "resolved") in stage.told, 60, "it is taken back")
    assert {name for receiver, name, _ in stage.told if receiver == "page"} == {"WorkersDown"}
