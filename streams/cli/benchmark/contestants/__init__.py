"""The contestants, in the order they take turns."""

from streams.cli.benchmark.contestants.contestant import SLOW_RATE, Bout, Contestant, Reporting
from streams.cli.benchmark.contestants.ours import Ours
from streams.cli.benchmark.contestants.quix import Quix
from streams.cli.benchmark.contestants.telegraf import Telegraf
from streams.cli.benchmark.courses import Ability
from streams.cli.benchmark.shape import PEERS, Shape

__all__ = ["AIOKAFKA_INSERT", "CONTESTANTS", "LIMIT", "OURS", "QUIX", "STOCK_FAUST", "TELEGRAF", "Bout", "Contestant"]

_MODULES = "streams.cli.benchmark.contestants"
OURS = Ours()
TELEGRAF = Telegraf()
AIOKAFKA_INSERT = Reporting(
    "aiokafka_insert",
    "aiokafka getmany, msgspec, asyncpg INSERT … SELECT unnest … ON CONFLICT DO NOTHING in batches of up to 5,000; "
    "raw rows only, at least once made idempotent by a unique index",
    f"{_MODULES}.aiokafka_insert",
    frozenset({Ability.KAFKA, Ability.REPEATS}),
    shape=Shape(f"{PEERS}.crane_sample"),
)
QUIX = Quix()
STOCK_FAUST = Reporting(
    "stock_faust",
    "a Faust agent as documented: JSON, async for, executemany in batches of 1,000; raw rows only, at least once",
    f"{_MODULES}.stock_faust",
    fixed_rates_to=SLOW_RATE,
)
LIMIT = Reporting(
    "limit",
    "bare binary COPY of the same rows, encoded beforehand, 20,000 a commit; no Kafka, nothing else",
    f"{_MODULES}.copy_limit",
    frozenset(),
    fixed_rates_to=0,
)
CONTESTANTS: tuple[Contestant, ...] = (OURS, TELEGRAF, AIOKAFKA_INSERT, QUIX, STOCK_FAUST, LIMIT)
