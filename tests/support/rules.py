"""Rule files, their promtool tests and the runbooks, as the tests read them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.support.documents import ROOT

MONITORING = ROOT / "deploy/monitoring"
RUNBOOKS = ROOT / "docs/runbooks"
RULE_FILES = sorted((MONITORING / "rules").glob("*.yaml"))
TEST_FILES = sorted((MONITORING / "tests").glob("*.yaml"))
_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_NOT_NAMES = re.compile(r'"[^"]*"|\{[^}]*\}|\[[^\]]*\]|\b(?:by|on|without|ignoring)\s*\([^)]*\)')


@dataclass(frozen=True)
class Rule:
    """One rule of a rule file."""

    file: Path
    body: dict[str, Any]

    @property
    def name(self) -> str:
        return str(self.body.get("alert") or self.body["record"])

    @property
    def is_alert(self) -> bool:
        return "alert" in self.body

    @property
    def severity(self) -> str:
        return str(self.body["labels"]["severity"])

    @property
    def expr(self) -> str:
        return str(self.body["expr"])

    def series(self) -> set[str]:
        """Names of the series its expression reads."""
        bare = _NOT_NAMES.sub(" ", self.expr)
        names = {found[0] for found in _NAME.finditer(bare) if not bare[found.end() :].lstrip().startswith("(")}
        return {name for name in names if "_" in name or ":" in name or name == "up"}


def rules() -> list[Rule]:
    """Every rule of every file."""
    return [
        Rule(file, body)
        for file in RULE_FILES
        for group in yaml.safe_load(file.read_text())["groups"]
        for body in group["rules"]
    ]


def alerts() -> list[Rule]:
    """The rules that alert."""
    return [rule for rule in rules() if rule.is_alert]


def expectations() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Each alert that a promtool test asks for, with what must fire: nothing where the list is empty."""
    for file in TEST_FILES:
        for test in yaml.safe_load(file.read_text())["tests"]:
            for asked in test.get("alert_rule_test", []):
                yield asked["alertname"], asked.get("exp_alerts") or []
