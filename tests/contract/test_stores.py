"""One suite for every store: the memory store promises what TimescaleDB does, and nothing else."""

import asyncio
from datetime import datetime

import pytest

from schemas.examples import load_examples
from schemas.outcome import Reason
from schemas.tables import RAW_TABLES
from streams.core.record import TopicPartition
from streams.core.refusal import Refusal
from streams.core.sequence import StreamKey, StreamState
from streams.core.writes import Pause
from streams.domains import DOMAINS
from streams.pipeline import Fence
from streams.store import FencedError, StaleStreamsError
from tests.support.judging import planned
from tests.support.records import CRANE, CRANES, OTHER_CRANES, SOURCE, Sent, crane, numbered, record_of, sent, stretch
from tests.support.stores import MemoryWorld, World, claimed, commit, moved, ordered

STREAM = StreamKey(SOURCE, "boot-1", CRANE, "io.quaystream.crane.sample.v1")


async def test_new_partition_begins_where_told(world: World) -> None:
    assert await world.store("a").claim({CRANES: 7}) == {CRANES: (7, 1)}


async def test_claim_keeps_the_position_and_raises_the_epoch(world: World) -> None:
    store = world.store("a")
    await commit(store, [stretch([crane("e1")])], await claimed(store, CRANES))
    assert await world.store("b").claim({CRANES: 0, OTHER_CRANES: 4}) == {CRANES: (1, 2), OTHER_CRANES: (4, 1)}


async def test_positions_know_only_partitions_that_were_claimed(world: World) -> None:
    store = world.store("a")
    await store.claim({CRANES: 3})
    assert await store.positions([CRANES, OTHER_CRANES]) == {CRANES: (3, 1)}


async def test_commit_moves_the_fence_and_counts_outcomes(world: World) -> None:
    store = world.store("a")
    await commit(store, [stretch([crane("e1"), crane("e1"), b"{", crane("e2")], first=5)], await claimed(store, CRANES))
    assert await world.fence(CRANES) == {
        "first_offset": 0,
        "next_offset": 9,
        "epoch": 1,
        "accepted": 2,
        "duplicate": 1,
        "rejected": 1,
        "missing": 5,
    }


@pytest.mark.parametrize("domain", [domain.name for domain in DOMAINS])
async def test_every_valid_example_is_stored_as_it_was_read(world: World, domain: str) -> None:
    tp = TopicPartition(f"{domain}-events", 0)
    examples = [e for e in load_examples() if e.expected is None and e.topic == tp.topic]
    batch = stretch([record_of(example, offset) for offset, example in enumerate(examples)], tp=tp)
    store = world.store("a")
    written = await commit(store, [batch], await claimed(store, tp), domain=domain)
    memory = MemoryWorld()
    await commit(memory.store("a"), [batch], await claimed(memory.store("a"), tp), domain=domain)
    for table in RAW_TABLES:
        assert len(await world.rows(table.name)) == (
            written.rows[table.name].num_rows if table.name in written.rows else 0
        )
        assert await world.rows(table.name) == await memory.rows(table.name)
    for name in written.rollups:
        assert await world.rollup(name) == await memory.rollup(name)


async def test_older_claim_is_fenced_and_writes_nothing(world: World) -> None:
    old, new = world.store("old"), world.store("new")
    fences = await claimed(old, CRANES)
    await claimed(new, CRANES)
    with pytest.raises(FencedError) as raised:
        await commit(old, [stretch([crane("e1")])], fences)
    assert raised.value.partitions == {CRANES}
    assert await world.rows("port.crane_sample") == []


async def test_batch_that_starts_elsewhere_is_fenced(world: World) -> None:
    store = world.store("a")
    fences = await claimed(store, CRANES)
    await commit(store, [stretch([crane("e1")])], fences)
    with pytest.raises(FencedError):
        await commit(store, [stretch([crane("e1")])], fences)
    assert (await world.fence(CRANES))["next_offset"] == 1


