"""The truth's arithmetic, on cases small enough to check by hand, and against the worker's own pipeline."""

import json
import math
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any, NamedTuple

import pyarrow as pa
import pytest

from connectors.simulator import SimulationOptions
from connectors.simulator.envelope import Envelope
from connectors.simulator.facts import Fact
from connectors.simulator.gateways import Place, places
from connectors.simulator.moments import to_ms
from connectors.simulator.numbering import Letter
from connectors.simulator.outbox import Fate, Sending
from connectors.simulator.truth import Truth
from connectors.simulator.world import Chronicle
from schemas.outcome import Outcome, Reason
from schemas.tables import ROLLUPS, Rollup
from streams.core.domain import Domain, Limits
from streams.core.record import Stretch, TopicPartition
from streams.core.sequence import StreamKey, StreamState
from streams.core.writes import Probe
from streams.domains import DOMAINS
from streams.pipeline import Fence, Pipeline

OPTIONS = SimulationOptions(seed=1, duration=timedelta(minutes=5))
START_MS = to_ms(OPTIONS.start)
PLACE: Place = places(OPTIONS.run)[0]


class Case:
    """A truth, fed by hand."""

    def __init__(self) -> None:
        self.truth = Truth(OPTIONS)
        self._envelope = Envelope(OPTIONS.run)
        self._ids = 0

    def send(self, kind: str, asset: str, at_s: float, data: dict[str, Any], **more: Any) -> None:
        """One event of an asset; `sequence` and `fate` as given."""
        fate: Fate = more.get("fate", "accepted")
        declared = next(a for a in PLACE.site.assets if a.asset_id.endswith(f"-{asset}"))
        fact = Fact(
            START_MS + round(at_s * 1000),
            PLACE.gateway_of(declared),
            f"io.quaystream.{kind}.v1",
            declared.asset_id,
            data,
        )
        self._ids += 1
        letter = Letter(fact, str(self._ids), fact.time_ms, "boot-1", more.get("sequence", self._ids))
        self.truth.observe(Sending(fact.time_ms, self._envelope.render(letter), fate, letter))

    def shown(self) -> dict[str, Any]:
        return self.truth.as_json(Chronicle(), START_MS + 300_000)


@pytest.fixture
def case() -> Case:
    return Case()


def test_samples_of_one_minute_add_up(case: Case) -> None:
    case.send("crane.sample", "STS01", 1.0, {"load_t": 10.0, "moves_total": 5, "hoist_speed_mps": -1.5})
    case.send("crane.sample", "STS01", 59.999, {"load_t": 30.0, "moves_total": 6, "wind_mps": 7.0})
    case.send("crane.sample", "STS01", 60.0, {"power_kw": 100.0})
    first, second = case.shown()["rollups"]["port.crane_minute"]
    assert first["bucket"] == "2026-01-01T00:00:00Z"
    assert (first["crane_id"], first["site"]) == ("VNHPH-TANVU-STS01", "VNHPH-TANVU")
    assert (first["samples"], first["load_t_sum"], first["load_t_count"], first["load_t_max"]) == (2, 40.0, 2, 30.0)
    assert (first["moves_total_min"], first["moves_total_max"], first["wind_mps_max"]) == (5, 6, 7.0)
    assert (first["hoist_speed_mps_max"], first["power_kw_sum"], first["energy_total_kwh_min"]) == (-1.5, 0, None)
    assert second["bucket"] == "2026-01-01T00:01:00Z"
    assert (second["samples"], second["power_kw_sum"], second["load_t_sum"], second["load_t_max"]) == (
        1,
        100.0,
        0,
        None,
    )


def test_steps_and_readings_of_a_lane_share_one_minute(case: Case) -> None:
    step = {"visit_id": "v", "lane": "IN1", "direction": "in", "actor": "terminal"}
    case.send("gate.step", "GATE01", 1, step | {"step": "exception", "manual": True})
    case.send("gate.step", "GATE01", 2, step | {"step": "gate_left", "manual": False})
    case.send("gate.step", "GATE01", 3, step | {"step": "gate_left", "manual": False, "direction": "out"})
    reading = {"visit_id": "v", "lane": "IN1", "kind": "plate", "value": "15C12345", "confidence": 0.9}
    case.send("gate.ocr", "GATE01", 4, reading)
    case.send("gate.ocr", "GATE01", 5, reading | {"corrected_value": "15C12346"})
    (row,) = case.shown()["rollups"]["port.gate_minute"]
    names = ("lane", "steps", "manual_steps", "visits_in", "visits_out", "exceptions", "ocr_reads", "ocr_corrected")
    assert [row[name] for name in names] == ["IN1", 3, 1, 1, 1, 1, 2, 1]


