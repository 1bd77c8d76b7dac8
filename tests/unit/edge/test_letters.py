"""What becomes no event is kept as it came, in the transaction that keeps what is taken, and says who refused it and why."""

import sqlite3
from pathlib import Path

import pytest

from connectors.edge.bounds import Bounds
from connectors.edge.errors import InvalidEventError, SpoolFullError, SpoolRefusedError
from connectors.edge.letter import MOST_BYTES, Addressed, headers_of, letter_of
from connectors.edge.spool import END, Cursor, Parcel, Spool
from tests.support.doors import a_door
from tests.support.edge import SOURCE, contents, offer, parcel, refused

SENDER = Addressed(SOURCE, "plc", "gate-events")
LETTER = letter_of(SENDER, "tanvu/sts03", "not JSON", b"\x00\xff{")


def test_a_letter_has_the_bytes_as_they_came_and_the_words_of_the_gateway() -> None:
    assert (LETTER.topic, LETTER.key, LETTER.value) == ("gate-events", "tanvu/sts03", b"\x00\xff{")
    assert headers_of(LETTER.header_text()) == [
        ("qs-undecoded", b"plc tanvu/sts03: not JSON"),
        ("qs-source", SOURCE.encode()),
    ]


@pytest.mark.parametrize(
    ("raw", "topic"),
    [
        (b'{"type": "io.quaystream.cell.radio.v1", "data": 1}', "cell-events"),
        (b'{"type": "io.quaystream.cell.weather.v1"}', "gate-events"),
        (b'{"type": 7}', "gate-events"),
        (b"[" * 100_000, "gate-events"),
    ],
)
def test_what_names_a_known_type_goes_where_its_type_goes(raw: bytes, topic: str) -> None:
    assert letter_of(SENDER, "x", "y", raw).topic == topic


def test_a_long_input_keeps_its_beginning_and_says_how_long_it_was() -> None:
    letter = letter_of(SENDER, "x", "y", bytes(MOST_BYTES + 5))
    assert letter.value == bytes(MOST_BYTES)
    assert ("qs-bytes", str(MOST_BYTES + 5)) in letter.headers


def test_letters_are_kept_with_the_cursor_of_what_they_were_read_with_or_not_at_all(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool.db")
    spool.write([Parcel([offer()], [Cursor("file", "7")], [LETTER])])
    assert [row.value for row in refused(spool)] == [LETTER.value]
    assert len(contents(spool)) == 1
    assert (spool.held().events, spool.cursor("file")) == (2, "7")
    small = Spool(tmp_path / "small.db", Bounds(max_bytes=1))
    (answer,) = small.write([Parcel([], [Cursor("file", "8")], [LETTER])])
    assert isinstance(answer, SpoolFullError)
    assert small.cursor("file") is None


def test_a_letter_that_makes_room_is_counted_by_its_place(tmp_path: Path) -> None:
    long = LETTER._replace(value=bytes(400))
    spool = Spool(tmp_path / "spool.db", Bounds(max_bytes=700, when_full="drop_oldest"))
    for _ in range(3):
        spool.write([Parcel(letters=[long])])
    (gap,) = spool.gaps()
    assert (gap.source, gap.type, gap.events, gap.from_sequence) == ("tanvu/sts03", "undecoded", 2, None)


def test_a_spool_of_the_format_before_letters_goes_on_with_what_it_has(tmp_path: Path) -> None:
    file = tmp_path / "spool.db"
    old = Spool(file)
    old.write([parcel("VNHPH-TANVU-STS01")])
    old.close()
    with sqlite3.connect(file) as connection:
        connection.execute("ALTER TABLE event DROP COLUMN headers")
        connection.execute("PRAGMA user_version = 1")
    connection.close()
    new = Spool(file)
    new.write([Parcel([offer()], [], [LETTER])])
    assert [row.headers is None for row in new.read(0, END, 10)] == [True, True, False]
    assert [event["sequence"] for event in contents(new)] == ["1", "2"]
    assert new.bootid == old.bootid


async def test_what_is_refused_in_parts_is_kept_once_and_comes_with_what_is_taken_next(tmp_path: Path) -> None:
    raw = b'[{"a": 1}, 7]'
    async with a_door(tmp_path) as opened:
        for part in (0, 1):
            opened.door.refuse(f"topic event {part}", InvalidEventError(f"wrong {part}"), raw)
        opened.door.refuse("file", InvalidEventError("it is kept elsewhere"))
        assert opened.door.has_letters
        await opened.door.take([offer()])
        assert not opened.door.has_letters
        assert await opened.refused() == [
            (
                "crane-events",
                "topic event 0",
                raw,
                {"qs-undecoded": "test topic event 0: wrong 0", "qs-source": SOURCE},
            )
        ]
        assert (opened.errors("invalid"), opened.letters(), opened.count()) == (3, 1, 1)


async def test_what_a_full_spool_did_not_keep_is_kept_with_what_is_taken_later(tmp_path: Path) -> None:
    async with a_door(tmp_path, Bounds(max_bytes=100)) as opened:
        opened.door.refuse("topic", InvalidEventError("wrong"), b"no event")
        with pytest.raises(SpoolRefusedError):
            await opened.door.take([offer()])
        assert opened.door.has_letters
        await opened.door.take([])
        assert [value for _, _, value, _ in await opened.refused()] == [b"no event"]
        with pytest.raises(SpoolRefusedError):
            await opened.door.refuse_now("http", InvalidEventError("wrong"), bytes(100))
        assert opened.letters() == 1
