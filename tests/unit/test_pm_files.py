"""PM files decoded: both layouts and both roots, periods, hostile XML, and memory that does not grow."""

from collections.abc import Iterable
from datetime import UTC, datetime

import pytest

from connectors.network.decoded import Decoded, RefusedPartError, Undecoded
from connectors.pm_files.decoder import PmFileDecoder
from connectors.pm_files.period import end_time, whole_seconds

PERIOD = '<granPeriod duration="PT15M" endTime="2026-11-24T09:00:00+07:00"/>'
TYPES = '<measType p="1">DRB.UEThpUl.5QI82</measType><measType p="2">RRU.PrbTotUl</measType>'
LISTS = "<measTypes>DRB.UEThpUl.5QI82 RRU.PrbTotUl</measTypes>"


def file(infos: str, root: str = "measCollecFile", entity: str = "managedElement", space: str = "") -> bytes:
    mark = f' xmlns{space and ":" + space}="urn:any"'
    head = '<fileHeader vendorName="Acme"><measCollec beginTime="x"/></fileHeader>'
    text = f'<{root}>{head}<measData><{entity} localDn="SubNetwork=1,ManagedElement=gnb-1"/>{infos}</measData></{root}>'
    if space:
        text = text.replace("</", "\0").replace("<", f"<{space}:").replace("\0", f"</{space}:")
    return text.replace(">", mark + ">", 1).encode()


def info(value: str, types: str = TYPES, period: str = PERIOD) -> str:
    return f'<measInfo measInfoId="a">{period}{types}<measValue measObjLdn="NRCellDU=3">{value}</measValue></measInfo>'


def decode(content: bytes, step: int = 7) -> tuple[list[Decoded], list[Undecoded]]:
    decoder = PmFileDecoder()
    pieces: Iterable[bytes] = (content[i : i + step] for i in range(0, len(content), step))
    parts = [part for piece in pieces for part in decoder.feed(piece)] + list(decoder.close())
    return [p for p in parts if isinstance(p, Decoded)], [p for p in parts if isinstance(p, Undecoded)]


@pytest.mark.parametrize("space", ["", "md"])
@pytest.mark.parametrize(("root", "entity"), [("measCollecFile", "managedElement"), ("measDataFile", "measEntity")])
@pytest.mark.parametrize(
    ("types", "value"),
    [
        (TYPES, '<r p="1">48250</r><r p="2">63</r><suspect>true</suspect>'),
        (TYPES, '<r p="2">63</r><r p="1">48250</r><suspect>true</suspect>'),
        (LISTS, "<measResults>48250 63</measResults><suspect>true</suspect>"),
        (LISTS, '<r p="1"> 48250 </r><r p="2">63</r><suspect>true</suspect>'),
    ],
)
def test_both_layouts_and_both_roots_say_the_same(space: str, root: str, entity: str, types: str, value: str) -> None:
    (made,), refused = decode(file(info(value, types), root, entity, space))
    assert not refused
    assert made.time == datetime(2026, 11, 24, 2, tzinfo=UTC)
    assert {m["name"]: m["value"] for m in made.data["measurements"]} == {
        "DRB.UEThpUl.5QI82": 48250,
        "RRU.PrbTotUl": 63,
    }
    head = {name: made.data[name] for name in ("granularity_s", "object", "vendor", "suspect")}
    assert head == {"granularity_s": 900, "object": "NRCellDU=3", "vendor": "Acme", "suspect": True}
    assert made.data["managed_element"] == "SubNetwork=1,ManagedElement=gnb-1"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ('<r p="1">5</r><r p="3">6</r>', "p '3' is none of the 2 types"),
        ('<r p="1">5</r><r p="1">6</r>', "p '1' comes twice"),
        ('<r p="1">5</r><r>6</r>', "p '' is none of the 2 types"),
        ('<r p="1">5</r><r p="2">0x7</r>', "'0x7' is no number"),
        ('<r p="1">5</r><r p="2">1,x</r>', "'x' is no number"),
        ('<r p="1">5</r><r p="2">inf</r>', "'inf' is no number we take"),
    ],
)
def test_result_that_cannot_be_used_is_refused_and_its_neighbour_kept(value: str, said: str) -> None:
    (made,), (refused,) = decode(file(info(value)))
    assert [m["value"] for m in made.data["measurements"]] == [5]
    assert said in refused.why


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (info('<r p="1">5</r>', period=""), "granPeriod is missing"),
        (
            info('<r p="1">5</r>', period='<granPeriod duration="PT900S" endTime="2026-11-24T09:00:00"/>'),
            "no time with offset",
        ),
        (
            info('<r p="1">5</r>', period='<granPeriod duration="900" endTime="2026-11-24T09:00:00Z"/>'),
            "duration '900'",
        ),
        (info("<measResults>1</measResults>", LISTS), "1 results for 2 types"),
        (info('<r p="1">5</r><suspect>perhaps</suspect>'), "neither true nor false"),
    ],
)
def test_object_without_place_in_time_or_order_is_refused_and_the_next_kept(given: str, said: str) -> None:
    good = info('<r p="1">7</r>')
    (made,), (refused,) = decode(file(given + good))
    assert [m["value"] for m in made.data["measurements"]] == [7]
    assert said in refused.why


