"""One expected number, and the two ways to get one: a ratio, and a mean of what is known."""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple


class Number(NamedTuple):
    """value = numerator ÷ denominator (times 100 for a share); `n` counts what it rests on.

    `asset`, `lane` and `part` are None where it is of all. `is_known` is False where the signals leave it open.
    """

    kpi: str
    numerator: float
    denominator: float | None
    n: float
    value: float | None
    asset: str | None = None
    lane: str | None = None
    part: str | None = None
    is_known: bool = True

    def as_json(self) -> dict[str, Any]:
        """Without its figures where nobody can know them."""
        where = {"kpi": self.kpi, "asset": self.asset, "lane": self.lane, "part": self.part}
        figures = {"value": self.value, "numerator": self.numerator, "denominator": self.denominator, "n": self.n}
        return where | figures if self.is_known else where


def ratio(kpi: str, numerator: float, denominator: float, n: float) -> Number:
    """Nothing divided by nothing has no value, and says so."""
    return Number(kpi, numerator, denominator, n, numerator / denominator if denominator else None)


def share(kpi: str, numerator: float, denominator: float, n: float | None = None) -> Number:
    """In per cent; `n` is the denominator where nothing else is said."""
    value = 100 * numerator / denominator if denominator else None
    return Number(kpi, numerator, denominator, denominator if n is None else n, value)


def mean(kpi: str, values: Iterable[float | None]) -> Iterator[Number]:
    """Of those that are known; none where there is none."""
    known = [value for value in values if value is not None]
    if known:
        yield ratio(kpi, sum(known), len(known), len(known))


def percentile(kpi: str, values: Iterable[float | None], rank: float) -> Iterator[Number]:
    """Interpolated between the two values around `rank` (0 to 1) of the way from the least to the greatest."""
    known = sorted(value for value in values if value is not None)
    if known:
        below, part = divmod(rank * (len(known) - 1), 1)
        low, high = known[int(below)], known[min(int(below) + 1, len(known) - 1)]
        value = low + part * (high - low)
        yield Number(kpi, value, None, len(known), value)
