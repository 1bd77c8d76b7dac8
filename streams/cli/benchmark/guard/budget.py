"""What an event may cost: the committed figures, a tolerance, and the comparison."""

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from streams.cli.benchmark.guard.work import Work

FILE = Path(__file__).with_name("budget.json")
# Counts hardly move between runs; one more call or object per event moves them by 1, one more operation by 3 or more.
TOLERANCE = Work(steps=2.0, calls=0.25, builtins=0.25, blocks=0.25, peak_bytes=24.0)
KINDS = tuple(field.name for field in fields(Work))
# Other releases of Python compile to other bytecodes and have objects of other sizes.
_OF_ONE_RELEASE = ("steps", "peak_bytes")
Budget = Mapping[str, Any]


def release() -> str:
    """Of Python, as 3.11."""
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def budget_of(works: Mapping[str, Work]) -> dict[str, Any]:
    """The budget that these figures would be."""
    return {"python": release(), "per_event": {stage: asdict(work) for stage, work in works.items()}}


def load(file: Path = FILE) -> Budget:
    """The committed budget."""
    budget: Budget = json.loads(file.read_text(encoding="utf-8"))
    return budget


def write(works: Mapping[str, Work], file: Path = FILE) -> None:
    """Make these figures the budget."""
    file.write_text(json.dumps(budget_of(works), indent=2) + "\n", encoding="utf-8")


def excesses(works: Mapping[str, Work], budget: Budget) -> Iterator[str]:
    """What costs more than allowed, a line each; a stage without a budget may cost nothing."""
    kinds = [kind for kind in KINDS if budget["python"] == release() or kind not in _OF_ONE_RELEASE]
    for stage, work in works.items():
        allowed = budget["per_event"].get(stage, {})
        for kind in kinds:
            found, most = getattr(work, kind), allowed.get(kind, 0.0) + getattr(TOLERANCE, kind)
            if found > most:
                yield f"{stage}: {found:g} {kind} per event, {allowed.get(kind, 0.0):g} in the budget"
