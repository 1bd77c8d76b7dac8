"""Pseudonyms: who is named, under which key, from when to when; and what happens without one."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from connectors.kafka.protector import Protector
from connectors.vault.keys import Period, destroy_key, digest_of, key_of, make_keys
from connectors.vault.names import Name, seal, unseal
from schemas.errors import CheckFailedError, ConfigurationError
from schemas.pseudonyms import PATTERN, WITHHELD, Keys, named_fields, pseudonym, read_keys
from schemas.tables import RAW_BY_NAME
from streams.core.clear_names import Sites, withhold
from streams.core.columns import schema_of
from tests.support.events import binary, event, structured

SITE, OTHER = "VNHPH-TANVU", "VNHPH-DINHVU"
KEY, OTHER_KEY, NEXT_KEY = b"a" * 32, b"b" * 32, b"c" * 32
# 2026-01-05 is a multiple of 28 days after 1970-01-01: 20,458 = 28 * 730 + 18, so the period begins 18 days before.
START, NEXT = date(2025, 12, 18), date(2026, 1, 15)
KEYS = Keys(28, {SITE: {START: KEY, NEXT: NEXT_KEY}, OTHER: {START: OTHER_KEY}})
TIME = "2026-01-05T12:00:00+07:00"
GATE = f"{SITE}-GATE01"
STEP = "io.quaystream.gate.step.v1"


def of(plate: str, subject: str = GATE, time: str = TIME) -> str:
    return str(KEYS.protected(STEP, subject, time, {"truck_plate": plate}).data["truck_plate"])


def by_hand(key: bytes, kind: str, plain: str) -> str:
    """RFC 2104 from its definition."""
    block = key.ljust(64, b"\0")
    inner = hashlib.sha256(bytes(b ^ 0x36 for b in block) + f"{kind}\n{plain}".encode()).digest()
    digest = hashlib.sha256(bytes(b ^ 0x5C for b in block) + inner).digest()
    return base64.b32encode(digest).decode().lower()[:26]


def test_a_plate_becomes_the_hmac_under_the_key_of_its_site_and_period() -> None:
    assert of("15C-123.45") == f"p1.20251218.{by_hand(KEY, 'plate', '15C12345')}"
    assert of("15C12345", f"{OTHER}-GATE01") == f"p1.20251218.{by_hand(OTHER_KEY, 'plate', '15C12345')}"
    assert PATTERN.fullmatch(of("15C12345"))


def test_one_vehicle_has_one_pseudonym_within_the_period_however_its_plate_is_written() -> None:
    assert of("15c 123.45") == of("15C-12345") == of("15C12345", time="2025-12-18T00:00:00Z")
    assert of("15C12346") != of("15C12345")


def test_at_the_change_of_period_the_pseudonym_changes_with_the_time_of_the_event_not_of_the_sending() -> None:
    before, after = of("15C12345", time="2026-01-14T23:59:59Z"), of("15C12345", time="2026-01-15T00:00:00Z")
    assert (before[:11], after[:11]) == ("p1.20251218", "p1.20260115")
    assert before[12:] != after[12:]
    assert of("15C12345", time="2026-01-14T23:59:59Z") == before


def test_camera_and_gate_agree_on_a_plate_and_a_container_is_left_alone() -> None:
    ocr = "io.quaystream.gate.ocr.v1"
    data = {"kind": "plate", "value": "15C12345", "corrected_value": "15C12346"}
    protected = KEYS.protected(ocr, GATE, TIME, data)
    assert protected.data["value"] == of("15C12345")
    assert protected.data["corrected_value"] == of("15C12346")
    assert protected.replaced == 2
    box = {"kind": "container", "value": "CSQU3054383"}
    assert KEYS.protected(ocr, GATE, TIME, box) == (box, 0, 0)


def test_drivers_in_fields_nobody_declared_are_replaced_too() -> None:
    data = {"visit_id": "v1", "driver_ref": "Nguyen Van A", "driver_name": "Nguyen Van A", "note": "x"}
    protected = KEYS.protected(STEP, GATE, TIME, data)
    expected = f"p1.20251218.{by_hand(KEY, 'driver', 'NGUYENVANA')}"
    assert protected.data == {**data, "driver_ref": expected, "driver_name": expected}


def test_who_the_name_belongs_to_is_part_of_it() -> None:
    assert pseudonym(KEY, START, "operator", "A1") != pseudonym(KEY, START, "driver", "A1")


@pytest.mark.parametrize(
    ("subject", "time"),
    [("VNHPH-DEEPC2-GATE01", TIME), (GATE, "2027-01-05T00:00:00Z"), (GATE, "not a time")],
    ids=["site", "period", "time"],
)
def test_without_a_key_the_name_is_withheld_and_the_rest_is_kept(subject: str, time: str) -> None:
    protected = KEYS.protected(STEP, subject, time, {"truck_plate": "15C12345", "visit_id": "v1"})
    assert protected.data == {"truck_plate": WITHHELD, "visit_id": "v1"}
    assert (protected.replaced, protected.withheld) == (0, 1)


def test_what_is_a_pseudonym_already_stays() -> None:
    once = of("15C12345")
    assert of(once) == once
    assert of(WITHHELD) == WITHHELD


def test_every_personal_field_of_the_models_says_whose_name_it_is() -> None:
    assert {kind: set(named_fields(kind)) for kind in (STEP, "io.quaystream.gate.ocr.v1")} == {
        STEP: {"truck_plate"},
        "io.quaystream.gate.ocr.v1": {"value", "corrected_value"},
    }
    assert set(named_fields("io.quaystream.crane.assignment.v1")) == {"operator_ref"}
    assert not named_fields("io.quaystream.no.such.v1")


def write_keys(path: Path) -> Path:
    text = {
        site: {str(start): base64.b64encode(key).decode() for start, key in periods.items()}
        for site, periods in KEYS.sites.items()
    }
    path.write_text(json.dumps({"period_days": 28, "sites": text}))
    return path


def test_records_of_both_modes_lose_their_names_and_nothing_else(tmp_path: Path) -> None:
    protector = Protector(write_keys(tmp_path / "keys.json"))
    document = event("gate.step", subject=GATE, time=TIME)
    document["data"]["truck_plate"] = "15C12345"
    whole = structured(document)
    sent = json.loads(protector.record(whole.value, whole.headers) or b"")
    assert sent == {**document, "data": {**document["data"], "truck_plate": of("15C12345")}}
    apart = binary(document)
    assert json.loads(protector.record(apart.value, apart.headers) or b"") == sent["data"]
    assert protector.counts == {"replaced": 2, "withheld": 0}


@pytest.mark.parametrize("value", [None, b"", b"\xff", b"[1]", b'{"data": 1}', b'{"specversion":"1.0","data":{"a":1}}'])
def test_what_names_nobody_is_sent_byte_for_byte(value: bytes | None, tmp_path: Path) -> None:
    assert Protector(write_keys(tmp_path / "keys.json")).record(value, ()) is value


def test_a_file_of_keys_that_is_gone_withholds_names_until_it_is_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors.kafka.protector.LOOK_S", 0.0)
    file = write_keys(tmp_path / "keys.json")
    protector = Protector(file)
    document: dict[str, Any] = {"type": STEP, "subject": GATE, "time": TIME, "data": {"truck_plate": "15C12345"}}
    file.unlink()
    assert protector.event(document)["data"] == {"truck_plate": WITHHELD}
    write_keys(file)
    assert protector.event(document)["data"] == {"truck_plate": of("15C12345")}


def test_keys_are_made_once_ahead_and_only_for_their_owner(tmp_path: Path) -> None:
    file, now = tmp_path / "keys.json", datetime(2026, 1, 5, tzinfo=UTC)
    added = make_keys(file, [SITE, OTHER], 28, 2, now)
    starts = [START, NEXT, date(2026, 2, 12)]
    assert added == [Period(site, start) for site in (SITE, OTHER) for start in starts]
    assert make_keys(file, [SITE, OTHER], 28, 2, now) == []
    assert file.stat().st_mode & 0o077 == 0
    keys = read_keys(file)
    made = [key for periods in keys.sites.values() for key in periods.values()]
    assert len(set(made)) == len(made) == 6
    assert keys.missing(SITE, now) == []
    assert keys.missing("VNHPH-DEEPC2", now) == [START, NEXT]
    with pytest.raises(ConfigurationError, match="periods of 28 days"):
        make_keys(file, [SITE], 7, 2, now)


def test_a_destroyed_key_is_gone_from_the_file_and_its_name_cannot_be_opened(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    make_keys(file, [SITE], 28, 1, datetime(2026, 1, 5, tzinfo=UTC))
    period = Period(SITE, START)
    key = key_of(file, period)
    sealed = seal(key, SITE, Name("p1.x", "15C12345"))
    assert b"15C12345" not in sealed
    assert unseal(key, SITE, "p1.x", sealed) == "15C12345"
    for wrong in ((key_of(file, Period(SITE, NEXT)), SITE, "p1.x"), (key, OTHER, "p1.x"), (key, SITE, "p1.y")):
        with pytest.raises(CheckFailedError, match="not sealed with this key"):
            unseal(*wrong, sealed)
    destroy_key(file, period)
    with pytest.raises(ConfigurationError, match="no key"):
        key_of(file, period)
    assert base64.b64encode(key) not in file.read_bytes()
    assert digest_of(key) != hashlib.sha256(key).digest()


@pytest.mark.parametrize(
    "text", ["", "{}", '{"period_days":28,"sites":{"A":{"x":"y"}}}', '{"period_days":0,"sites":{}}', "[]"]
)
def test_a_file_that_is_none_is_refused_without_repeating_it(text: str, tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    file.write_text(text)
    with pytest.raises(ConfigurationError, match=r"keys\.json"):
        read_keys(file)


def gate_rows(plates: list[str | None], sites: list[str], extras: list[str | None]) -> dict[str, pa.RecordBatch]:
    table = RAW_BY_NAME["port.gate_step"]
    given: dict[str, list[Any]] = {"truck_plate": plates, "site": sites, "extra": extras}
    columns = [pa.array(given.get(field.name, [None] * len(plates)), field.type) for field in schema_of(table)]
    fields = [field.with_nullable(nullable=True) for field in schema_of(table)]
    return {"port.gate_step": pa.RecordBatch.from_arrays(columns, schema=pa.schema(fields))}


def test_a_worker_withholds_clear_names_of_sites_that_send_pseudonyms_and_of_no_other() -> None:
    good = of("15C12345")
    rows = gate_rows(
        ["15C12345", good, None, "15C12345", WITHHELD],
        [SITE, SITE, SITE, OTHER, SITE],
        ['{"driver_ref":"A","seal":"S1"}', None, '{"seal":"S1"}', '{"driver_ref":"A"}', None],
    )
    after, found = withhold(rows, Sites(frozenset({SITE})))
    batch = after["port.gate_step"]
    assert batch["truck_plate"].to_pylist() == [WITHHELD, good, None, "15C12345", WITHHELD]
    extras = ['{"driver_ref":"withheld","seal":"S1"}', None, '{"seal":"S1"}', '{"driver_ref":"A"}', None]
    assert batch["extra"].to_pylist() == extras
    assert found == {SITE: 2}
    everywhere, total = withhold(rows, Sites(None))
    assert everywhere["port.gate_step"]["truck_plate"].to_pylist()[3] == WITHHELD
    assert total == {SITE: 2, OTHER: 2}
    assert withhold(rows, Sites())[0] is rows


def test_hmac_of_the_standard_library_is_the_one_of_the_definition() -> None:
    assert (
        hmac.digest(KEY, b"plate\n15C12345", "sha256")
        .hex()
        .startswith(base64.b32decode(by_hand(KEY, "plate", "15C12345").upper() + "======").hex()[:30])
    )