async def test_one_fenced_partition_takes_the_whole_batch_with_it(world: World) -> None:
    store = world.store("a")
    fences = await claimed(store, CRANES, OTHER_CRANES)
    await claimed(world.store("b"), OTHER_CRANES)
    batch = [stretch([crane("e1")]), stretch([crane("e2"), b"bad"], tp=OTHER_CRANES)]
    with pytest.raises(FencedError) as raised:
        await commit(store, batch, fences)
    assert raised.value.partitions == {OTHER_CRANES}
    assert (await world.fence(CRANES))["next_offset"] == 0
    assert await world.rows("port.crane_sample") == []
    assert await world.rollup("port.crane_minute") == []
    assert await world.dead_letters() == []
    assert await world.assets() == []
    assert await world.sources() == {}


async def test_stream_states_are_kept(world: World) -> None:
    store = world.store("a")
    await commit(store, [stretch([numbered(1), numbered(2), numbered(5)])], await claimed(store, CRANES))
    unknown = STREAM._replace(bootid="boot-2")
    assert await store.streams({STREAM, unknown}) == {
        STREAM: StreamState(1, (1, 2, 5, 5), 0),
        unknown: StreamState(),
    }


async def test_stale_stream_state_writes_nothing(world: World) -> None:
    store = world.store("a")
    fences = await claimed(store, CRANES, OTHER_CRANES)
    old = await store.streams({STREAM})
    await commit(store, [stretch([numbered(1)])], {CRANES: fences[CRANES]})
    with pytest.raises(StaleStreamsError):
        await commit(store, [stretch([numbered(2)], tp=OTHER_CRANES)], {OTHER_CRANES: fences[OTHER_CRANES]}, states=old)
    assert (await world.fence(OTHER_CRANES))["next_offset"] == 0
    assert len(await world.rows("port.crane_sample")) == 1
    assert (await store.streams({STREAM}))[STREAM].intervals == (1, 1)


async def test_gap_is_noticed_narrowed_and_filled(world: World) -> None:
    store = world.store("a")
    fences = await claimed(store, CRANES)
    await commit(store, [stretch([numbered(1), numbered(9)])], fences)
    assert await world.gaps() == [(2, 8, False)]
    await commit(store, [stretch([numbered(5)], first=2)], moved(fences, 2))
    assert await world.gaps() == [(2, 4, False), (6, 8, False)]
    await commit(store, [stretch([numbered(n) for n in (6, 8, 7)], first=3)], moved(fences, 3))
    assert await world.gaps() == [(2, 4, False), (6, 8, True)]


async def test_stored_event_is_found_again_by_its_identity(world: World) -> None:
    store = world.store("a")
    fences = await claimed(store, CRANES)
    await commit(store, [stretch([crane("e1")])], fences)
    again = [crane("e1"), crane("e2"), crane("e1", source="/vnhph/tanvu/gw-02")]
    written = await commit(store, [stretch(again, first=1)], moved(fences, 1))
    assert written.progress[0].duplicate == 1
    assert written.progress[0].accepted == 2


async def test_same_id_at_another_time_is_another_event_in_a_batch_as_after_it(world: World) -> None:
    store = world.store("a")
    fences = await claimed(store, CRANES)
    times = [crane("e1", ago_s=seconds) for seconds in (1.0, 2.0, 1.0)]
    await commit(store, [stretch(times)], fences)
    written = await commit(store, [stretch([*times, crane("e1", ago_s=3.0)], first=3)], moved(fences, 3))
    assert (await world.fence(CRANES))["accepted"] == 3
    assert (written.progress[0].accepted, written.progress[0].duplicate) == (1, 3)


async def test_events_are_looked_for_in_the_table_of_their_type(world: World) -> None:
    store = world.store("a")
    fences = await claimed(store, CRANES)
    status = crane("s1", type="io.quaystream.crane.status.v1", data={"status": "idle"})
    await commit(store, [stretch([status, crane("e1")])], fences)
    written = await commit(store, [stretch([crane("e1"), status, {**status, "id": "s2"}], first=2)], moved(fences, 2))
    assert written.progress[0].duplicate == 2
    assert len(await world.rows("port.crane_status")) == 2


async def test_repeated_number_of_a_stored_event_is_a_duplicate(world: World) -> None:
    store = world.store("a")
    fences = await claimed(store, CRANES)
    await commit(store, [stretch([numbered(1)])], fences)
    await commit(store, [stretch([numbered(1)], first=1)], moved(fences, 1))
    assert (await world.fence(CRANES))["duplicate"] == 1
    assert await world.sources() == {SOURCE: (1, 1)}


