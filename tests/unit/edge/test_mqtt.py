"""Topic templates, what a payload says, and which redelivered message is known already."""

from pathlib import Path
from typing import Any

import pytest

from connectors.mqtt.repeats import Repeats
from connectors.mqtt.settings import MqttSettings
from connectors.mqtt.source import TopicReader
from connectors.mqtt.topics import Topic
from schemas.errors import ConfigurationError
from tests.support.doors import a_door
from tests.support.edge import words
from tests.support.published import hear, published

MAPPING = """
type: io.quaystream.cell.radio.v1
time: {column: mqtt.received_ms, unit: ms}
subject: {column: topic.device, site: VNHPH-DEEPC2}
fields:
  rsrp_dbm: {column: signal.0.rsrp, type: number}
"""


def settings(*topics: dict[str, Any]) -> MqttSettings:
    own = {"kind": "mqtt", "name": "test", "host": "localhost", "port": 1883, "client_id": "gw"}
    return MqttSettings.model_validate({**own, "topics": list(topics)})


def reader(*topics: dict[str, Any]) -> TopicReader:
    return settings(*topics)._reader()


@pytest.mark.parametrize(
    ("template", "wanted", "topic", "names"),
    [
        ("a/{crane}/c", "a/+/c", "a/sts03/c", {"crane": "sts03"}),
        ("a/{crane}/c", "a/+/c", "a/sts03/d", None),
        ("a/{crane}/c", "a/+/c", "a/b/b/c", None),
        ("{site}/+/{crane}", "+/+/+", "tv/x/rtg", {"site": "tv", "crane": "rtg"}),
        ("a/#", "a/#", "a", {}),
        ("a/#", "a/#", "a/b/c", {}),
        ("a/#", "a/#", "ab", None),
        ("a.b/{x}", "a.b/+", "axb/1", None),
        ("{x}", "+", "", {"x": ""}),
    ],
)
def test_a_template_is_a_filter_and_names_the_levels(
    template: str, wanted: str, topic: str, names: dict[str, str] | None
) -> None:
    assert Topic(template).filter == wanted
    assert Topic(template).names_in(topic) == names


@pytest.mark.parametrize("template", ["a/#/b", "a/{b", "a/b+", "{x}/{x}", "a/{B}", "a/x#"])
def test_a_template_that_is_none_is_said_before_anything_starts(template: str) -> None:
    with pytest.raises(ConfigurationError, match="source test: topic"):
        settings({"topic": template}).check()


async def test_cloudevents_come_in_structured_and_in_binary_mode(tmp_path: Path) -> None:
    event = words(id="7", data={"load_t": 1.5})
    attributes = {name: value for name, value in event.items() if name != "data"}
    binary = published("a", event["data"], attributes=(("specversion", "1.0"), *attributes.items()))
    structured = published("a", {"specversion": "1.0", **event}, content_type="application/cloudevents+json")
    async with a_door(tmp_path) as opened:
        one, other = await hear(reader({"topic": "a"}), opened, binary, structured)
        assert one == other
        assert one["data"] == {"load_t": 1.5}


async def test_the_first_template_that_fits_says_how_a_message_is_read(tmp_path: Path) -> None:
    (tmp_path / "radio.yaml").write_text(MAPPING)
    heard = reader({"topic": "radio/events"}, {"topic": "radio/{device}", "mapping": str(tmp_path / "radio.yaml")})
    assert heard.filters() == ["radio/events", "radio/+"]
    async with a_door(tmp_path) as opened:
        mapped = published("radio/agv-11", {"signal": [{"rsrp": -85}], "more": None})
        events = await hear(heard, opened, published("radio/events", words()), mapped, published("other", {}))
        assert [event["subject"] for event in events] == ["VNHPH-TANVU-STS01", "VNHPH-DEEPC2-AGV_11"]
        assert events[1]["data"] == {"rsrp_dbm": -85.0}
        assert events[1]["time"] == "2026-01-01T00:00:00.000Z"
        assert opened.errors("invalid") == 1


async def test_one_bad_object_of_an_array_does_not_take_the_others_with_it(tmp_path: Path) -> None:
    (tmp_path / "radio.yaml").write_text(MAPPING)
    heard = reader({"topic": "{device}", "mapping": str(tmp_path / "radio.yaml")})
    good, bad = {"signal": [{"rsrp": -85}]}, {"signal": [{"rsrp": "weak"}]}
    async with a_door(tmp_path) as opened:
        assert len(await hear(heard, opened, published("ue1", [good, bad, 7, good]))) == 2
        assert opened.errors("invalid") == 2


def test_a_repeat_has_its_number_its_words_and_the_mark_of_a_redelivery() -> None:
    repeats = Repeats(2, None)
    first = published("a", b"1", number=5)
    repeats.note(first)
    kept = Repeats(2, repeats.text())
    assert kept.had_session
    assert kept.is_one(published("a", b"1", number=5, is_again=True))
    assert not kept.is_one(published("a", b"1", number=5))
    assert not kept.is_one(published("a", b"2", number=5, is_again=True))
    assert not kept.is_one(published("b", b"1", number=5, is_again=True))
    assert not kept.is_one(published("a", b"1", number=6, is_again=True))


def test_only_as_many_are_known_as_the_broker_may_owe_and_none_of_an_older_session() -> None:
    repeats = Repeats(2, None)
    for number in (1, 2, 3):
        repeats.note(published("a", b"", number=number))
    again = [repeats.is_one(published("a", b"", number=number, is_again=True)) for number in (1, 2, 3)]
    assert again == [False, True, True]
    repeats.forget()
    assert not repeats.is_one(published("a", b"", number=3, is_again=True))


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"ca_file": "x"}, "need `tls = true`"),
        ({"tls": True, "cert_file": "x"}, "come together"),
        ({"password_file": "x"}, "needs a username"),
        ({"version": "3"}, "'5' or '3.1.1'"),
        ({"client_id": "a b"}, "client_id"),
        ({"topics": [{"topic": "a", "identity": "content"}]}, "`identity` is for topics with a `mapping`"),
    ],
)
def test_settings_that_do_not_fit_together_are_refused(given: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        MqttSettings.model_validate({**settings({"topic": "a"}).model_dump(exclude_none=True), **given})


def test_files_that_cannot_be_read_are_one_line(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    for given in ({"tls": True, "ca_file": tmp_path / "ca.pem"}, {"username": "u", "password_file": tmp_path / "none"}):
        own = settings({"topic": "a"}).model_dump(exclude_none=True)
        with pytest.raises(ConfigurationError, match="source test: ") as caught:
            MqttSettings.model_validate({**own, **given}).check()
        assert "\n" not in str(caught.value)
