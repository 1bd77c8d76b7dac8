"""The judge of the outage drill: order that two lanes may give, order that they may not; and lines as the port wrote them."""

import json
import time
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from streams.cli.benchmark.outage.order import Order
from streams.cli.benchmark.outage.plan import Plan
from streams.cli.benchmark.outage.port import Port


def arrived(*numbers: int) -> tuple[int, int, int]:
    order = Order()
    for number in numbers:
        order.add("stream", number)
    return tuple(order.result())


@pytest.mark.parametrize(
    ("numbers", "judged"),
    [
        ((1, 2, 3), (3, 3, 0)),
        ((1, 5, 2, 6, 3, 4, 7), (7, 7, 0)),
        ((1, 2, 1, 2, 3), (5, 3, 0)),
        ((3, 2, 1), (3, 3, 1)),
        ((1, 9, 4, 3, 10), (5, 5, 1)),
        ((), (0, 0, 0)),
    ],
)
def test_two_growing_rows_laid_into_one_are_order_and_three_that_fall_are_not(
    numbers: tuple[int, ...], judged: tuple[int, int, int]
) -> None:
    assert arrived(*numbers) == judged


def test_streams_are_judged_apart_and_events_without_numbers_are_counted_once() -> None:
    order = Order()
    for stream, number in (("a", 3), ("b", 2), ("a", 4), ("b", 1)):
        order.add(stream, number)
    for name in ("x", "y", "x"):
        order.add_unnumbered(name)
    assert tuple(order.result()) == (7, 6, 0)


def test_a_port_that_is_stopped_tells_the_truth_of_what_it_wrote(tmp_path: Path) -> None:
    file = tmp_path / "port.jsonl"
    port = Port(Plan(per_s=200), file)
    port.start()
    deadline = time.monotonic() + 30
    while port.written < 50 and time.monotonic() < deadline:
        time.sleep(0.02)
    truth = port.stop()
    lines = [json.loads(line) for line in file.read_bytes().splitlines()]
    assert len(lines) == port.written >= 50
    assert truth["accepted"] == port.written
    # Only what has happened is said.
    assert max(line["time"] for line in lines) <= msgspec.json.decode(msgspec.json.encode(datetime.now(UTC)))


def test_a_port_of_two_gateways_writes_all_of_a_source_into_one_file(tmp_path: Path) -> None:
    files = [tmp_path / "one.jsonl", tmp_path / "two.jsonl"]
    port = Port(Plan(per_s=5_000, warm_up_s=0.1, outage_s=0.1, after_s=0.1, hours=1), *files)
    port.start()
    truth = port.stop()
    sources = [{json.loads(line)["source"] for line in file.read_bytes().splitlines()} for file in files]
    assert sources[0]
    assert sources[1]
    assert not sources[0] & sources[1]
    assert sum(len(file.read_bytes().splitlines()) for file in files) == port.written == truth["accepted"]


def test_hours_of_event_time_are_written_in_the_time_of_the_drill() -> None:
    plan = Plan(outage_s=20, kills=1, per_s=1_000, after_s=4, hours=4)
    now = datetime(2026, 1, 1, 4, tzinfo=UTC)
    options = plan.simulation(now)
    assert (options.start, options.duration.total_seconds()) == (datetime(2026, 1, 1, tzinfo=UTC), 4 * 3_600)
    # 1,000 a second for 6 + 20 + 4 seconds, spread over four hours.
    assert options.rate_hz * 37.6 * 4 * 3_600 == pytest.approx(1_000 * 30, rel=0.01)


@pytest.mark.parametrize(
    ("outage_s", "catch_up_s", "most"), [(240, 120, 1), (240, 239.9, 1), (240, 240, 2), (14_400, 1_300, 3)]
)
def test_a_key_may_be_folded_again_once_and_once_more_for_each_span_that_late_rows_rest(
    outage_s: float, catch_up_s: float, most: int
) -> None:
    assert Plan(outage_s=outage_s).most_folds(catch_up_s) == most
