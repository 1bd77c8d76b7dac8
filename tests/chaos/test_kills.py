"""Workers killed again and again in the middle of their work: afterwards every event counts once."""

import json
import random
import subprocess
from pathlib import Path

import pytest

from schemas.topics import EVENT_TOPICS
from tests.support.system import System
from tests.support.waiting import wait_until
from tests.support.worker import COMMAND, Worker, with_settings

KILLS = 12
SEED = 20_260
EVENTS_PER_S = 1_500
# Small batches, so that most kills hit a transaction; a short session, so that partitions move quickly.
SETTINGS = {"session_timeout": "3s", "batch_rows": 400, "max_age": "400d"}


@pytest.mark.timeout(400)
def test_workers_killed_at_random_moments_lose_nothing_and_count_nothing_twice(system: System, tmp_path: Path) -> None:
    dice = random.Random(SEED)
    for topic in EVENT_TOPICS:
        system.broker.recreate(topic.name, partitions=4)
    truth = tmp_path / "truth.json"
    workers = [system.workers.start(**SETTINGS) for _ in range(2)]
    simulator = start_simulator(system, truth)
    for _ in range(KILLS):
        victim = dice.randrange(2)
        strike(system, workers[victim], dice)
        workers[victim] = system.workers.start(**SETTINGS)
    assert simulator.wait(120) == 0
    system.verified("--truth", str(truth))
    assert sum(worker.process.returncode == -9 for worker in system.workers.started) == KILLS
    sent = json.loads(truth.read_text())
    assert system.outcomes() >= 50_000, sent


def start_simulator(system: System, truth: Path) -> "subprocess.Popen[bytes]":
    """The whole port with every fault, at a steady rate."""
    options = ["--seed", str(SEED), "--duration", "15m", "--faults", "all", "--rate", str(EVENTS_PER_S)]
    return subprocess.Popen(
        [*COMMAND, "simulate", *options, "--truth", str(truth), "--to", "kafka"],
        env=with_settings(system.environment, {}),
        stdout=subprocess.DEVNULL,
    )


def strike(system: System, victim: Worker, dice: random.Random) -> None:
    """Kill it at a moment of the dice: starting, listening, claiming, or after more records got their outcome."""
    moment = dice.choice(["starting", "listening", "claimed", "working", "working", "working"])
    if moment == "listening":
        wait_until(lambda: victim.page("/livez")[0], 60, "it listens")
    elif moment == "claimed":
        wait_until(lambda: "partitions claimed" in victim.log(), 60, "it has claimed partitions")
    elif moment == "working":
        victim.await_ready(60)
        goal = system.outcomes() + dice.randrange(200, 4_000)
        wait_until(lambda: system.outcomes() >= goal, 60, "more records have an outcome")
    victim.kill()
