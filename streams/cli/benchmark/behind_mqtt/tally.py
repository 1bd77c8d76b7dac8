"""What has come of numbered payloads: which, how often, and under how many names."""

from collections import Counter


class Tally:
    """Fed with every record, its payload's number and the id of its event ("" where it has none)."""

    def __init__(self) -> None:
        self._copies: Counter[int] = Counter()
        self._events: Counter[tuple[int, str]] = Counter()

    def add(self, number: int, name: str) -> None:
        """One record."""
        self._copies[number] += 1
        self._events[number, name] += 1

    @property
    def different(self) -> int:
        """Payloads that have come at least once."""
        return len(self._copies)

    @property
    def copies(self) -> int:
        """Records beyond the first of their payload."""
        return self._copies.total() - len(self._copies)

    @property
    def unknown(self) -> int:
        """Copies that nobody downstream can tell from another event: each has an id of its own, or none."""
        told_apart = sum(1 if name else count for (_, name), count in self._events.items())
        return told_apart - len(self._copies)
