"""The spool against a model: whatever is taken, delivered, dropped, refused and restarted, in whatever order.

The model is a list and a counter per stream. It knows nothing of SQLite.
"""

import shutil
import tempfile
from pathlib import Path

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from connectors.edge.bounds import Bounds
from connectors.edge.clock import Clock
from connectors.edge.errors import SpoolFullError
from connectors.edge.event import offered
from connectors.edge.spool import END, Cursor, Parcel, Spool
from tests.simulation.disk import Disk, MemorySpool
from tests.support.edge import SOURCE, words

SUBJECTS = ("VNHPH-TANVU-STS01", "VNHPH-TANVU-STS02", "VNHPH-DEEPC2-AGV11")
KINDS = {
    "io.quaystream.crane.sample.v1": {"load_t": 20.5},
    "io.quaystream.crane.status.v1": {"status": "on"},
}
MOST_BYTES = 4_000
Choice = tuple[str, str, bool]
events = st.tuples(st.sampled_from(SUBJECTS), st.sampled_from(sorted(KINDS)), st.booleans())


class SpoolMachine(RuleBasedStateMachine):
    """Drives a real spool in a folder of its own, with refusal when it is full."""

    when_full = "refuse"

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="spool-"))
        self.spool = self.opened()
        self.boot = self.spool.bootid
        self.waiting: list[str] = []
        self.last: dict[tuple[str, str], int] = {}
        self.dropped: list[str] = []
        self.numbers: dict[str, tuple[str, str, int]] = {}
        self.theirs = 0
        self.cursor: str | None = None

    def opened(self) -> Spool:
        return Spool(self.folder / "spool.db", Bounds(max_bytes=MOST_BYTES, when_full=self.when_full))  # type: ignore[arg-type]

    @rule(parcels=st.lists(st.lists(events, max_size=5), min_size=1, max_size=3))
    def write(self, parcels: list[list[Choice]]) -> None:
        made = [Parcel([self.event(*choice) for choice in parcel]) for parcel in parcels]
        for parcel, choices, answer in zip(made, parcels, self.spool.write(made), strict=True):
            if isinstance(answer, SpoolFullError):
                continue
            assert isinstance(answer, list)
            assert len(answer) == len(parcel.events)
            for (subject, kind, brings_id), receipt, offer in zip(choices, answer, parcel.events, strict=True):
                if brings_id:
                    assert receipt == (offer.event["id"], None, None)
                else:
                    self.expect_next(subject, kind, receipt.id, receipt.sequence)
                self.waiting.append(receipt.id)
        if self.when_full == "drop_oldest":
            gone = len(self.waiting) - self.spool.held().events
            self.dropped += self.waiting[:gone]
            del self.waiting[:gone]

    def event(self, subject: str, kind: str, brings_id: bool) -> object:
        self.theirs += 1
        more = {"id": f"theirs-{self.theirs}"} if brings_id else {}
        return offered(words(subject, **{"type": kind, "data": KINDS[kind], **more}), SOURCE)

    def expect_next(self, subject: str, kind: str, name: str, sequence: int | None) -> None:
        stream = (subject, kind)
        assert sequence == self.last.get(stream, 0) + 1
        self.last[stream] = sequence
        assert name not in self.numbers
        self.numbers[name] = (subject, kind, sequence)

    @rule(data=st.data())
    @precondition(lambda self: self.waiting)
    def deliver_some(self, data: st.DataObject) -> None:
        rows = self.spool.read(0, END, 1_000)
        chosen = data.draw(st.sets(st.sampled_from(range(len(rows)))))
        self.spool.write([], [rows[index].position for index in chosen])
        self.waiting = [name for index, name in enumerate(self.waiting) if index not in chosen]

    @rule(value=st.integers(0, 9))
    def keep_a_cursor(self, value: int) -> None:
        self.spool.write([Parcel([], [Cursor("file", str(value))])])
        self.cursor = str(value)

    @rule()
    def restart(self) -> None:
        self.spool.close()
        self.spool = self.opened()

    @invariant()
    def holds_what_the_model_holds(self) -> None:
        rows = self.spool.read(0, END, 1_000)
        assert [msgspec.json.decode(row.value)["id"] for row in rows] == self.waiting
        held = self.spool.held()
        assert (held.events, held.bytes) == (len(rows), sum(len(row.value) for row in rows))
        assert held.bytes <= MOST_BYTES
        assert self.spool.bootid == self.boot
        assert self.spool.cursor("file") == self.cursor

    @invariant()
    def every_dropped_number_is_in_a_gap(self) -> None:
        gaps = self.spool.gaps()
        assert sum(gap.events for gap in gaps) == len(self.dropped)
        noted = {
            (gap.subject, gap.type, number)
            for gap in gaps
            if gap.from_sequence is not None and gap.to_sequence is not None
            for number in range(gap.from_sequence, gap.to_sequence + 1)
        }
        assert noted == {self.numbers[name] for name in self.dropped if name in self.numbers}

    def teardown(self) -> None:
        self.spool.close()
        shutil.rmtree(self.folder)


class DroppingMachine(SpoolMachine):
    """The same, where the oldest make room."""

    when_full = "drop_oldest"


class MemoryMachine(SpoolMachine):
    """The model of a disk that the simulation works with (tests/simulation/disk.py)."""

    def __init__(self) -> None:
        self.disk = Disk()
        super().__init__()

    def opened(self) -> Spool:
        return MemorySpool(self.disk, Clock(), Bounds(max_bytes=MOST_BYTES))  # type: ignore[return-value]


TestMemorySpool = MemoryMachine.TestCase
TestMemorySpool.settings = settings(max_examples=50, stateful_step_count=25, deadline=None)
TestSpool = SpoolMachine.TestCase
TestSpool.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
TestDroppingSpool = DroppingMachine.TestCase
TestDroppingSpool.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
