"""The worked examples of TS 28.554, told as reports in the network's own units: through Kafka and a worker to the numbers."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.events import Message, event, structured
from tests.support.kpis import SITE
from tests.support.system import System

# On the hour: the reports of the first minutes are of hours that are over when those of the last one come.
START = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=30)
CELL, OTHER, UPF = f"{SITE}-CELL01", f"{SITE}-CELL02", f"{SITE}-UPF01"
CU, DU, ELEMENT = "ManagedElement=1,NRCellCU=1", "ManagedElement=1,NRCellDU=1", "ManagedElement=1"
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
NUMBERS = """
SELECT kpi_id, value, numerator, denominator, n, completeness FROM kpi.numbers('cell', 'period', %s, %s)
WHERE asset IS NOT DISTINCT FROM %s AND part IS NOT DISTINCT FROM %s AND lane IS NULL
"""

Counter = tuple[str, float | None, str, Mapping[str, str]]


def counter(name: str, value: float | None, unit: str = "count", **labels: str) -> Counter:
    """`five_qi` is the label 5qi."""
    return name, value, unit, {("5qi" if key == "five_qi" else key): label for key, label in labels.items()}


def report(minutes: float, *counters: Counter, cell: str = CELL, of: str = CU, **more: Any) -> Message:
    """A report that ends `minutes` after the start."""
    told = [
        {"name": name, "value": value, "unit": unit, "labels": dict(labels)} for name, value, unit, labels in counters
    ]
    data = {"granularity_s": 60, "object": of, "measurements": told, **more}
    time = (START + minutes * MINUTE).isoformat(timespec="milliseconds")
    return structured(event("cell.measurement", data, subject=cell, time=time))


def access(
    minutes: float, rrc: tuple[int, int], context: tuple[int, int], bearer: tuple[int, int], **more: Any
) -> Message:
    """(succeeded, attempted) of each step, and 500 attempts at signalling, of which none succeeds."""
    pairs = {"RRC.ConnEstab": (rrc, "cause", "mo-Data"), "UECNTXT.ConnEstab": (context, "cause", "mo-Data")}
    told = [
        counter("RRC.ConnEstabAtt", 500, cause="mo-Signalling"),
        counter("RRC.ConnEstabSucc", 0, cause="mo-Signalling"),
    ]
    for name, ((succeeded, attempted), key, label) in {**pairs, "DRB.Estab": (bearer, "five_qi", "82")}.items():
        told += [counter(f"{name}Att", attempted, **{key: label}), counter(f"{name}Succ", succeeded, **{key: label})]
    return report(minutes, *told, **more)


def vectors() -> Iterator[Message]:
    """Domain vectors, in the units of PM files; the handovers in two reports, the releases in seconds and milliseconds."""
    yield access(1, (580, 600), (600, 600), (1000, 1000))
    yield access(2, (400, 400), (370, 380), (940, 960))
    for minutes, prep, exe in ((1, (100, 410), (30, 60)), (2, (205, 200), (600, 1200))):
        yield report(
            minutes,
            counter("MM.HoPrepInterSucc", prep[0]),
            counter("MM.HoPrepInterReq", prep[1]),
            counter("MM.HoExeIntraSucc", exe[0]),
            counter("MM.HoExeIntraReq", exe[1]),
        )
    octets = [counter(f"GTP.{way}DataOctN3UPF", 75_000_000, "octet") for way in ("In", "Out")]
    yield report(1, *octets, cell=UPF, of="UPFFunction=1,EP_N3=1")
    for five_qi, unit, time in (("82", "s", 43_200), ("83", "ms", 43_200_000)):
        flows = counter("QF.RelActNbr", 6, five_qi=five_qi), counter("QF.SessionTimeQoS", time, unit, five_qi=five_qi)
        bearers = counter("DRB.RelActNbr", 6, five_qi=five_qi), counter("DRB.SessionTime", time, unit, five_qi=five_qi)
        yield report(1, *flows, *bearers)
    yield report(1, counter("DRB.PdcpSduVolumeDL", 900, "Mbit"), counter("DRB.PdcpSduVolumeUL", 300_000, "kbit"))
    yield report(1, counter("PEE.Energy", 0.5, "kWh"), of=ELEMENT)


def numbers_of(
    system: System, until: timedelta, asset: str | None, part: str | None = None
) -> dict[str, tuple[Any, ...]]:
    """(value, numerator, denominator, n, completeness) by KPI, of [START, START + until)."""
    return {kpi: tuple(rest) for kpi, *rest in system.database.rows(NUMBERS, START, START + until, asset, part)}


def taken_in(system: System, *messages: Message) -> System:
    """Stored by a worker, none refused."""
    system.send(*messages)
    worker = system.workers.start("--until-caught-up")
    assert worker.ended(60) == 0, worker.log()
    assert system.database.total("ingest.dead_letter") == 0
    return system


def test_the_vectors_of_the_standard_come_out_of_reports_in_its_units(system: System) -> None:
    taken_in(system, *vectors(), report(26 * 60 + 5, counter("RRC.ConnEstabAtt", 1)))
    # The hours that are over are stored, the newest is computed when it is read: both say the same.
    assert system.database.value("SELECT count(DISTINCT bucket) FROM kpi.cell_hour") == 1
    stored = (
        numbers_of(system, HOUR, CELL),
        numbers_of(system, HOUR, CELL, "5qi=82"),
        numbers_of(system, HOUR, CELL, "5qi=83"),
    )
    system.database.rows("INSERT INTO kpi.stale_hour VALUES ('cell', %s)", START)
    again = (
        numbers_of(system, HOUR, CELL),
        numbers_of(system, HOUR, CELL, "5qi=82"),
        numbers_of(system, HOUR, CELL, "5qi=83"),
    )
    assert again == stored
    whole, control, other = ({kpi: numbers[0] for kpi, numbers in found.items()} for found in stored)
    assert control["drb_accessibility"] == pytest.approx(96.0102, abs=5e-5)
    assert whole["drb_accessibility"] == control["drb_accessibility"]
    assert whole["handover_success"] == pytest.approx(25.0)
    for kpi in ("qos_flow_retainability_r1", "drb_retainability"):
        assert (control[kpi], other[kpi]) == (pytest.approx(1.389e-4, rel=5e-4), pytest.approx(1.389e-4, rel=5e-4))
    assert whole["energy_efficiency"] == pytest.approx(666.7, abs=0.05)
    user_plane = numbers_of(system, HOUR, UPF)
    assert (user_plane["n3_throughput_ul"][0], user_plane["n3_throughput_dl"][0]) == (1e7, 1e7)
    # As the views have it: per hour, with the 5QI in a column.
    seen = system.database.rows(
        "SELECT kpi_id, value FROM kpi.cell_hourly WHERE period_start = %s AND asset = %s AND five_qi = '82' AND snssai IS NULL",
        START,
        CELL,
    )
    assert dict(seen) == control


def test_suspect_values_and_nulls_count_for_nothing_and_a_division_by_zero_is_null(system: System) -> None:
    taken_in(
        system,
        report(1, counter("SM.PDUSessionSetupReq", 100, snssai="1-000001"), counter("SM.PDUSessionSetupSucc", 90, snssai="1-000001")),
        report(2, counter("SM.PDUSessionSetupReq", 900, snssai="1-000001"), counter("SM.PDUSessionSetupSucc", 0, snssai="1-000001"), suspect=True),
        report(3, counter("SM.PDUSessionSetupReq", None, snssai="1-000001"), counter("SM.PDUSessionSetupSucc", None, snssai="1-000001")),
        report(4, counter("SM.PDUSessionSetupReq", 0, snssai="1-000002"), counter("SM.PDUSessionSetupSucc", 0, snssai="1-000002")),
    )  # fmt: skip
    first = numbers_of(system, HOUR, CELL, "snssai=1-000001")["pdu_session_establishment_success"]
    assert first[:4] == (90.0, 90.0, 100.0, 100.0)
    second = numbers_of(system, HOUR, CELL, "snssai=1-000002")["pdu_session_establishment_success"]
    assert second[:4] == (None, 0.0, 0.0, 0.0)
    # All four reports came, suspect or not.
    assert first[4] == second[4] == 1.0


def test_a_missing_period_is_a_gap_that_lowers_completeness_and_no_zero(system: System) -> None:
    volumes = counter("DRB.PdcpSduVolumeDL", 60, "Mbit"), counter("DRB.PdcpSduVolumeUL", 0, "Mbit")
    minutes = [minute for minute in range(1, 61) if minute not in (7, 8, 30)]
    taken_in(
        system,
        *(report(minute, *volumes) for minute in minutes),
        *(report(minute, counter("PEE.Energy", 0.01, "kWh"), of=ELEMENT, cell=OTHER) for minute in range(1, 61)),
    )
    cell, whole = numbers_of(system, HOUR, CELL), numbers_of(system, HOUR, None)
    assert cell == {}  # this one has no energy
    efficiency, volume, energy, n, completeness = whole["energy_efficiency"]
    assert (volume, energy, n) == (57 * 60e6, pytest.approx(60 * 36_000), 60)
    assert efficiency == pytest.approx(volume / energy)
    assert completeness == pytest.approx((57 + 60) / 120)
    seen = system.database.rows(
        "SELECT asset, object, reports, completeness FROM kpi.cell_completeness WHERE bucket = %s AND object IS NOT NULL",
        START,
    )
    assert sorted(seen) == [(CELL, CU, 57.0, 0.95), (OTHER, ELEMENT, 60.0, 1.0)]


def test_means_are_weighted_by_volume_over_reports_cells_and_labels(system: System) -> None:
    def throughput(minutes: float, cell: str, mbps: float, mbit: float | None, five_qi: str) -> Iterator[Message]:
        yield report(minutes, counter("DRB.UEThpUl", mbps * 1e3, "kbit/s", five_qi=five_qi), cell=cell, of=DU)
        if mbit is not None:
            yield report(minutes, counter("DRB.PdcpSduVolumeUL", mbit, "Mbit", five_qi=five_qi), cell=cell)

    taken_in(
        system,
        *throughput(1, CELL, 100, 900, "82"),
        *throughput(2, CELL, 20, 100, "82"),
        *throughput(2, CELL, 5, 1000, "9"),
        *throughput(1, OTHER, 40, 1000, "82"),
        *throughput(3, OTHER, 1, None, "71"),
        *throughput(1, OTHER, 7, None, "69"),
        *throughput(2, OTHER, 9, None, "69"),
    )

    def found(asset: str | None, part: str | None) -> float:
        return float(numbers_of(system, HOUR, asset, part)["ue_throughput_ul"][0])

    assert found(CELL, "5qi=82") == pytest.approx((100 * 900 + 20 * 100) / 1000 * 1e6)
    assert found(CELL, None) == pytest.approx((100 * 900 + 20 * 100 + 5 * 1000) / 2000 * 1e6)
    assert found(None, "5qi=82") == pytest.approx((100 * 900 + 20 * 100 + 40 * 1000) / 2000 * 1e6)
    # One report needs no weight; two without any give no mean at all.
    assert found(OTHER, "5qi=71") == 1e6
    assert "ue_throughput_ul" not in numbers_of(system, HOUR, OTHER, "5qi=69")


def test_what_is_counted_as_a_whole_and_by_label_counts_once(system: System) -> None:
    taken_in(
        system,
        report(
            1,
            counter("DRB.RelActNbr", 6),
            counter("DRB.RelActNbr", 4, five_qi="82"),
            counter("DRB.RelActNbr", 2, five_qi="9"),
            counter("DRB.SessionTime", 600, "s"),
            counter("DRB.SessionTime", 100, "s", five_qi="82", snssai="1-000001"),
            counter("DRB.SessionTime", 300, "s", five_qi="82", snssai="1-000002"),
        ),
    )
    whole, control = numbers_of(system, HOUR, CELL), numbers_of(system, HOUR, CELL, "5qi=82")
    assert whole["drb_retainability"][:3] == (pytest.approx(0.01), 6.0, 600.0)
    assert control["drb_retainability"][:3] == (pytest.approx(0.01), 4.0, 400.0)


def test_periods_that_begin_within_an_hour_hold_just_their_reports(system: System) -> None:
    taken_in(
        system, *(report(m, counter("DRB.SessionTime", 60, "s"), counter("DRB.RelActNbr", m)) for m in range(1, 181))
    )
    query = "SELECT numerator, denominator FROM kpi.numbers('cell', 'period', %s, %s) WHERE asset = %s AND part IS NULL"
    for first, last in ((0, 180), (10, 20), (30, 150), (60, 90), (90, 120), (59, 121)):
        span = START + first * MINUTE, START + last * MINUTE
        minutes = range(first + 1, last + 1)
        assert system.database.rows(query, *span, CELL) == [(sum(minutes), 60.0 * len(minutes))], (first, last)
