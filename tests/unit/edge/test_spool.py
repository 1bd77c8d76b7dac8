"""The spool: who gets which number, what a restart finds, and what happens when it is full."""

import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest

from connectors.edge.bounds import Bounds
from connectors.edge.errors import DiskFullError, EventTooLargeError, SpoolFullError
from connectors.edge.spool import END, Cursor, Parcel, Spool, ranges
from schemas.errors import ConfigurationError
from tests.support.edge import CRANE, Hands, contents, offer, parcel, spool_in

OTHER = "VNHPH-TANVU-STS02"


def numbers(spool: Spool) -> list[tuple[str, str]]:
    return [(event["subject"], event["sequence"]) for event in contents(spool)]


def test_each_stream_counts_from_one(tmp_path: Path) -> None:
    spool = spool_in(tmp_path)
    spool.write(
        [parcel(CRANE, OTHER, CRANE), Parcel([offer(type="io.quaystream.crane.status.v1", data={"status": "on"})])]
    )
    assert numbers(spool) == [(CRANE, "1"), (OTHER, "1"), (CRANE, "2"), (CRANE, "1")]
    assert len({event["id"] for event in contents(spool)}) == 4
    assert {event["bootid"] for event in contents(spool)} == {spool.bootid}


def test_restart_goes_on_counting_in_the_same_boot(tmp_path: Path) -> None:
    spool = spool_in(tmp_path)
    spool.write([parcel(CRANE, CRANE)])
    boot = spool.bootid
    spool.write([], [1, 2])
    spool.close()
    spool = spool_in(tmp_path)
    ((receipt,),) = spool.write([parcel(CRANE)])
    assert (receipt.bootid, receipt.sequence) == (boot, 3)


