"""The limit: bare binary COPY of the same rows into the same hypertable. No Kafka, no decoding, nothing else.

The rows are encoded before the clock starts; each chunk is one COPY and one commit, as large as the worker's.
"""

import asyncio
import time
from collections.abc import Iterable
from itertools import batched
from typing import Any

import asyncpg
import pyarrow as pa

from connectors.timescale.copy import chunks, encode
from schemas.events.crane import CraneSample
from schemas.tables import RAW_BY_TYPE
from streams.cli.benchmark.observation import Observation
from streams.cli.benchmark.program import read_task, say
from streams.cli.benchmark.workload import Sample, Workload
from streams.core.columns import schema_of

CHUNK_ROWS = 20_000
TABLE = RAW_BY_TYPE[CraneSample.TYPE]
