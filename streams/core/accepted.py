"""The accepted events of a batch, one type at a time, as rows need them."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from schemas.identifiers import site_of
from streams.core.batch import Batch
from streams.core.columns import Accepted, as_json
from streams.core.head import Head
from streams.core.times import TIMESTAMP

Ints = npt.NDArray[np.int64]


def accepted_events(batch: Batch, indices: Ints) -> Accepted:
    """The events at `indices` of the batch's head."""
    head, positions = batch.head, batch.head.positions[indices]
    is_whole = len(indices) == len(head)
    where = None if is_whole else pa.array(indices)
    texts = [head.subject.texts, _sites(head), head.source.texts, head.ids, head.bootid.texts, head.sequences]
    subjects, sites, sources, ids, bootids, numbers = (c if where is None else c.take(where) for c in texts)
    times = pa.array(batch.times_us[positions]).cast(TIMESTAMP)
    return Accepted(
        head.data if is_whole else [head.data[i] for i in indices.tolist()],
        (
            *(times, subjects, sites, sources, ids, bootids, numbers),
            *(pa.array(batch.partitions[positions]), pa.array(batch.offsets[positions])),
        ),
        _extra(batch, positions),
    )


def _sites(head: Head) -> pa.Array:
    return pa.array([site_of(subject) for subject in head.subject.words], pa.string()).take(
        pa.array(head.subject.codes)
    )


def _extra(batch: Batch, positions: Ints) -> pa.Array:
    extras: dict[int, Any] = {i: event.extra for i in batch.noted if (event := batch.events[i]) is not None}
    if not extras:
        return pa.nulls(len(positions), pa.string())
    found = [extras.get(i) for i in positions.tolist()]
    return pa.array([None if extra is None else as_json(extra) for extra in found], pa.string())