async def test_repeated_number_of_another_event_is_a_conflict(world: World) -> None:
    store = world.store("a")
    fences = await claimed(store, CRANES)
    await commit(store, [stretch([numbered(1)])], fences)
    await commit(store, [stretch([{**numbered(1), "id": "another"}], first=1)], moved(fences, 1))
    (letter,) = await world.dead_letters()
    assert (letter["reason"], letter["event_id"], letter["sequence"]) == (Reason.SEQUENCE_CONFLICT, "another", 1)


async def test_dead_letter_is_kept_byte_for_byte(world: World) -> None:
    store = world.store("a")
    headers = (("traceparent", b"\x00\xff"), ("empty", b""), ("null", None), ("traceparent", b"2"))
    records = [Sent(0, b"\x00\xff{", b"\x00key", headers), Sent(1, None, None), Sent(2, b"", None)]
    await commit(store, [stretch(records)], await claimed(store, CRANES))
    first, second, third = sorted(await world.dead_letters(), key=lambda letter: letter["record_offset"])
    assert (first["payload"], first["key"]) == (b"\x00\xff{", b"\x00key")
    assert first["headers"] == [["traceparent", "AP8="], ["empty", ""], ["null", None], ["traceparent", "Mg=="]]
    assert (second["payload"], second["key"], second["headers"]) == (None, None, [])
    assert third["payload"] == b""


async def test_dead_letter_says_whose_it_was(world: World) -> None:
    store = world.store("a")
    await commit(store, [stretch([numbered(4, data={"load_t": "heavy"})])], await claimed(store, CRANES))
    (letter,) = await world.dead_letters()
    named = {name: letter[name] for name in ("source", "event_id", "bootid", "subject", "type", "sequence")}
    assert named == {
        **dict(zip(("source", "bootid", "subject", "type"), STREAM, strict=True)),
        "event_id": "boot-1-4",
        "sequence": 4,
    }
    assert letter["reason"] == Reason.INVALID_DATA


async def test_lost_offsets_are_kept_with_their_kind(world: World) -> None:
    store = world.store("a")
    await claimed(store, CRANES)
    batch = stretch([sent(10, crane("e1")), sent(12, crane("e2"))])
    await commit(store, [batch], {CRANES: Fence(0, 1, log_start=8)})
    topic, partition = CRANES
    assert await world.lost() == [
        (topic, partition, 0, 8, "retention"),
        (topic, partition, 8, 10, "not_a_record"),
        (topic, partition, 11, 12, "not_a_record"),
    ]
    assert (await world.fence(CRANES))["missing"] == 11


async def test_pause_holds_until_it_is_lifted(world: World) -> None:
    store = world.store("a")
    fences = await claimed(store, CRANES, OTHER_CRANES)
    pause = Pause(CRANES, "too many")
    await commit(store, [stretch([b"x"])], {CRANES: fences[CRANES]}, pauses=(pause,))
    assert set(await store.paused([CRANES, OTHER_CRANES])) == {CRANES}
    assert set(await store.paused([OTHER_CRANES])) == set()
    await world.lift(CRANES)
    assert set(await store.paused([CRANES, OTHER_CRANES])) == set()


async def test_undeclared_asset_joins_once(world: World) -> None:
    fences = await claimed(world.store("a"), CRANES)
    event = crane("e1", subject="VNHPH-TANVU-NEW01")
    await commit(world.store("a"), [stretch([event])], fences)
    await commit(world.store("b"), [stretch([{**event, "id": "e2"}], first=1)], moved(fences, 1))
    assert await world.assets() == [("VNHPH-TANVU-NEW01", "VNHPH-TANVU")]


async def test_sources_are_tallied_over_transactions(world: World) -> None:
    store = world.store("a")
    fences = await claimed(store, CRANES)
    other = crane("e2", source="/vnhph/tanvu/gw-02")
    await commit(store, [stretch([crane("e1"), other, crane("e1")])], fences)
    await commit(store, [stretch([crane("e3"), b"x"], first=3)], moved(fences, 3))
    assert await world.sources() == {SOURCE: (2, 1), "/vnhph/tanvu/gw-02": (1, 0)}


