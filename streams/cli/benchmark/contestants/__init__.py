"""The contestants, in the order they take turns."""

from streams.cli.benchmark.contestants.contestant import Bout, Contestant, Reporting
from streams.cli.benchmark.contestants.ours import Ours

__all__ = ["CONTESTANTS", "LIMIT", "OURS", "STOCK_FAUST", "Bout", "Contestant"]

OURS = Ours()
STOCK_FAUST = Reporting(
    "stock_faust",
    "a Faust agent as documented: JSON, async for, executemany in batches of 1,000; raw rows only, at least once",
    "streams.cli.benchmark.contestants.stock_faust",
)
LIMIT = Reporting(
    "limit",
    "bare binary COPY of the same rows, encoded beforehand, 20,000 a commit; no Kafka, nothing else",
    "streams.cli.benchmark.contestants.copy_limit",
)
CONTESTANTS: tuple[Contestant, ...] = (OURS, STOCK_FAUST, LIMIT)
