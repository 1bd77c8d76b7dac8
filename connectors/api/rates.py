"""How often each caller may ask: a bucket of tokens that fills again. Pure but for the time it is given."""

from dataclasses import dataclass, field
from typing import Final

MOST_CALLERS: Final = 10_000


@dataclass
class Rates:
    """At most `burst` requests at once and `per_s` a second in the long run, for each name."""

    per_s: float
    burst: int
    _left: dict[str, tuple[float, float]] = field(default_factory=dict)

    def wait_s(self, name: str, now_s: float) -> float:
        """0 where the request may pass, which counts it; else how many seconds until the next may."""
        left, since = self._left.get(name, (float(self.burst), now_s))
        left = min(float(self.burst), left + (now_s - since) * self.per_s)
        if left < 1:
            self._left[name] = (left, now_s)
            return (1 - left) / self.per_s
        if len(self._left) >= MOST_CALLERS:
            # Whoever has waited long enough is full again, and need not be remembered.
            self._left = {n: (some, at) for n, (some, at) in self._left.items() if now_s - at < self.burst / self.per_s}
        self._left[name] = (left - 1, now_s)
        return 0.0
