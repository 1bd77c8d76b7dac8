"""The soak itself, for less than a minute: it loads, strikes, looks, judges, and its ledger adds up."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.local.stack import Stack
from tests.support.system import System
from tests.support.worker import with_settings

OPTIONS = ("--minutes", "0.4", "--rate", "100", "--seed", "3")


@pytest.mark.timeout(600)
def test_a_short_soak_loses_nothing_and_looks_at_everything(system: System, stack: Stack, tmp_path: Path) -> None:
    answer, picture = tmp_path / "soak.json", tmp_path / "soak.svg"
    options = [*OPTIONS, "--stack", str(stack.home), "--json", str(answer), "--picture", str(picture)]
    done = subprocess.run(
        [sys.executable, "-m", "streams.cli.benchmark.soak", *options],
        env=with_settings(system.environment, {}),
        capture_output=True,
        text=True,
        check=False,
    )
    found = json.loads(answer.read_text())
    assert found["verified"], done.stderr
    assert found["written"] > 1_000
    figures = {(line["process"], line["figure"]) for line in found["lines"]}
    processes = {f"{kind} {name}" for kind in ("worker", "gateway") for name in ("still", "struck")}
    assert figures >= {(process, figure) for process in processes for figure in ("rss_bytes", "open_files", "tasks")}
    assert ("database", "temp_tables") in figures
    assert [line for line in found["lines"] if line["figure"] == "rss_bytes" and line["ok"] is not None] == []
    assert "<svg" in picture.read_text()
