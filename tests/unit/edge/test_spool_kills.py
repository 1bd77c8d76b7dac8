"""SIGKILL before every single statement of the spool, and after every answer: nothing told is lost, nothing is numbered twice.

The victim (tests/support/spool_victim.py) is killed, started again, and must come to the same end as if nothing
had happened: what the outside saw (told to the source, taken by the broker) and what is in the file agree.
"""

import json
import multiprocessing
import signal
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

from connectors.edge.spool import Spool
from tests.support.edge import contents
from tests.support.spool_victim import CRANES, PARCELS, main

# Forked: the victim is there in a millisecond, and shares nothing but the folder with us.
FORK = multiprocessing.get_context("fork")


def play(folder: Path, at: int) -> int:
    """Run the victim; its exit code."""
    victim = FORK.Process(target=main, args=(folder, at))
    victim.start()
    victim.join(60)
    assert victim.exitcode is not None
    return victim.exitcode


def lines(file: Path) -> list[Any]:
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def faults(folder: Path) -> Iterator[str]:
    """What is wrong with what the outside saw and what is kept."""
    spool = Spool(folder / "spool.db")
    told = lines(folder / "told")
    sent = [json.loads(value) for _, value in lines(folder / "sent")]
    known = [*sent, *contents(spool)]
    spool.close()
    by_number = {(event["subject"], int(event["sequence"])): event["id"] for event in known}
    ids = {event["id"]: event for event in known}
    if any(by_number[event["subject"], int(event["sequence"])] != event["id"] for event in known):
        yield "a number was given twice"
    if any(ids[event["id"]] != event for event in known):
        yield "an event changed between two sendings"
    for crane in CRANES:
        numbers = sorted(number for subject, number in by_number if subject == crane)
        if numbers != list(range(1, len(numbers) + 1)):
            yield f"{crane}: numbers have a hole: {numbers}"
        loads = [ids[by_number[crane, number]]["data"]["load_t"] for number in numbers]
        if loads != sorted(set(loads)):
            yield f"{crane}: taken twice or out of order: {loads}"
        if not {float(number) for number in told} <= set(loads):
            yield f"{crane}: told {told}, has {loads}"


def taken(folder: Path) -> set[float]:
    """The parcels of which something was sent or waits."""
    spool = Spool(folder / "spool.db")
    known = [*(json.loads(value) for _, value in lines(folder / "sent")), *contents(spool)]
    spool.close()
    return {event["data"]["load_t"] for event in known}


def test_kill_before_every_statement_loses_and_doubles_nothing(tmp_path: Path) -> None:
    for statement in count(1):
        folder = tmp_path / str(statement)
        folder.mkdir()
        code = play(folder, statement)
        if code == 0:
            break
        assert code == -signal.SIGKILL
        assert list(faults(folder)) == [], f"killed before statement {statement}"
        assert play(folder, 0) == 0
        assert list(faults(folder)) == [], f"restarted after statement {statement}"
        assert taken(folder) == set(range(1, PARCELS + 1))
    # Begin, insert, number, cursor, commit; read; begin, measure, delete, commit: at least ten a parcel.
    assert statement > 10 * PARCELS


def test_kill_after_every_answer_loses_and_doubles_nothing(tmp_path: Path) -> None:
    for number in range(1, PARCELS + 1):
        folder = tmp_path / str(number)
        folder.mkdir()
        assert play(folder, -number) == -signal.SIGKILL
        assert list(faults(folder)) == []
        assert play(folder, 0) == 0
        assert list(faults(folder)) == []


def test_killed_again_and_again_comes_to_the_same_end(tmp_path: Path) -> None:
    kills = 0
    while play(tmp_path, 17) != 0:
        assert list(faults(tmp_path)) == []
        kills += 1
    assert kills >= 3
    spool = Spool(tmp_path / "spool.db")
    assert spool.cursor("parcels") == str(PARCELS)