def test_new_spool_is_a_new_boot(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    assert spool_in(tmp_path).bootid != spool_in(tmp_path / "a").bootid


def test_event_with_an_id_keeps_it_and_is_not_numbered(tmp_path: Path) -> None:
    spool = spool_in(tmp_path)
    ((receipt,),) = spool.write([Parcel([offer(id="theirs")])])
    (event,) = contents(spool)
    assert receipt == ("theirs", None, None)
    assert event["id"] == "theirs"
    assert "sequence" not in event
    assert "bootid" not in event
    assert event["recordedtime"] == "2027-01-15T08:00:00.000Z"


def test_numbers_of_the_sender_are_kept(tmp_path: Path) -> None:
    spool = spool_in(tmp_path)
    theirs = {"id": "theirs", "bootid": "b", "sequence": "7", "recordedtime": "2026-01-01T00:00:01Z"}
    ((receipt,),) = spool.write([Parcel([offer(**theirs)])])
    assert receipt == ("theirs", "b", 7)
    assert contents(spool)[0].items() >= theirs.items()


def test_time_is_never_rewritten(tmp_path: Path) -> None:
    spool = spool_in(tmp_path)
    spool.write([Parcel([offer(time="2026-01-01T07:00:00.5+07:00")])])
    assert contents(spool)[0]["time"] == "2026-01-01T07:00:00.5+07:00"


def test_delivered_events_leave_and_the_rest_stays(tmp_path: Path) -> None:
    spool = spool_in(tmp_path)
    spool.write([parcel(*[CRANE] * 5)])
    spool.write([], [1, 2, 4])
    assert [row.position for row in spool.read(0, END, 10)] == [3, 5]
    assert spool.held().events == 2
    assert spool.held().bytes == sum(len(row.value) for row in spool.read(0, END, 10))


def test_letting_go_twice_counts_once(tmp_path: Path) -> None:
    spool = spool_in(tmp_path)
    spool.write([parcel(CRANE, CRANE)])
    spool.write([], [1])
    spool.write([], [1])
    assert spool.held().events == 1


def test_positions_are_never_used_again(tmp_path: Path) -> None:
    spool = spool_in(tmp_path)
    spool.write([parcel(CRANE, CRANE)])
    spool.write([], [1, 2])
    spool.close()
    spool = spool_in(tmp_path)
    assert spool.last_position == 2
    spool.write([parcel(CRANE)])
    assert [row.position for row in spool.read(0, END, 10)] == [3]


def test_full_spool_refuses_the_whole_parcel_and_uses_no_number(tmp_path: Path) -> None:
    size = _size_of_one(tmp_path)
    spool = Spool(tmp_path / "small.db", Bounds(max_bytes=2 * size + size // 2))
    first, second, third = spool.write([parcel(CRANE), parcel(CRANE, CRANE), parcel(CRANE)])
    assert isinstance(first, list)
    assert isinstance(second, SpoolFullError)
    assert second.cause == "full_by_bytes"
    assert isinstance(third, list)
    assert numbers(spool) == [(CRANE, "1"), (CRANE, "2")]


def test_old_events_make_the_spool_full(tmp_path: Path) -> None:
    hands = Hands()
    spool = spool_in(tmp_path, Bounds(max_age=timedelta(hours=1)), hands)
    spool.write([parcel(CRANE)])
    hands.pass_s(3601)
    (answer,) = spool.write([parcel(CRANE)])
    assert isinstance(answer, SpoolFullError)
    assert answer.cause == "full_by_age"


def test_dropping_the_oldest_leaves_a_gap_with_their_numbers(tmp_path: Path) -> None:
    size = _size_of_one(tmp_path)
    spool = Spool(tmp_path / "small.db", Bounds(max_bytes=3 * size + size // 2, when_full="drop_oldest"))
    for _ in range(5):
        spool.write([parcel(CRANE)])
    assert numbers(spool) == [(CRANE, "3"), (CRANE, "4"), (CRANE, "5")]
    assert spool.dropped == 2
    (gap,) = spool.gaps()
    assert (gap.bootid, gap.subject, gap.from_sequence, gap.to_sequence, gap.events) == (spool.bootid, CRANE, 1, 2, 2)


def test_dropping_makes_no_room_for_what_never_fits(tmp_path: Path) -> None:
    size = _size_of_one(tmp_path)
    spool = Spool(tmp_path / "small.db", Bounds(max_bytes=2 * size, when_full="drop_oldest"))
    spool.write([parcel(CRANE)])
    (answer,) = spool.write([parcel(CRANE, CRANE, CRANE)])
    assert isinstance(answer, SpoolFullError)
    assert numbers(spool) == [(CRANE, "1")]


def test_event_over_the_workers_limit_is_refused(tmp_path: Path) -> None:
    spool = spool_in(tmp_path)
    (answer,) = spool.write([Parcel([offer(data={"load_t": 1.0, "note": "x" * 1_048_577})])])
    assert isinstance(answer, EventTooLargeError)
    assert spool.held().events == 0


def test_cursor_is_kept_with_its_events(tmp_path: Path) -> None:
    spool = spool_in(tmp_path, Bounds(max_bytes=1))
    (answer,) = spool.write([Parcel([offer()], [Cursor("file", "10")])])
    assert isinstance(answer, SpoolFullError)
    assert spool.cursor("file") is None
    spool.write([Parcel([], [Cursor("file", "20")])])
    spool.close()
    assert spool_in(tmp_path).cursor("file") == "20"


def test_second_process_is_refused_in_one_line(tmp_path: Path) -> None:
    spool = spool_in(tmp_path)
    with pytest.raises(ConfigurationError, match=r"spool\.db \(another process has it open"):
        spool_in(tmp_path)
    spool.close()


@pytest.mark.parametrize("content", [b"not a database at all, but longer than a header of one hundred bytes " * 3])
def test_foreign_file_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "spool.db").write_bytes(content)
    with pytest.raises(ConfigurationError, match="no spool"):
        spool_in(tmp_path)
    assert (tmp_path / "spool.db").read_bytes() == content


def test_foreign_database_is_refused(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "spool.db") as other:
        other.execute("CREATE TABLE theirs (x)")
    other.close()
    with pytest.raises(ConfigurationError, match="not a spool of this version"):
        spool_in(tmp_path)


def test_every_commit_is_synced(tmp_path: Path) -> None:
    spool = spool_in(tmp_path)
    pragma = {
        name: spool._connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")
    }
    assert pragma == {"journal_mode": "wal", "synchronous": 2}


def test_full_disk_takes_nothing_and_heals(tmp_path: Path) -> None:
    spool = spool_in(tmp_path)
    spool.write([parcel(CRANE)])
    # SQLite's own bound gives the very error that a full disk gives.
    pages = spool._connection.execute("PRAGMA page_count").fetchone()[0]
    spool._connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(DiskFullError):
        spool.write([parcel(*[CRANE] * 200)])
    assert spool.held().events == 1
    spool._connection.execute("PRAGMA max_page_count = 1000000")
    spool.write([parcel(CRANE)])
    assert numbers(spool) == [(CRANE, "1"), (CRANE, "2")]


def test_wall_clock_step_moves_recordedtime_and_no_age(tmp_path: Path) -> None:
    hands = Hands()
    spool = spool_in(tmp_path, Bounds(max_age=timedelta(hours=1), when_full="drop_oldest"), hands)
    spool.write([parcel(CRANE)])
    hands.wall_s += 86_400
    spool.write([parcel(CRANE)])
    assert spool.clock.step_s() == pytest.approx(86_400)
    assert spool.clock.step_s() == 0
    assert [event["recordedtime"][:10] for event in contents(spool)] == ["2027-01-15", "2027-01-16"]
    assert spool.held().oldest_age_s == 0
    assert spool.dropped == 0


def test_restart_with_an_earlier_clock_keeps_ages_from_running_backwards(tmp_path: Path) -> None:
    hands = Hands()
    spool = spool_in(tmp_path, hands=hands)
    spool.write([parcel(CRANE)])
    spool.close()
    spool = spool_in(tmp_path, hands=Hands(hands.wall_s - 86_400))
    spool.write([parcel(CRANE)])
    first, second = spool.read(0, END, 2)
    assert second.steady_s >= first.steady_s


def test_event_set_aside_is_out_of_the_way_and_not_lost(tmp_path: Path) -> None:
    spool = spool_in(tmp_path)
    spool.write([parcel(CRANE, CRANE)])
    spool.set_aside(1, "MSG_SIZE_TOO_LARGE")
    assert numbers(spool) == [(CRANE, "2")]
    assert spool.aside() == 1
    kept = spool._connection.execute("SELECT position, reason FROM set_aside").fetchall()
    assert kept == [(1, "MSG_SIZE_TOO_LARGE")]


def test_positions_become_ranges() -> None:
    assert ranges([3, 1, 2, 7, 9, 8, 20]) == [(1, 3), (7, 9), (20, 20)]
    assert ranges([]) == []


def _size_of_one(folder: Path) -> int:
    """Bytes of one event as it is kept."""
    spool = Spool(folder / "measure.db")
    spool.write([parcel(CRANE)])
    size = spool.held().bytes
    spool.close()
    return size
