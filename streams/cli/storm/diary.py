"""`docs/chaos-log.md`: one line per seed that ran, and below it what each fault took to recover from."""

import re
import subprocess
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Final

from streams.cli.storm.play import Recovery
from streams.cli.storm.result import Result, within_bound

HEAD: Final = """# What the chaos harness ran

Each line is one seed, appended by `quaystream chaos --log docs/chaos-log.md` when it was over; nothing here is written by hand. How to read and repeat
it: [chaos](how-to/chaos.md). Recovery is the seconds from a fault's end until less than three seconds' worth of events waited, of faults that no other
fault overlapped.

| when (UTC) | commit | seed | minutes | events/s | faults | written | lost | stored twice | out of order | drained, s | slowest recovery | held |
|---|---|---|---|---|---|---|---|---|---|---|---|---|
"""


def append(file: Path, result: Result) -> None:
    """Add the line of a seed; the file is begun where there is none."""
    if not file.exists():
        file.write_text(HEAD, encoding="utf-8")
    with file.open("a", encoding="utf-8") as lines:
        lines.write(line(result, datetime.now(UTC)))


def line(result: Result, now: datetime) -> str:
    """One row of the table."""
    slowest = result.slowest
    told = "-" if slowest is None else f"{slowest.recovered_s:.1f} s after {slowest.fault} ({slowest.outage_s:.1f} s)"
    drained = "-" if result.drained_s is None else f"{result.drained_s:.1f}"
    cells = (
        f"{now:%Y-%m-%d %H:%M}",
        result.commit,
        str(result.seed),
        f"{result.minutes:.1f}",
        f"{result.per_s:.0f}",
        str(result.faults),
        f"{result.written:,}",
        str(result.lost),
        str(result.duplicated),
        str(result.out_of_order),
        drained,
        told,
        "yes" if not result.problems() else _told(result.problems()),
    )
    return f"| {' | '.join(cells)} |\n"


def _told(problems: Sequence[str]) -> str:
    """In one cell, without the folders of the machine it ran on."""
    return re.sub(r"/\S+/", "…/", "; ".join(problems)).replace("|", "/")


def recovery_rows(recoveries: Iterable[Recovery]) -> list[tuple[str, ...]]:
    """Per kind of fault: how often it was alone, outage and recovery (median and most), whether all were in time."""
    rows: list[tuple[str, ...]] = []
    kinds: dict[str, list[Recovery]] = {}
    for recovery in recoveries:
        if recovery.alone and recovery.recovered_s is not None:
            kinds.setdefault(recovery.fault, []).append(recovery)
    for fault, found in sorted(kinds.items()):
        times = [r.recovered_s or 0.0 for r in found]
        outages = [r.outage_s for r in found]
        in_time = sum(map(within_bound, found))
        cells = (f"{median(outages):.1f}", f"{median(times):.1f}", f"{max(times):.1f}", f"{in_time} of {len(found)}")
        rows.append((fault, str(len(found)), *cells))
    return rows


def commit_of(folder: Path) -> str:
    """The short name of the commit, with a plus where files differ from it; `-` where it is no repository."""
    name = _git(folder, ("rev-parse", "--short", "HEAD"))
    return "-" if name is None else name + ("+" if _git(folder, ("status", "--porcelain", "-uno")) else "")


def _git(folder: Path, words: Sequence[str]) -> str | None:
    try:
        done = subprocess.run(["git", "-C", str(folder), *words], capture_output=True, text=True, check=False)  # noqa: S603, S607
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None
