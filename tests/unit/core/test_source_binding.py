"""Bound sources: refused after a bad subject and before bad data (contract 9.4), whoever is not bound is refused."""

from typing import Any

import pytest

from schemas.outcome import Reason
from schemas.signing import Gateways, Key
from streams.core.domain import Limits
from tests.support.judging import pipeline
from tests.support.records import SOURCE, Sent, crane, encoded, stretch

KEY, OTHER = bytes(32), bytes(range(32))
LIMITS = Limits(gateways=Gateways({SOURCE: [KEY]}))


def sent(document: Any, key: bytes | None) -> Sent:
    value = encoded(document)
    return Sent(0, value, headers=() if key is None else [("qs-signature", Key(key).signature_of(value, ()))])


def reason_of(document: Any, key: bytes | None, limits: Limits = LIMITS) -> Reason | None:
    batch = pipeline("crane", limits).read([stretch([sent(document, key)])], {})
    return batch.refusals[0].reason if batch.refusals else None


def test_a_signed_event_is_taken() -> None:
    assert reason_of(crane("e1"), KEY) is None


@pytest.mark.parametrize("key", [None, OTHER])
def test_an_event_with_no_signature_or_that_of_another_is_refused(key: bytes | None) -> None:
    assert reason_of(crane("e1"), key) is Reason.SOURCE_REFUSED


def test_where_sources_are_not_bound_nobody_has_to_sign() -> None:
    assert reason_of(crane("e1"), None, Limits()) is None


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (b"x", Reason.UNDECODABLE),
        ({"id": "a"}, Reason.NOT_CLOUDEVENT),
        (crane("e1", type="io.quaystream.crane.other.v1"), Reason.UNKNOWN_TYPE),
        (crane("e1", subject="sts"), Reason.BAD_SUBJECT),
        (crane("e1", data={"load_t": "heavy"}), Reason.SOURCE_REFUSED),
        (crane("e1", time="yesterday"), Reason.SOURCE_REFUSED),
        (crane("e1", ago_s=-3_600.0), Reason.SOURCE_REFUSED),
        (crane("e1", source="/somebody/else"), Reason.SOURCE_REFUSED),
    ],
)
def test_the_first_reason_of_the_contract_s_order_counts(document: Any, reason: Reason) -> None:
    assert reason_of(document, None) is reason


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (crane("e1", data={"load_t": "heavy"}), Reason.INVALID_DATA),
        (crane("e1", time="yesterday"), Reason.INVALID_DATA),
        (crane("e1", ago_s=-3_600.0), Reason.CLOCK_SKEW),
    ],
)
def test_a_signature_excuses_nothing(document: Any, reason: Reason) -> None:
    assert reason_of(document, KEY) is reason


def test_a_refusal_says_whose_event_it_claims_to_be() -> None:
    batch = pipeline("crane", LIMITS).read([stretch([sent(crane("e1"), OTHER)])], {})
    refusal = batch.refusals[0]
    assert (refusal.source, refusal.event_id, refusal.detail) == (SOURCE, "e1", f"not signed with a key of {SOURCE}")
