"""How long to wait before trying again: doubling from 50 ms to 5 s, a little random so that workers do not march."""

import random
from collections.abc import Iterator

FIRST_S = 0.05
LONGEST_S = 5.0


def delays() -> Iterator[float]:
    """Seconds to wait before each further try, without end."""
    delay = FIRST_S
    while True:
        yield delay * random.uniform(0.8, 1.2)  # noqa: S311  (spreading load, not a secret)
        delay = min(delay * 2, LONGEST_S)
