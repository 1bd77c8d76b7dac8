"""Whatever bytes arrive, readers of messages give events or refusals; what they write, they read again."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.dcsa import writer as dcsa
from connectors.edifact.syntax import DEFAULT, Segment, raw_segments, segment_of, text_of
from connectors.edifact.writer import Letter, write
from connectors.kafka.outgoing import time_text
from connectors.mapping.decoder import decode as decode_mapped
from connectors.mapping.model import Mapping
from connectors.messages.formats import FORMATS
from connectors.messages.records import records
from connectors.messages.said import CARGO, VESSEL
from connectors.tic import writer as tic
from connectors.tic.partner import TicPartner
from schemas.identifiers import container_check_digit
from tests.support.messages import GOLDEN, MESSAGES, events, without_identity

SAMPLES = {
    "edifact": [*MESSAGES.glob("*.edi"), *GOLDEN.glob("*.edi")],
    "dcsa": [*MESSAGES.glob("*.json"), GOLDEN / "dcsa.json"],
    "tic": [GOLDEN / "tic.json", GOLDEN / "tic.flat.json"],
}
scalars = st.none() | st.booleans() | st.integers() | st.text(max_size=12) | st.sampled_from(["ACT", "BERTH", "ARRI"])
names = st.sampled_from(
    [
        *(
            "events",
            "eventID",
            "eventType",
            "eventClassifierCode",
            "eventDateTime",
            "equipmentEventTypeCode",
            "payload",
        ),
        *("metadata", "portCallService", "timestamp", "portCall", "vessel", "vesselSchedules", "transportCalls"),
        *(
            "timestamps",
            "transportCall",
            "eventLocation",
            "facility",
            "seals",
            "delayReasonCodes",
            "msg",
            "che",
            "hoist",
        ),
        *("hoisting", "speed", "value", "pom", "arrayid", "spreader", "locked", "status", "health", "errormessage"),
    ]
)
documents = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=5), max_leaves=25
)


@st.composite
def spoiled(draw: st.DrawFn, form: str) -> bytes:
    sample = draw(st.sampled_from(SAMPLES[form])).read_bytes()
    start = draw(st.integers(0, len(sample)))
    end = draw(st.integers(start, min(start + 200, len(sample))))
    return sample[:start] + draw(st.binary(max_size=20) | st.just(b"'")) + sample[end:]


@pytest.mark.parametrize("form", FORMATS)
@given(data=st.data())
def test_readers_survive_whatever_comes(form: str, data: st.DataObject) -> None:
    content = data.draw(st.binary(max_size=200) | spoiled(form) | documents.map(msgspec.json.encode))
    notes: Counter[str] = Counter()
    said = list(FORMATS[form].decode(content, notes, FORMATS[form].partner()))
    for record in records(said, "run", None, None):
        assert record.undecoded is not None or record.key


parts = st.sampled_from(
    [
        "che",
        "@",
        "@a",
        "hoist",
        "hoisting",
        "speed",
        "output",
        "actual",
        "#unit#m/s",
        "value",
        "id",
        "spreader",
        "status",
        "",
    ]
)
flat_keys = st.lists(parts, min_size=1, max_size=8).map(".".join)
times = st.just("2026-11-24T02:00:00Z") | scalars
flats = st.tuples(st.dictionaries(flat_keys, documents, max_size=6), times)


@given(flats)
def test_flat_messages_of_any_keys_are_read_or_refused(flat: tuple[dict[str, Any], Any]) -> None:
    content = msgspec.json.encode({**flat[0], "msg.timestamp": flat[1], "che.@.name": "VNHPH_TANVU_STS_003"})
    list(FORMATS["tic"].decode(content, Counter(), TicPartner()))


MAPPING = Mapping.model_validate(
    {
        "type": "crane.sample.v1",
        "subject": "VNHPH-TANVU-{msg}",
        "time": {"from": "timestamp", "unit": "ms"},
        "fields": {"load_t": {"from": "speed", "unit": "kg"}, "spreader_locked": "locked", "moves_total": "value.0"},
    }
)


@given(st.dictionaries(names, documents, max_size=6) | documents, st.sampled_from(["json", "csv"]))
def test_mappings_survive_whatever_comes(document: Any, form: Any) -> None:
    mapping = MAPPING.model_copy(update={"input": form})
    for content in (
        msgspec.json.encode(document),
        msgspec.json.encode({"msg": "a", "timestamp": 1e12, "speed": document}),
    ):
        for record in records(decode_mapped(content, Counter(), mapping), "run", None, None):
            assert record.undecoded is not None or record.key


signs = st.text(st.characters(max_codepoint=255, exclude_categories=["Cc"]), max_size=12)


@given(st.lists(st.lists(signs, min_size=1, max_size=4), min_size=1, max_size=6))
def test_segment_that_is_written_is_read(elements: list[list[str]]) -> None:
    written = Segment("FTX", tuple(map(tuple, elements)))
    ((raw, is_ended),) = raw_segments(text_of(written), DEFAULT)
    found = segment_of(raw, DEFAULT, 1)
    assert is_ended
    for i, element in enumerate(elements):
        for j, part in enumerate(element):
            assert found.get(i, j) == part.strip()


words = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789?+:' Éß", min_size=1, max_size=20).map(str.strip).filter(bool)
codes = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=5, max_size=5)
weights = st.integers(1, 400_000).map(lambda tenths: tenths / 10)
moments = st.integers(0, 800_000_000).map(lambda s: datetime(2001, 1, 1, tzinfo=UTC) + timedelta(seconds=s))


owners = st.sampled_from(["CSQ", "MSK", "TNV"])


@st.composite
def containers(draw: st.DrawFn) -> str:
    first = f"{draw(owners)}U{draw(st.integers(0, 999_999)):06d}"
    return f"{first}{container_check_digit(first)}"


def optional(**fields: Any) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=fields)


carried = optional(
    iso_equipment_code=st.sampled_from(["22G1", "45R1", "L5G1"]),
    empty=st.booleans(),
    equipment_status=st.sampled_from(["2", "3", "6"]),
    booking=words,
    bill_of_lading=words,
    port_of_loading=codes,
    port_of_discharge=codes,
    stowage_cell=st.integers(0, 999_999).map(lambda n: f"{n:07d}"),
    tare_kg=weights,
    temperature_c=st.integers(-400, 400).map(lambda tenths: tenths / 10),
    seals=st.lists(st.fixed_dictionaries({"number": words, "issuer": st.sampled_from(["CA", "SH"])}), min_size=1, max_size=3),
    dangerous_goods=st.lists(st.fixed_dictionaries({"class": words, "un_number": words}), min_size=1, max_size=2),
    damages=st.lists(st.fixed_dictionaries({"type": words, "area": words}), min_size=1, max_size=2),
)  # fmt: skip
vgm = st.none() | st.tuples(weights, st.sampled_from(["VGM", "G", "EGW"]))
ship = optional(voyage=words, vessel_call_sign=words, vessel_name=words, carrier=words, call_id=words)


@st.composite
def milestones(draw: st.DrawFn, *names: str) -> dict[str, Any]:
    number = draw(containers())
    data = {
        "equipment_reference": number,
        "milestone": draw(st.sampled_from(names)),
        "document": draw(words),
        **draw(carried),
    }
    if weight := draw(vgm):
        data |= {"weight_kg": weight[0], "weight_kind": weight[1]}
    time = time_text(draw(moments))
    return {"type": CARGO, "subject": f"VNHPH-TANVU-{number}", "time": time, "data": data}


def plain(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """In one order, without what a message says only about itself."""
    kept = [
        {**event, "data": {n: v for n, v in event["data"].items() if n not in ("local_time", "call_id")}}
        for event in without_identity(found)
    ]
    return sorted(kept, key=lambda event: msgspec.json.encode(event, order="sorted"))


AT = datetime(2026, 11, 24, tzinfo=UTC)


@given(st.lists(milestones("gated_in", "gated_out"), min_size=1, max_size=4))
def test_gate_milestones_survive_a_codeco(told: list[dict[str, Any]]) -> None:
    written = write(told, "CODECO", Letter("A", "B", AT))
    assert written.refused == []
    assert plain(events("edifact", written.content)) == plain(told)


@given(st.lists(st.tuples(milestones("discharged", "loaded"), ship), min_size=1, max_size=4))
def test_quay_milestones_survive_a_coarri(pairs: list[tuple[dict[str, Any], dict[str, Any]]]) -> None:
    told = [{**event, "data": {**event["data"], **of_ship}} for event, of_ship in pairs]
    written = write(told, "COARRI", Letter("A", "B", AT))
    assert written.refused == []
    found = events("edifact", written.content)
    assert plain(found) == plain(told)
    calls = {event["data"].get("call_id") for event in told} - {None}
    assert calls <= {event["data"].get("call_id") for event in found}


vessel = st.fixed_dictionaries(
    {
        "imo": st.sampled_from(["9074729", "9321483", "9800013"]),
        "call_id": st.text("AZ09_", min_size=1, max_size=32),
        "milestone": st.sampled_from(
            ["first_line", "last_line", "berth_arrival", "sailed", "anchored", "cargo_started"]
        ),
    },
    optional={"vessel_name": words, "remark": words, "delay_reason": words, "berth": words},
)


@st.composite
def calls(draw: st.DrawFn) -> dict[str, Any]:
    data = {**draw(vessel), "classifier": draw(st.sampled_from(["ACT", "EST", "PLN", "REQ"]))}
    if data["classifier"] != "ACT":
        data["expected_time"] = time_text(draw(moments))
    return {"type": VESSEL, "subject": f"VNHPH-TANVU-{data['call_id']}", "time": time_text(draw(moments)), "data": data}


boxes = st.sampled_from(
    [
        {"milestone": "loaded"},
        {"milestone": "gated_out"},
        {"milestone": "clearance", "agency": "customs", "status": "selected_inspection"},
        {"milestone": "released", "agency": "customs"},
    ]
)


@given(st.lists(calls(), max_size=3), st.lists(st.tuples(containers(), boxes, st.booleans()), max_size=3))
def test_milestones_survive_dcsa(of_ships: list[dict[str, Any]], of_boxes: list[Any]) -> None:
    cargo = [
        {
            "type": CARGO,
            "subject": f"VNHPH-TANVU-{number}",
            "time": "2026-11-24T02:00:00.000Z",
            "data": {"equipment_reference": number, "empty": empty, **means},
        }
        for number, means, empty in of_boxes
    ]
    told = [{"id": str(n), "source": "/t", **event} for n, event in enumerate([*of_ships, *cargo])]
    written = dcsa.write(told, "QSY")
    assert written.refused == []
    assert without_identity(events("dcsa", written.content)) == without_identity(told)


numbers = st.floats(-1e6, 1e6, allow_nan=False)
samples = optional(
    hoist_position_m=numbers,
    hoist_speed_mps=numbers,
    trolley_position_m=numbers,
    gantry_speed_mps=numbers,
    load_t=numbers,
    spreader_locked=st.booleans(),
    spreader_landed=st.booleans(),
    spreader_mode=st.sampled_from(["single", "twin", "tandem"]),
    spreader_length_ft=st.sampled_from([20, 30, 40, 45]),
    wind_mps=st.floats(0, 60),
    power_kw=numbers,
    energy_total_kwh=st.floats(0, 1e9),
    moves_total=st.integers(0, 10**9),
).filter(bool)


@given(samples, st.booleans())
def test_samples_survive_tic_in_both_forms(data: dict[str, Any], is_flat: bool) -> None:
    told = {"id": "1", "source": "/t", "type": tic.SAMPLE, "subject": "VNHPH-TANVU-STS03", "time": "2026-11-24T02:00:00.000Z", "data": data}  # fmt: skip
    written = tic.write([told], "gw", flat=is_flat)
    assert without_identity(events("tic", written.content)) == without_identity([told])