async def test_of_two_workers_at_once_one_is_fenced(world: World) -> None:
    first, second = world.store("a"), world.store("b")
    fences = await claimed(first, CRANES)
    results = await asyncio.gather(
        commit(first, [stretch([crane("e1")])], fences),
        commit(second, [stretch([crane("e1")])], fences),
        return_exceptions=True,
    )
    assert sorted(type(result).__name__ for result in results) == ["FencedError", "Writes"]
    assert len(await world.rows("port.crane_sample")) == 1


async def test_unnumbered_event_that_comes_twice_at_once_is_stored_once(world: World) -> None:
    first, second = world.store("a"), world.store("b")
    fences = await claimed(first, CRANES, OTHER_CRANES)
    await asyncio.gather(
        commit(first, [stretch([crane("e1")])], {CRANES: fences[CRANES]}),
        commit(second, [stretch([crane("e1")], tp=OTHER_CRANES)], {OTHER_CRANES: fences[OTHER_CRANES]}),
    )
    assert len(await world.rows("port.crane_sample")) == 1
    assert await world.sources() == {SOURCE: (1, 1)}


async def test_of_two_that_grow_one_stream_at_once_one_is_stale(world: World) -> None:
    first, second = world.store("a"), world.store("b")
    fences = await claimed(first, CRANES, OTHER_CRANES)
    states = await first.streams({STREAM})
    results = await asyncio.gather(
        commit(first, [stretch([numbered(1)])], {CRANES: fences[CRANES]}, states=states),
        commit(second, [stretch([numbered(2)], tp=OTHER_CRANES)], {OTHER_CRANES: fences[OTHER_CRANES]}, states=states),
        return_exceptions=True,
    )
    assert sorted(type(result).__name__ for result in results) == ["StaleStreamsError", "Writes"]
    assert len(await world.rows("port.crane_sample")) == 1


@pytest.mark.parametrize("error", [ValueError("a bug"), KeyError("a bug")])
async def test_unknown_error_is_a_bug(world: World, error: Exception) -> None:
    assert world.store("a").fault_of(error) == "crash"


async def test_time_keeps_its_microseconds(world: World) -> None:
    store = world.store("a")
    await commit(store, [stretch([crane("e1", time="2026-11-24T08:59:59.123456+07:00")])], await claimed(store, CRANES))
    (row,) = await world.rows("port.crane_sample")
    assert row["time"] == datetime.fromisoformat("2026-11-24T01:59:59.123456Z")


async def test_unknown_fields_of_any_size_are_kept(world: World) -> None:
    store = world.store("a")
    extra = {"huge": 10**399, "deep": [[[{"a": [None, True, 1e-300]}]]], "tiếng Việt": "gió"}
    await commit(store, [stretch([crane("e1", data={"load_t": 1.0, **extra})])], await claimed(store, CRANES))
    (row,) = await world.rows("port.crane_sample")
    assert ordered([row["extra"]]) == ordered([extra])


@pytest.mark.parametrize(
    "record",
    [
        Sent(0, b"{", b"k", (("NUL \0 in a name", b"v"),)),
        Sent(0, b'{"id": "a\\u0000b", "source": "s", "specversion": "1.0", "type": "t\\u0000"}'),
        Sent(0, b'{"id": "\\udcff", "source": "s", "specversion": "1.0", "type": "t"}'),
        Sent(0, b"{}", b"k", tuple((f"ce_{n}", b"a\0b") for n in ("id", "source", "specversion", "type"))),
    ],
    ids=["header-name", "id", "surrogate", "binary-type"],
)
async def test_whatever_is_refused_can_be_kept(world: World, record: Sent) -> None:
    store = world.store("a")
    await commit(store, [stretch([record])], await claimed(store, CRANES))
    (letter,) = await world.dead_letters()
    assert letter["record_offset"] == 0
    assert letter["payload"] == record.value


async def test_event_the_store_refuses_can_be_kept_as_a_dead_letter(world: World) -> None:
    store = world.store("a")
    fences = await claimed(store, CRANES)
    refusal = Refusal(Reason.STORAGE_REFUSED, "sqlstate_22: NUL \0 and \udcff in text")
    batch = [stretch([crane("e1")])]
    plan = planned(batch, fences=fences, forced={(CRANES, 0): refusal})
    await store.commit(plan, store.prepare(plan.writes(())))
    (letter,) = await world.dead_letters()
    assert (letter["reason"], letter["event_id"]) == (Reason.STORAGE_REFUSED, "e1")
    assert (await world.fence(CRANES))["rejected"] == 1
