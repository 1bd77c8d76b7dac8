"""Two rounds for each rival: how fast it drains what Mosquitto holds, and what is left of a stream that it was killed in."""

import json
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from connectors.kafka.options import KafkaAccess
from deploy.local.stack import Stack
from schemas.errors import CheckFailedError, ServiceUnreachableError
from streams.cli.benchmark.behind_mqtt.arrivals import Arrivals
from streams.cli.benchmark.behind_mqtt.contestants import Rival, Running
from streams.cli.benchmark.behind_mqtt.mosquitto import Mosquitto
from streams.cli.benchmark.gateway import samples

_DRAIN_S = 300.0
_QUIET_S = 20.0
_COPIES_S = 3.0
_TICK_S = 0.05
_STARTS = 5


@dataclass(frozen=True, slots=True)
class Trial:
    """`events` to drain; then `rate` a second for `seconds`, with so many `kills` in its middle third, while Kafka is away."""

    events: int = 50_000
    rate: float = 1_000.0
    seconds: float = 24.0
    kills: int = 3


@dataclass(frozen=True, slots=True)
class Score:
    """`lost` and `copies` of the `sent` payloads; `unknown`: copies that nobody can tell from another event. `load`: of the machine."""

    name: str
    drained: int
    events_per_s: float
    cpu_us_per_event: float
    rss_mb: float
    sent: int
    lost: int
    copies: int
    unknown: int
    load: float

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return asdict(self)


def play(rival: Rival, access: KafkaAccess, stack: Stack, trial: Trial) -> Score:
    """Both rounds, each with files, a session and a broker of its own."""
    drained, rate, cpu_us, rss_mb = _drain(rival, access, trial.events)
    sent, arrivals = _killed(rival, access, stack, trial)
    lost, load = sent - arrivals.tally.different, round(os.getloadavg()[1], 1)
    return Score(
        rival.name, drained, rate, cpu_us, rss_mb, sent, lost, arrivals.tally.copies, arrivals.tally.unknown, load
    )


def _drain(rival: Rival, access: KafkaAccess, count: int) -> tuple[int, float, float, float]:
    """It is paused while the broker fills, and goes on: from then to the last record that Kafka took."""
    with tempfile.TemporaryDirectory(prefix="quaystream-mqtt-") as name, Mosquitto(Path(name)) as mosquitto:
        arrivals = Arrivals(access)
        running = Running(rival.command(Path(name), mosquitto.port, access.brokers), Path(name))
        try:
            running.start()
            mosquitto.await_subscriber()
            running.pause()
            mosquitto.publish(json.dumps(event) for event in samples(count))
            cpu_s, began_s = running.cpu_s(), time.time()
            running.go_on()
            arrivals.read_until(count, _DRAIN_S, _QUIET_S)
            cpu_s, wall_s = running.cpu_s() - cpu_s, arrivals.last_ms / 1000 - began_s
            done = arrivals.tally.different
            return done, round(done / wall_s), round(cpu_s / max(done, 1) * 1e6, 1), round(running.rss_mb())
        finally:
            running.end()
            arrivals.close()


def _killed(rival: Rival, access: KafkaAccess, stack: Stack, trial: Trial) -> tuple[int, Arrivals]:
    """A stream; Kafka goes away after a third of it, comes back after two, and the rival is killed in between."""
    with tempfile.TemporaryDirectory(prefix="quaystream-mqtt-") as name, Mosquitto(Path(name)) as mosquitto:
        arrivals = Arrivals(access)
        running = Running(rival.command(Path(name), mosquitto.port, access.brokers), Path(name))
        try:
            running.start()
            mosquitto.await_subscriber()
            sent = _stream(mosquitto, running, stack, trial)
            arrivals.read_until(sent, _DRAIN_S, 2 * _QUIET_S)
            arrivals.read_rest(_COPIES_S)
            return sent, arrivals
        finally:
            running.end()
            arrivals.close()


def _stream(mosquitto: Mosquitto, running: Running, stack: Stack, trial: Trial) -> int:
    """Payloads at their pace, and what happens meanwhile; how many were published."""
    happens = _plan(running, stack, trial)
    total, written = int(trial.rate * trial.seconds), 0
    publisher = mosquitto.publisher()
    assert publisher.stdin is not None  # noqa: S101
    payloads = samples(total)
    began_s = time.monotonic()
    while written < total:
        passed_s = time.monotonic() - began_s
        while happens and happens[0][0] <= passed_s:
            happens.pop(0)[1]()
        due = min(total, int(passed_s * trial.rate))
        publisher.stdin.writelines(f"{json.dumps(next(payloads))}\n" for _ in range(due - written))
        publisher.stdin.flush()
        written = max(written, due)
        time.sleep(_TICK_S)
    publisher.stdin.close()
    publisher.wait()
    return written


def _plan(running: Running, stack: Stack, trial: Trial) -> list[tuple[float, Callable[[], None]]]:
    """What happens when, in seconds."""
    third = trial.seconds / 3
    kills = [third + third * number / (trial.kills + 1) for number in range(1, trial.kills + 1)]
    return [
        (third, lambda: stack.stop("kafka")),
        *((at, lambda: _kill(running)) for at in kills),
        (2 * third, lambda: _mend(stack)),
    ]


def _mend(stack: Stack) -> None:
    """Start the broker, on a busy machine more than once."""
    for _ in range(_STARTS):
        try:
            stack.start("kafka")
        except ServiceUnreachableError:
            continue
        return
    raise CheckFailedError("the broker does not start")


def _kill(running: Running) -> None:
    running.kill()
    running.start()
