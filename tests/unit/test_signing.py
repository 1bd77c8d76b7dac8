"""Signatures: their bytes against openssl's, keys and who may speak for what."""

import base64
from pathlib import Path

import pytest

from connectors.kafka.options import Signer
from schemas.errors import ConfigurationError
from schemas.signing import Gateways, Key, read_gateways, read_key

KEY, OTHER = bytes(range(32)), bytes(range(1, 33))
VALUE = b'{"id":"a"}'
GATEWAY = "/vnhph/tanvu/gw-01"


def headers(key: bytes, value: bytes = VALUE) -> list[tuple[str, bytes | None]]:
    return [("qs-signature", Key(key).signature_of(value, ()))]


def test_the_signature_of_a_structured_event_is_the_hmac_of_its_value() -> None:
    """`printf '{"id":"a"}' | openssl dgst -sha256 -mac HMAC -macopt hexkey:000102…1f`."""
    expected = b"hmac-sha256=b0c5b20d7ed18328853f06656033bbe45580ac12a8e7471fd03adcdee023b2d5"
    assert Key(KEY).signature_of(VALUE, [("content-type", b"application/cloudevents+json")]) == expected


def test_the_signature_of_a_binary_event_covers_its_attributes_in_any_order() -> None:
    """The lines ce_id=a, ce_source=/s, content-type=application/json, an empty one and the value, by openssl."""
    expected = b"hmac-sha256=45888417d37224616780f6276e483e5514e18d833a26c39d1726b77cfab8a2b2"
    sent = [("ce_source", b"/s"), ("Content-Type", b"application/json"), ("ce_id", b"a"), ("other", b"x")]
    assert Key(KEY).signature_of(b'{"x":1}', sent) == expected


@pytest.mark.parametrize("source", [GATEWAY, f"{GATEWAY}/camera/2"])
def test_a_gateway_speaks_for_its_name_and_what_is_under_it(source: str) -> None:
    assert Gateways({GATEWAY: [KEY]}).objection(source, VALUE, headers(KEY)) is None


@pytest.mark.parametrize("source", [f"{GATEWAY}0", "/vnhph/tanvu", "/", "", "gw", f"{GATEWAY[1:]}"])
def test_nobody_speaks_for_other_names(source: str) -> None:
    assert "no gateway is known" in str(Gateways({GATEWAY: [KEY]}).objection(source, VALUE, headers(KEY)))


def test_the_nearest_gateway_counts() -> None:
    gateways = Gateways({GATEWAY: [KEY], f"{GATEWAY}/inner": [OTHER]})
    assert gateways.objection(f"{GATEWAY}/inner/x", VALUE, headers(OTHER)) is None
    assert gateways.objection(f"{GATEWAY}/inner/x", VALUE, headers(KEY)) is not None


def test_while_keys_change_both_hold() -> None:
    gateways = Gateways({GATEWAY: [KEY, OTHER]})
    assert [gateways.objection(GATEWAY, VALUE, headers(key)) for key in (KEY, OTHER)] == [None, None]


@pytest.mark.parametrize(
    "given",
    [
        [],
        [("qs-signature", None)],
        [("qs-signature", b"")],
        headers(OTHER),
        headers(KEY, b'{"id":"b"}'),
        [("qs-signature", Key(KEY).signature_of(VALUE, ()).upper())],
        [("qs-signature", b"\xff\xfe")],
    ],
)
def test_any_other_signature_is_an_objection_that_names_the_gateway(given: list[tuple[str, bytes | None]]) -> None:
    objection = Gateways({GATEWAY: [KEY]}).objection(GATEWAY, VALUE, given)
    assert objection is not None
    assert GATEWAY in objection


def test_a_record_that_is_signed_already_keeps_its_signature() -> None:
    assert Signer(OTHER).signed(VALUE, headers(KEY)) == headers(KEY)


def test_keys_are_read_as_base64(tmp_path: Path) -> None:
    file = tmp_path / "gateways.toml"
    file.write_text(f'["{GATEWAY}"]\nkeys = ["{base64.b64encode(KEY).decode()}"]\n')
    assert read_gateways(file).objection(GATEWAY, VALUE, headers(KEY)) is None
    (tmp_path / "key").write_text(base64.b64encode(KEY).decode() + "\n")
    assert read_key(tmp_path / "key") == KEY


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('["/a"]\nkeys = ["c2hvcnQ="]', "32 bytes or more"),
        ('["/a"]\nkeys = ["secret-words!"]', "32 bytes or more"),
        ('["/a"]\nkeys = []', "needs keys"),
        ('["/a"]\nkey = "x"', "needs keys"),
        ('["/a"]\nkeys = "x"', "needs keys"),
        ('a = "x"', "needs keys"),
        ("[", "not TOML"),
    ],
)
def test_a_wrong_file_is_one_line_without_the_key(tmp_path: Path, content: str, said: str) -> None:
    file = tmp_path / "gateways.toml"
    file.write_text(content)
    with pytest.raises(ConfigurationError) as raised:
        read_gateways(file)
    assert said in str(raised.value)
    assert "secret-words" not in str(raised.value)


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot read"):
        read_key(tmp_path / "none")