@pytest.mark.parametrize("blank", ["", " ", "NIL", "null"])
def test_blank_value_is_null(blank: str) -> None:
    (made,), _ = decode(file(info(f'<r p="1">{blank}</r>')))
    assert made.data["measurements"] == [{"name": "DRB.UEThpUl.5QI82", "value": None}]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no xml",
        b"<html/>",
        b'<!DOCTYPE a [<!ENTITY b "c">]><measCollecFile>&b;</measCollecFile>',
        b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><measCollecFile/>',
        b"<measCollecFile>&lol;</measCollecFile>",
        b'<?xml version="1.0" encoding="nobody"?><measCollecFile/>',
        b"<measCollecFile>" + b"<a>" * 40,
        b"<measCollecFile>" + b"".join(b"<a%d/>" % i for i in range(2000)),
    ],
)
def test_file_that_cannot_be_read_is_sent_on_byte_for_byte(content: bytes) -> None:
    good, (refused,) = decode(content, 1000)
    assert not good
    assert (refused.type, refused.part) == (None, content)


@pytest.mark.parametrize("endless", [b"<measCollecFile><r>" + b"x" * 65_000, b'<measCollecFile><r p="' + b"x" * 65_000])
def test_endless_text_or_tag_is_refused_within_bounds(endless: bytes) -> None:
    decoder = PmFileDecoder()
    parts, read = list(decoder.feed(endless)), 0
    while not parts and read < 200:
        parts, read = list(decoder.feed(b"x" * 65_000)), read + 1
    assert 10 < read < 40
    assert isinstance(parts[0], Undecoded)
    assert len(parts[0].part) <= 900_000


def test_refused_results_of_a_large_file_come_in_pieces() -> None:
    bad = "".join(f'<r p="{i}">{"x" * 30}</r>' for i in range(3, 6000))
    good, refused = decode(file(info('<r p="1">5</r>' + bad)), 60_000)
    assert len(good) == 1
    assert sum(len(part.part) for part in refused) == 5997
    assert len(refused) == 2


@pytest.mark.parametrize(
    ("text", "expected"),
    [("PT900S", 900), ("PT15M", 900), ("PT1H", 3600), ("P1D", 86_400), ("PT1H30M", 5400), ("PT60.0S", 60)],
)
def test_duration_is_seconds(text: str, expected: int) -> None:
    assert whole_seconds(text) == expected


@pytest.mark.parametrize(
    "text", [None, "", "P", "PT", "PT0S", "900", "PT1.5S", "P1Y", "P1M", "-PT5S", "PT99999999999S"]
)
def test_what_is_no_duration_is_refused(text: str | None) -> None:
    with pytest.raises(RefusedPartError):
        whole_seconds(text)


@pytest.mark.parametrize(
    "text", [None, "", "now", "2026-11-24T09:00:00", "2026-13-01T00:00:00Z", "0001-01-01T00:00:00+23:00"]
)
def test_what_is_no_time_with_offset_is_refused(text: str | None) -> None:
    with pytest.raises(RefusedPartError):
        end_time(text)
