"""The result file: medians over rounds, ratios within rounds, nothing wrong left unsaid."""

import json
import math
from typing import Any

import pytest

from schemas.errors import CheckFailedError
from streams.cli.benchmark.contestants import STOCK_FAUST
from streams.cli.benchmark.drain import Drain
from streams.cli.benchmark.match import unless_it_fails, wrong
from streams.cli.benchmark.results import Failure
from streams.cli.benchmark.screen import TerminalScreen
from tests.benchmarks.runs import drained, result, three_rounds, waited


def entry(document: dict[str, Any], name: str) -> dict[str, Any]:
    (workload,) = document["workloads"]
    found: dict[str, Any] = next(entry for entry in workload["contestants"] if entry["name"] == name)
    return found


def test_rates_are_medians_of_the_counted_rounds() -> None:
    ours = entry(result(*three_rounds()), "quaystream")
    assert (ours["events_per_s"], ours["events_per_s_rounds"]) == (80_000, [60_000, 80_000, 100_000])


def test_ratios_are_taken_within_rounds() -> None:
    document = result(*three_rounds())
    assert document["ratios"] == {"stock_faust": 10.0, "limit": 0.25}
    assert document["ratio_ranges"] == {"stock_faust": [10.0, 10.0], "limit": [0.2, 0.3]}


def test_a_peer_that_did_not_run_has_no_ratio() -> None:
    document = result(drained("quaystream", 1, 50_000.0), drained("limit", 1, 100_000.0))
    assert document["ratios"] == {"limit": 0.5}
    assert [e["name"] for e in document["workloads"][0]["contestants"]] == ["quaystream", "limit"]


def test_wrong_rows_mark_the_contestant_even_in_the_warm_up() -> None:
    runs = (drained("quaystream", 0, 1.0, "999 rows instead of 1000"), drained("quaystream", 1, 50_000.0))
    document = result(*runs)
    assert entry(document, "quaystream")["rows_ok"] is False
    assert list(wrong(document)) == ["crane, quaystream: 999 rows instead of 1000"]


def test_wrong_rows_of_an_open_loop_mark_the_contestant_too() -> None:
    document = result(*three_rounds(), latencies=(waited("quaystream", 1_000, 40.0, rows_ok=False),))
    assert [entry(document, name)["rows_ok"] for name in ("quaystream", "stock_faust")] == [False, True]
    assert len(list(wrong(document))) == 1


def test_right_rows_are_not_complained_about() -> None:
    assert list(wrong(result(*three_rounds()))) == []


def test_a_run_that_did_not_finish_marks_its_contestant_and_leaves_its_other_rounds() -> None:
    document = result(*three_rounds(), failures=(Failure("stock_faust", "it stalled"),))
    assert entry(document, "stock_faust")["faults"] == ["it stalled"]
    assert entry(document, "stock_faust")["events_per_s"] == 8_000
    assert list(wrong(document)) == ["crane, stock_faust: it stalled"]


def test_a_contestant_that_never_finished_is_left_out_and_fails_the_check() -> None:
    failures = (Failure("stock_faust", "it stalled"), Failure("stock_faust", "it ended"))
    document = result(drained("quaystream", 1, 50_000.0), failures=failures)
    assert document["ratios"] == {}
    assert document["workloads"][0]["left_out"]["stock_faust"] == "never finished: it stalled"
    assert list(wrong(document)) == ["crane, stock_faust: never finished: it stalled"]


async def test_what_one_contestant_fails_at_ends_nobody_elses_benchmark() -> None:
    async def stall() -> Drain:
        raise CheckFailedError("stored nothing for 60 s")

    failures: list[Failure] = []
    with TerminalScreen() as screen:
        assert await unless_it_fails(STOCK_FAUST, stall(), failures, screen) is None
    assert failures == [Failure("stock_faust", "stored nothing for 60 s")]


def test_latency_is_by_rate() -> None:
    runs = (waited("quaystream", 1_000, 40.0), waited("quaystream", 5_000, 90.0), waited("stock_faust", 1_000, 200.0))
    waits = entry(result(*three_rounds(), latencies=runs), "quaystream")["latency_ms"]
    assert {rate: (w["p50"], w["p99"]) for rate, w in waits.items()} == {
        "1000": (20.0, 40.0),
        "5000": (45.0, 90.0),
    }


def test_a_wait_without_end_is_null_in_the_file() -> None:
    document = result(*three_rounds(), latencies=(waited("stock_faust", 5_000, math.inf, unseen=7),))
    waits = json.loads(json.dumps(document, allow_nan=False))["workloads"][0]["contestants"][1]["latency_ms"]["5000"]
    assert (waits["p99"], waits["unseen"]) == (None, 7)


def test_cpu_is_split_by_who_spent_it() -> None:
    cpu = entry(result(*three_rounds()), "limit")["cpu_us_per_event"]
    assert cpu == {"worker": 7.0, "database": 3.0, "broker": 1.0}


@pytest.mark.parametrize("key", ["machine", "workloads", "ratios"])
def test_the_file_has_what_the_contract_names(key: str) -> None:
    assert key in result(*three_rounds())


def test_who_did_not_take_part_is_said_and_why() -> None:
    document = result(*three_rounds())
    assert document["absent"] == {"telegraf": "not there: `make peers` installs it"}
    assert document["workloads"][0]["left_out"] == {"quix": "does not recognise repeats"}


def test_cost_is_set_against_each_peer_too() -> None:
    document = result(*three_rounds())
    assert document["cpu_ratios"] == document["worker_cpu_ratios"] == {"stock_faust": 1.0, "limit": 1.0}
