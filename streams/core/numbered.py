"""The numbered events of a batch, gathered by stream: a sequence counts only together with a boot id."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from streams.core.head import Head
from streams.core.sequence import StreamKey

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Run:
    """One stream's numbers in the order of the batch; `is_counting` when each is one more than the last."""

    key: StreamKey
    positions: Ints
    numbers: Ints
    is_counting: bool


@dataclass(frozen=True, slots=True)
class Numbered:
    """Every event of a batch: in the run of its stream, or among the positions without a number."""

    runs: Sequence[Run]
    unnumbered: Ints


def numbered(head: Head, standing: npt.NDArray[np.bool_]) -> Numbered:
    """Gather the events of `head` where `standing` says that they are not refused."""
    valid = standing & head.sequences.is_valid().to_numpy(zero_copy_only=False) & (head.bootid.codes >= 0)
    indices = np.flatnonzero(valid)
    unnumbered = head.positions[np.flatnonzero(standing & ~valid)]
    if not len(indices):
        return Numbered((), unnumbered)
    codes = _stream_codes(head)[indices]
    order = np.argsort(codes, kind="stable")
    indices, codes = indices[order], codes[order]
    numbers = head.sequences.fill_null(0).to_numpy()[indices]
    starts = np.flatnonzero(np.diff(codes, prepend=codes[0] - 1))
    return Numbered(_runs(head, indices, numbers, starts), unnumbered)


def _stream_codes(head: Head) -> Ints:
    """One number per distinct (type, source, boot id, subject)."""
    codes = head.kind_codes
    for column in (head.source, head.bootid, head.subject):
        codes = codes * (len(column.words) + 1) + column.codes + 1
    return codes


def _runs(head: Head, indices: Ints, numbers: Ints, starts: Ints) -> list[Run]:
    ends = np.append(starts[1:], len(indices))
    breaks = np.diff(numbers, prepend=numbers[0] - 1) != 1
    breaks[starts] = False
    is_counting = np.add.reduceat(breaks, starts) == 0
    firsts = indices[starts]
    sources, bootids, subjects = (
        [column.words[code] for code in column.codes[firsts].tolist()]
        for column in (head.source, head.bootid, head.subject)
    )
    types = [kind.__struct_config__.tag for kind in head.kinds]
    kinds = [types[code] for code in head.kind_codes[firsts].tolist()]
    positions = head.positions[indices]
    return [
        Run(StreamKey(*key), positions[start:end], numbers[start:end], counting)
        for *key, start, end, counting in zip(
            sources, bootids, subjects, kinds, starts.tolist(), ends.tolist(), is_counting.tolist(), strict=True
        )
    ]