def test_a_report_becomes_one_row_per_value_and_per_bin_in_si(case: Case) -> None:
    report = {
        "granularity_s": 60,
        "object": "NRCellDU=1",
        "suspect": True,
        "measurements": [
            {"name": "DRB.UEThpUl", "value": 48_250.0, "unit": "kbit/s", "labels": {"5qi": 82}},
            {"name": "RRU.PrbTotUl", "value": None, "unit": "%"},
            {"name": "CARR.WBCQIDist", "bins": [4, 6], "unit": "count"},
            {"name": "Vendor.Odd", "value": 3.0, "unit": "furlong"},
        ],
    }
    case.send("cell.measurement", "CELL01", 60, report)
    shown = case.shown()
    rows = {(row["name"], json.dumps(row["labels"])): row for row in shown["rollups"]["port.cell_minute"]}
    assert shown["rows"] == {"port.cell_measurement": 5}
    throughput = rows["DRB.UEThpUl", '{"5qi": "82"}']
    assert (throughput["value_si_sum"], throughput["value_si_count"], throughput["suspect"]) == (48_250_000.0, 1, 1)
    for key in (("RRU.PrbTotUl", "{}"), ("Vendor.Odd", "{}")):
        assert (rows[key]["samples"], rows[key]["value_si_count"], rows[key]["value_si_max"]) == (1, 0, None)
    assert [rows["CARR.WBCQIDist", f'{{"bin": "{i}"}}']["value_si_sum"] for i in (0, 1)] == [4, 6]


def test_only_accepted_events_make_rows_and_rollups(case: Case) -> None:
    for fate in ("accepted", "duplicate", Reason.CLOCK_SKEW, Reason.SEQUENCE_CONFLICT):
        case.send("crane.status", "STS01", 1, {"status": "on"}, fate=fate, sequence=1)
    shown = case.shown()
    assert shown["rows"] == {"port.crane_status": 1}
    assert (shown["produced"], shown["accepted"], shown["duplicate"]) == (4, 1, 1)
    assert shown["rejected"] == {"clock_skew": 1, "sequence_conflict": 1}
    assert shown["per_topic"] == {"crane-events": 4}
    assert shown["sources"] == [f"/vnhph/tanvu/gw-01/sim-{OPTIONS.run}"]


def test_missing_are_the_numbers_that_nobody_saw_below_the_highest_accepted(case: Case) -> None:
    for sequence in (1, 3, 7):
        case.send("crane.status", "STS01", sequence, {"status": "on"}, sequence=sequence)
    case.send("crane.status", "STS01", 4, {"status": 1}, sequence=4, fate=Reason.INVALID_DATA)
    case.send("crane.status", "STS01", 9, {"status": 1}, sequence=9, fate=Reason.INVALID_DATA)
    case.send("crane.status", "STS01", 3, {"status": "on"}, sequence=3, fate="duplicate")
    case.send("crane.status", "STS01", 3, {"status": "off"}, sequence=3, fate=Reason.SEQUENCE_CONFLICT)
    assert case.shown()["missing_sequences"] == 3  # 2, 5 and 6


def test_numbers_of_different_streams_do_not_fill_each_other(case: Case) -> None:
    case.send("crane.status", "STS01", 1, {"status": "on"}, sequence=2)
    case.send("crane.status", "STS02", 1, {"status": "on"}, sequence=1)
    assert case.shown()["missing_sequences"] == 1


# The same records through the worker's pure pipeline must come out as the truth says.


class Fetched(NamedTuple):
    """A record as the broker gives it."""

    offset: int
    timestamp: int
    key: bytes
    value: bytes | None
    headers: list[tuple[str, bytes]]


