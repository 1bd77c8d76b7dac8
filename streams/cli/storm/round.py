"""One round: an empty start, a simulated port that writes, a schedule of faults, then heal, drain, and judge everything."""

import json
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from schemas.tables import RAW_TABLES
from streams.cli.benchmark.outage.arrivals import read_arrivals
from streams.cli.benchmark.outage.plan import Plan
from streams.cli.benchmark.outage.port import Port
from streams.cli.storm.ground import Ground
from streams.cli.storm.play import Course, Player, recoveries
from streams.cli.storm.result import Result
from streams.cli.storm.schedule import Schedule

_DRAIN_S: Final = 180.0
_SETTLE: Final = "900s"
# One event may have many rows; they are of one record, unless it was stored twice.
_TWICE: Final = """
SELECT count(*) - count(DISTINCT (source, event_id, time))
FROM (SELECT DISTINCT source, event_id, time, partition, record_offset FROM {table}) AS stored
"""


@dataclass(frozen=True, slots=True)
class Voice:
    """Where the round speaks: lines that stay, and how much waits."""

    says: Callable[[str], None]
    shows: Callable[[float, int | None], None]


def play_round(ground: Ground, schedule: Schedule, rate: float, commit: str, voice: Voice) -> Result:
    """Raises what the harness cannot do; what the system does wrong is in the result."""
    ground.fresh()
    port = Port(Plan(per_s=rate, seed=schedule.seed), *ground.inboxes)
    player = Player(ground, schedule, voice.says)
    try:
        ground.start()
        port.start()
        course = player.run(port, voice.shows)
        truth = ground.folder / "truth.json"
        truth.write_text(json.dumps(port.stop()), encoding="utf-8")
        ground.mend()
        voice.says(f"{player.elapsed_s():6.1f} s  all is mended; {port.written:,} events were written")
        drained_s = player.drain(port.written, _DRAIN_S, voice.shows)
        return _judge(ground, schedule, _Played(rate, commit, port.written, course, drained_s), truth)
    finally:
        ground.stop()


@dataclass(frozen=True, slots=True)
class _Played:
    rate: float
    commit: str
    written: int
    course: Course
    drained_s: float | None


def _judge(ground: Ground, schedule: Schedule, played: _Played, truth: Path) -> Result:
    differences = verify(ground, truth)
    arrivals = read_arrivals(ground.access)
    accepted = ground.accepted() or 0
    return Result(
        seed=schedule.seed,
        minutes=round(schedule.seconds / 60, 2),
        per_s=played.rate,
        commit=played.commit,
        faults=len(played.course.happened),
        written=played.written,
        records=arrivals.records,
        events=arrivals.events,
        accepted=accepted,
        lost=max(0, played.written - accepted),
        duplicated=max(_stored_twice(ground), accepted - played.written),
        out_of_order=arrivals.out_of_order,
        restarts=len(ground.ended),
        drained_s=None if played.drained_s is None else round(played.drained_s, 1),
        verified=not differences,
        differences=tuple(differences),
        failed=tuple(played.course.failed),
        recoveries=tuple(recoveries(played.course, played.rate)),
        steps=schedule.steps,
    )


def verify(ground: Ground, truth: Path) -> list[str]:
    """What `verify --truth` finds wrong or unsettled, in words."""
    command = ground.command("verify", "--truth", str(truth), "--wait", _SETTLE, "--json")
    began_s = time.monotonic()
    done = subprocess.run(command, env=ground.settings(), capture_output=True, text=True, check=False)  # noqa: S603
    if not done.stdout:
        return [f"verify ended with {done.returncode} after {time.monotonic() - began_s:.0f} s: {done.stderr.strip()}"]
    answer: dict[str, Any] = json.loads(done.stdout)
    (ground.folder / "verify.json").write_text(done.stdout, encoding="utf-8")
    return [*answer["differences"], *answer["notes"]]


def _stored_twice(ground: Ground) -> int:
    """Records beyond one per event."""
    with ground.owner(60) as connection:
        rows = [connection.execute(_TWICE.format(table=table.name)).fetchone() for table in RAW_TABLES]
    return sum(int(row[0]) for row in rows if row)
