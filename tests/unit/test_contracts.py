"""Contracts as data: what is taken, what is refused and how that is said; and what is made of one."""

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from connectors.sharing.topics import acl_of, topics_of
from connectors.sharing.views import view_sql
from schemas.errors import ConfigurationError
from schemas.share import FOLDER, load_contracts
from schemas.share.masks import masked, pads
from streams.core.clear_names import Sites
from streams.core.domain import Limits
from streams.core.record import TopicPartition
from streams.sharing.forward import Forwarding
from tests.support.events import event, moment
from tests.support.records import Sent

KEY = b"k" * 32
LIMITS = Limits()


def record(value: bytes, offset: int) -> Sent:
    return Sent(offset, value, timestamp=int(datetime.now(UTC).timestamp() * 1_000))


def said(**changes: Any) -> dict[str, Any]:
    content = yaml.safe_load((FOLDER / "customs-supervision.yaml").read_text())
    return {**content, **changes}


def written(folder: Path, content: dict[str, Any], name: str | None = None) -> Path:
    file = folder / (name or f"{content.get('agency')}-{content.get('purpose')}.yaml")
    file.write_text(yaml.safe_dump(content))
    return folder


def test_the_shipped_contracts_hold_together_and_are_of_four_agencies() -> None:
    contracts = load_contracts()
    assert {contract.agency for contract in contracts} == {"customs", "tax", "port_authority", "border_guard"}
    assert [f"{contract.name}.yaml" for contract in contracts] == sorted(path.name for path in FOLDER.glob("*.yaml"))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"purpose": "curiosity"}, "purpose"),
        ({"sites": ["VNHPH-NOWHERE"]}, "VNHPH-NOWHERE"),
        ({"sites": []}, "sites"),
        ({"valid_until": "2020-01-01"}, "valid_until"),
        ({"country": "Vietnam"}, "country"),
        ({"delay": "soon"}, "write a duration"),
        ({"agency": "customs; DROP"}, "agency"),
        ({"shares": {"gate_step": {"plate": "plain"}}}, "shares.gate_step.plate"),
        ({"shares": {"gate_step": {"extra": "plain"}}}, "shares.gate_step.extra"),
        ({"shares": {"gate_step": {"source": "plain"}}}, "may not serve supervision"),
        ({"shares": {"cell_measurement": {"name": "plain"}}}, "no table that can be shared"),
        ({"shares": {"pg_authid": {"rolname": "plain"}}}, "no table that can be shared"),
        ({"shares": {"gate_step": {"weight_kg": "keyed"}}}, "keyed is not for"),
        ({"shares": {"gate_step": {"weight_kg": "hidden"}}}, "shares.gate_step.weight_kg"),
        ({"shares": {"gate_step": {}}}, "names no field"),
        ({"purpose": "fees", "shares": {"gate_step": {"truck_plate": "keyed"}}}, "may not serve fees"),
        ({"note": "x"}, "note"),
    ],
    ids=lambda value: None if isinstance(value, str) else "-".join(value),
)
def test_a_contract_that_says_too_much_is_refused_in_one_line(
    changes: dict[str, Any], words: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_contracts(written(tmp_path, said(**changes), "customs-supervision.yaml"))
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_contract_is_found_under_its_own_name_alone(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"customs-supervision\.yaml"):
        load_contracts(written(tmp_path, said(), "tax-supervision.yaml"))


def test_any_change_of_a_contract_changes_its_digest(tmp_path: Path) -> None:
    digests = {contract.digest for contract in load_contracts()}
    (changed,) = load_contracts(written(tmp_path, said(delay="1h")))
    assert len(digests) == len(load_contracts())
    assert changed.digest not in digests


def test_agencies_whose_names_begin_alike_share_no_prefix_of_topics(tmp_path: Path) -> None:
    (one,) = load_contracts(
        written(tmp_path, said(agency="port", purpose="navigation", shares={"vessel_milestone": {"imo": "plain"}}))
    )
    other = next(contract for contract in load_contracts() if contract.agency == "port_authority")
    assert not any(topic.startswith("share-port-") for topic in other.topics())
    assert "--topic share-port- " in acl_of(one)


def test_topics_are_kept_as_long_as_the_contract_says() -> None:
    found = {topic.name: topic.config["retention.ms"] for topic in topics_of(load_contracts())}
    assert found["share-border_guard-border-gate"] == str(30 * 86_400_000)
    assert "share-tax-fees-vessel" not in found


def test_a_view_is_a_barrier_and_asks_whether_its_contract_stands() -> None:
    (contract,) = [one for one in load_contracts() if one.name == "tax-fees"]
    sql = view_sql(contract, contract.datasets[0])
    assert sql.startswith("CREATE VIEW share.tax_fees_gate_step WITH (security_barrier = true) AS")
    assert "now() < c.valid_until" in sql
    assert contract.digest in sql
    assert "truck_plate" not in sql


def test_abroad_a_view_asks_for_an_approved_transfer_each_time(tmp_path: Path) -> None:
    (contract,) = load_contracts(written(tmp_path, said(country="SG")))
    views = {dataset.word: view_sql(contract, dataset) for dataset in contract.datasets}
    assert "share.transfer" in views["gate_step"]
    assert "share.transfer" not in views["vessel_milestone"]


@pytest.mark.parametrize(
    ("mask", "value", "shown"),
    [
        ("plain", "CSQU3054383", "CSQU3054383"),
        ("prefix", "CSQU3054383", "CSQU*"),
        ("present", 0.0, "present"),
        ("rounded", 24_350.0, 24_400.0),
        ("rounded", 24_250.0, 24_200.0),
        ("keyed", "v1", "k1." + hmac.new(KEY, b"v1", hashlib.sha256).hexdigest()[:32]),
        ("prefix", None, None),
    ],
)
def test_masks(mask: Any, value: Any, shown: Any) -> None:
    assert masked(mask, value, KEY) == shown


def test_the_pads_make_the_hmac_of_the_standard() -> None:
    inner, outer = pads(KEY)
    by_pads = hashlib.sha256(outer + hashlib.sha256(inner + b"text").digest()).hexdigest()
    assert by_pads == hmac.new(KEY, b"text", hashlib.sha256).hexdigest()


def forwarding(folder: Path, limits: Limits = LIMITS, **changes: Any) -> Forwarding:
    (contract,) = load_contracts(written(folder, said(**changes)))
    return Forwarding(contract, KEY, limits)


def step(subject: str = "VNHPH-TANVU-GATE01", ago: timedelta = timedelta(0), **data: Any) -> dict[str, Any]:
    document = event("gate.step", subject=subject, time=moment(ago))
    document["data"].update(data)
    return document


def shared(given: Forwarding, *documents: dict[str, Any]) -> list[dict[str, Any]]:
    records = [record(json.dumps(document).encode(), offset) for offset, document in enumerate(documents)]
    forwarded = given.forward(TopicPartition("gate-events", 0), records, datetime.now(UTC) + timedelta(seconds=1))
    return [json.loads(one.value) for one in forwarded.shared]


FIELDS = {"visit_id": "plain", "truck_plate": "keyed"}


def test_what_is_forwarded_is_what_the_contract_names_and_not_a_field_more(tmp_path: Path) -> None:
    given = forwarding(tmp_path, shares={"gate_step": FIELDS})
    document = step(truck_plate="15C12345", weight_kg=24_000.0, driver="A")
    (found,) = shared(given, document)
    plate = "k1." + hmac.new(KEY, b"15C12345", hashlib.sha256).hexdigest()[:32]
    identity = hmac.new(KEY, f"{document['source']}\n{document['id']}".encode(), hashlib.sha256).hexdigest()[:32]
    assert found == {
        "specversion": "1.0",
        "id": f"k1.{identity}",
        "source": "/quaystream/share/customs/supervision",
        "type": "io.quaystream.gate.step.v1",
        "time": document["time"],
        "site": "VNHPH-TANVU",
        "dataclassification": "personal",
        "data": {"visit_id": "visit-1", "truck_plate": plate},
    }


def test_a_repeat_keeps_its_id_and_other_sites_types_and_refused_events_are_not_given(tmp_path: Path) -> None:
    given = forwarding(tmp_path, shares={"gate_step": FIELDS})
    once = step()
    ocr = {"visit_id": "v", "lane": "IN1", "kind": "plate", "value": "15C12345", "confidence": 0.9}
    others = [step("VNHPH-DEEPC2-GATE01"), event("gate.ocr", ocr, subject="VNHPH-TANVU-GATE01"), step(lane=7)]
    found = shared(given, once, *others, once)
    assert len(found) == 2
    assert found[0] == found[1]


def test_records_younger_than_the_delay_wait_where_they_are(tmp_path: Path) -> None:
    given = forwarding(tmp_path, shares={"gate_step": FIELDS}, delay="1h")
    old, young = step(ago=timedelta(hours=2)), step(ago=timedelta(minutes=5))
    records = [record(json.dumps(one).encode(), offset) for offset, one in enumerate((old, young, old))]
    forwarded = given.forward(TopicPartition("gate-events", 0), records, datetime.now(UTC))
    assert len(forwarded.shared) == 1
    assert forwarded.until == 1


def test_nothing_is_given_outside_the_times_of_the_contract(tmp_path: Path) -> None:
    given = forwarding(tmp_path, shares={"gate_step": FIELDS})
    records = [record(json.dumps(step()).encode(), 7)]
    for when in (datetime(2025, 12, 31, tzinfo=UTC), datetime(2027, 7, 1, tzinfo=UTC)):
        forwarded = given.forward(TopicPartition("gate-events", 0), records, when)
        assert (forwarded.shared, forwarded.until) == ((), 7)


def test_a_clear_name_of_a_site_of_pseudonyms_is_not_given_on(tmp_path: Path) -> None:
    limits = Limits(pseudonyms_only=Sites(frozenset({"VNHPH-TANVU"})))
    given = forwarding(tmp_path, limits, shares={"gate_step": {"truck_plate": "plain"}})
    (found,) = shared(given, step(truck_plate="15C12345"))
    assert found["data"] == {"truck_plate": "withheld"}


def test_history_is_forwarded_like_live_events(tmp_path: Path) -> None:
    given = forwarding(tmp_path, shares={"gate_step": FIELDS})
    assert given.sources == ("gate-events", "gate-events-backfill")
    records = [record(json.dumps(step()).encode(), 0)]
    forwarded = given.forward(
        TopicPartition("gate-events-backfill", 0), records, datetime.now(UTC) + timedelta(seconds=1)
    )
    assert [one.topic for one in forwarded.shared] == ["share-customs-supervision-gate"]