class Stored:
    """What a store would hold after all batches of all domains."""

    def __init__(self) -> None:
        self.outcomes: Counter[str] = Counter()
        self.rows: Counter[str] = Counter()
        self.minutes: dict[str, list[dict[str, Any]]] = {}
        self.streams: dict[StreamKey, StreamState] = {}
        self.refused: dict[tuple[Any, ...], set[int]] = {}
        self._found: set[Probe] = set()

    def process(self, domain: Domain, records: list[Fetched], batch: int) -> None:
        pipeline, tp = Pipeline(domain, Limits()), TopicPartition(domain.topic, 0)
        for start in range(0, len(records), batch):
            judged = pipeline.read([Stretch(tp, start, records[start : start + batch])], {})
            states = {key: self.streams.get(key, StreamState()) for key in pipeline.streams(judged)}
            plan = pipeline.plan(judged, states, {tp: Fence(start, 1)})
            self._keep(plan.writes(self._found.intersection(plan.probes)))

    def _keep(self, writes: Any) -> None:
        for (outcome, reason), records in writes.tally.items():
            self.outcomes[str(reason) if outcome is Outcome.REJECTED else str(outcome)] += records
        for table, rows in writes.rows.items():
            self.rows[table] += rows.num_rows
            times = rows["time"].cast(pa.int64())
            columns = (rows.column(1), times, rows["source"], rows["event_id"])
            self._found |= {Probe(table, *row) for row in zip(*(c.to_pylist() for c in columns), strict=True)}
        for table, deltas in writes.rollups.items():
            self.minutes.setdefault(table, []).extend(pa.table(deltas).to_pylist())
        self.streams |= {change.key: change.after for change in writes.streams}
        for letter in writes.dead_letters:
            claim = letter.refusal
            key = (claim.source, claim.bootid, claim.subject, claim.type)
            self.refused.setdefault(key, set()).add(claim.sequence or 0)

    @property
    def missing(self) -> int:
        return sum(
            gap.end - gap.start + 1 - sum(gap.start <= number <= gap.end for number in self.refused.get(tuple(key), ()))
            for key, state in self.streams.items()
            for gap in state.gaps()
        )


@pytest.fixture(scope="module", params=["none", "all"])
def compared(request: Any, play: Callable[..., Any]) -> tuple[dict[str, Any], Stored]:
    run = play(seed=3, minutes=8, faults=request.param, rate_hz=1.0)
    appended_ms = to_ms(run.options.start + run.options.duration)
    by_topic: dict[str, list[Fetched]] = {}
    for record in run.records:
        topic = by_topic.setdefault(record.topic, [])
        topic.append(Fetched(len(topic), appended_ms, record.key, record.value, list(record.headers)))
    stored = Stored()
    for domain in DOMAINS:
        stored.process(domain, by_topic[domain.topic], batch=1777)
    return run.truth, stored


def test_the_worker_gives_every_record_the_outcome_of_the_truth(compared: tuple[dict[str, Any], Stored]) -> None:
    truth, stored = compared
    expected = {"accepted": truth["accepted"], "duplicate": truth["duplicate"], **truth["rejected"]}
    assert dict(+stored.outcomes) == {name: n for name, n in expected.items() if n}


def test_the_worker_writes_the_rows_of_the_truth(compared: tuple[dict[str, Any], Stored]) -> None:
    truth, stored = compared
    assert dict(stored.rows) == truth["rows"]


def test_the_worker_misses_the_numbers_of_the_truth(compared: tuple[dict[str, Any], Stored]) -> None:
    truth, stored = compared
    assert stored.missing == truth["missing_sequences"]


@pytest.mark.parametrize("rollup", ROLLUPS, ids=lambda rollup: rollup.minute)
def test_the_worker_adds_up_the_minutes_of_the_truth(compared: tuple[dict[str, Any], Stored], rollup: Rollup) -> None:
    truth, stored = compared
    expected = {key_of(rollup, row): row for row in truth["rollups"][rollup.minute]}
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in stored.minutes[rollup.minute]:
        key = key_of(rollup, row)
        found[key] = added(rollup, found[key], row) if key in found else row
    assert found.keys() == expected.keys()
    for key, row in expected.items():
        for measure in rollup.measures:
            assert same(row[measure.column], found[key][measure.column]), (key, measure.column)


def key_of(rollup: Rollup, row: dict[str, Any]) -> tuple[Any, ...]:
    bucket = row["bucket"] if isinstance(row["bucket"], str) else row["bucket"].strftime("%Y-%m-%dT%H:%M:%SZ")
    labels = row.get("labels")
    spelled = json.dumps(json.loads(labels) if isinstance(labels, str) else labels, sort_keys=True)
    return (bucket, *(spelled if name == "labels" else row[name] for name in rollup.key))


def added(rollup: Rollup, one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    both = dict(one)
    for measure in rollup.measures:
        values = [v for v in (one[measure.column], other[measure.column]) if v is not None]
        how = {"min": min, "max": max}.get(measure.how, sum)
        both[measure.column] = how(values) if values else None
    return both


def same(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-12)
