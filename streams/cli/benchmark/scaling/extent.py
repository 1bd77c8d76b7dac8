"""How far each curve goes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from schemas.errors import ConfigurationError

CURVES = ("assets", "partitions", "rows", "chunks", "workers", "rebalance", "backfill", "memory")


@dataclass(frozen=True, slots=True)
class Extent:
    """`events` a run, `rounds` runs of each point; the tuples are the points, smallest first.

    `rows`: stored beforehand. `chunks`: dropped meanwhile, of `chunk_rows` rows each. `rebalance`: events/s of the
    load while a worker joins and leaves, 0 for none. `backfill`: records of history a second beside live events, 0 first.
    `memory`: seconds a worker is kept `behind` events behind.
    """

    events: int = 300_000
    rounds: int = 2
    assets: tuple[int, ...] = (10, 100, 1_000, 10_000)
    partitions: tuple[int, ...] = (1, 4, 12, 48)
    rows: tuple[int, ...] = (0, 5_000_000, 20_000_000)
    chunks: tuple[int, ...] = (0, 20)
    chunk_rows: int = 20_000
    workers: tuple[int, ...] = (1, 2, 3, 4)
    rebalance: int = 4_000
    memory: int = 1_200
    behind: int = 6_000_000
    backfill: tuple[int, ...] = (0, 2_000)

    def only(self, names: Sequence[str]) -> "Extent":
        """Without the other curves; raises ConfigurationError for a name that is none."""
        unknown = sorted(set(names) - set(CURVES))
        if unknown:
            raise ConfigurationError(f"--only {unknown[0]}: no such curve, choose from {', '.join(CURVES)}")
        kept = {name: getattr(self, name) for name in names}
        return replace(self, **{**_NONE, **kept})


# Every curve without points.
_NONE: dict[str, Any] = {**dict.fromkeys(CURVES, ()), "rebalance": 0, "memory": 0}

QUICK = Extent(
    events=80_000,
    rounds=1,
    assets=(10, 1_000),
    partitions=(1, 12),
    rows=(0, 200_000),
    chunks=(0, 5),
    workers=(1, 2),
    rebalance=1_000,
    memory=20,
    behind=100_000,
    backfill=(),
)


def points(option: str, text: str, *, least: int = 1) -> tuple[int, ...]:
    """Whole numbers with commas, sorted; raises ConfigurationError."""
    words = [word.strip().replace("_", "") for word in text.split(",") if word.strip()]
    if not all(word.isdecimal() and int(word) >= least for word in words):
        raise ConfigurationError(
            f"{option} {text}: write whole numbers from {least} on with commas, for example 1,4,12"
        )
    return tuple(sorted({int(word) for word in words}))
