"""`python -m tests.fuzz`: inputs for every decoder, guided by what they reach; a table at the end, exit 1 for a finding."""

import argparse
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from tests.fuzz.corpus import keep, kept
from tests.fuzz.targets import TARGETS

RSS_MB = 1_024
FINDINGS = Path("fuzz-findings")


class Course(NamedTuple):
    """What became of one target."""

    name: str
    inputs: int
    seconds: float
    reached: int
    finding: str


def run(name: str, inputs: int, seed: int, *, is_kept: bool) -> Course:
    """Fuzz one target from its seeds and kept corpus."""
    with tempfile.TemporaryDirectory() as folder:
        new, seeds = Path(folder) / "new", Path(folder) / "seeds"
        new.mkdir()
        seeds.mkdir()
        for number, content in enumerate([*TARGETS[name].seeds(), *kept(name)]):
            (seeds / str(number)).write_bytes(content)
        started = time.monotonic()
        options = [f"-runs={inputs}", f"-seed={seed}", f"-rss_limit_mb={RSS_MB}", "-timeout=10", "-print_final_stats=1"]
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "tests.fuzz.engine",
                name,
                *options,
                f"-artifact_prefix={folder}/finding-",
                new,
                seeds,
            ],
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        seconds = time.monotonic() - started
        finding = ""
        if done.returncode:
            FINDINGS.mkdir(exist_ok=True)
            (FINDINGS / f"{name}.log").write_text(done.stderr[-20_000:])
            for file in Path(folder).glob("finding-*"):
                (FINDINGS / f"{name}-{file.name}").write_bytes(file.read_bytes())
            finding = f"{FINDINGS}/{name}*"
        elif is_kept:
            keep(name, [file.read_bytes() for file in new.iterdir()])
        ran = re.search(r"stat::number_of_executed_units: (\d+)", done.stderr)
        covered = re.findall(r"cov: (\d+)", done.stderr)
        return Course(name, int(ran[1]) if ran else 0, seconds, int(covered[-1]) if covered else 0, finding)


def main() -> int:
    """Fuzz the targets one after the other."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", choices=[*TARGETS, []], help=f"of {', '.join(TARGETS)}; all without any")
    parser.add_argument("--inputs", type=int, default=1_000_000, help="of all targets together")
    parser.add_argument("--seed", type=int, default=1, help="the same seed tries the same inputs")
    parser.add_argument("--keep", action="store_true", help="add what reached something new to the corpus in the tree")
    given = parser.parse_args()
    names = given.targets or list(TARGETS)
    console = Console()
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        tracked = bar.track(names, description="Fuzz")
        courses = [run(name, given.inputs // len(names), given.seed, is_kept=given.keep) for name in tracked]
    _show(console, courses)
    return 1 if any(course.finding for course in courses) else 0


def _show(console: Console, courses: list[Course]) -> None:
    table = Table("decoder", "inputs", "seconds", "places reached", "finding")
    for course in courses:
        table.add_row(course.name, f"{course.inputs:,}", f"{course.seconds:.0f}", str(course.reached), course.finding)
    total = sum(course.inputs for course in courses)
    table.add_row("all", f"{total:,}", f"{sum(course.seconds for course in courses):.0f}", "", "")
    console.print(table)


if __name__ == "__main__":
    sys.exit(main())
