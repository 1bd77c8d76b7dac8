"""The envelopes of a batch as columns: Arrow arrays for the rows, small integer codes for judging and counting."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from schemas.events.fields import BIGINT_MAX
from streams.core.envelope import Event

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Coded:
    """A text column with few distinct values: `texts` as Arrow has them, `codes` into `words`; -1 where null."""

    texts: pa.Array

    @cached_property
    def _encoded(self) -> pa.DictionaryArray:
        return self.texts.dictionary_encode()

    @cached_property
    def codes(self) -> Ints:
        """One number per text."""
        codes: Ints = self._encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
        return codes

    @cached_property
    def words(self) -> list[str]:
        """The distinct texts, in the order of their codes."""
        return self._encoded.dictionary.to_pylist()  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Head:
    """Envelope columns of the events at `positions` of their batch (ascending), all of one length.

    `odd` are indices into them whose sequence is no number from 0 to 2^63-1 (`sequences` is null there).
    """

    positions: Ints
    kinds: tuple[type[Event], ...]
    kind_codes: Ints
    ids: pa.Array
    source: Coded
    subject: Coded
    bootid: Coded
    sequences: pa.Array
    odd: Sequence[int]
    times: pa.Array
    recorded: Sequence[str | None]
    data: Sequence[Any]

    def __len__(self) -> int:
        return len(self.positions)

    def by_kind(self) -> list[tuple[type[Event], Ints]]:
        """Each type with the indices of its events."""
        return [(kind, np.flatnonzero(self.kind_codes == code)) for code, kind in enumerate(self.kinds)]


def head_of(events: Sequence[Event | None]) -> Head:
    """The columns of the events there are."""
    # Plain comprehensions, one per column: twice as fast as attrgetter with zip.
    present = [event for event in events if event is not None]
    kinds = list(map(type, present))
    distinct = tuple(dict.fromkeys(kinds))
    sequences, odd = _numbers([event.sequence for event in present])
    return Head(
        positions=_positions(events, len(present)),
        kinds=distinct,
        kind_codes=_codes(kinds, distinct),
        ids=pa.array([event.id for event in present], pa.string()),
        source=Coded(pa.array([event.source for event in present], pa.string())),
        subject=Coded(pa.array([event.subject for event in present], pa.string())),
        bootid=Coded(pa.array([event.bootid for event in present], pa.string())),
        sequences=sequences,
        odd=odd,
        times=pa.array([event.time for event in present], pa.string()),
        recorded=[event.recordedtime for event in present],
        data=[event.data for event in present],
    )


def _positions(events: Sequence[Event | None], present: int) -> Ints:
    if present == len(events):
        return np.arange(present, dtype=np.int64)
    return np.array([i for i, event in enumerate(events) if event is not None], dtype=np.int64)


def _codes(kinds: Sequence[type[Event]], distinct: Sequence[type[Event]]) -> Ints:
    if len(distinct) <= 1:
        return np.zeros(len(kinds), dtype=np.int64)
    code = {kind: number for number, kind in enumerate(distinct)}
    return np.array([code[kind] for kind in kinds], dtype=np.int64)


def _numbers(numbers: Sequence[int | str | None]) -> tuple[pa.Array, Sequence[int]]:
    if set(map(type, numbers)) <= {int, type(None)}:
        try:
            sequences = pa.array(numbers, pa.int64())
        except (OverflowError, pa.ArrowInvalid):
            pass  # beyond 64 bits: told apart below
        else:
            if sequences.null_count == len(numbers) or min(n for n in numbers if n is not None) >= 0:  # type: ignore[operator]
                return sequences, ()
    odd = [i for i, n in enumerate(numbers) if n is not None and not (isinstance(n, int) and 0 <= n <= BIGINT_MAX)]
    wrong = set(odd)
    return pa.array([None if i in wrong else n for i, n in enumerate(numbers)], pa.int64()), odd
