"""What can go wrong with a store, on purpose: the errors it can raise, and a script of when.

A store asks its script at every step. Nothing here is random: a test says what happens, in order.
"""

from collections import defaultdict, deque
from collections.abc import Awaitable, Callable
from typing import Literal

Step = Literal["claim", "positions", "paused", "streams", "begin", "commit", "committed"]
"""`begin`: before a transaction reads or writes. `commit`: everything is checked, nothing written, locks are held.
`committed`: it is written, the worker does not know yet."""

Happening = Exception | Callable[[], Awaitable[None]] | None


class AwayError(Exception):
    """The database does not answer, or chose us as a victim: it ends by itself (fault `retry`)."""


class TooSlowError(Exception):
    """The transaction took too long: a smaller one may not (fault `halve`)."""


class RefusedRowError(Exception):
    """A value that cannot be stored (fault `refused`)."""


class Script:
    """What happens at which step, each thing once and in the order given; `always` happens every time.

    An exception is raised, a function is called and awaited, None lets the step pass. An unknown COMMIT is
    `CommitUnknownError`: at `commit` it did not land, at `committed` it did.
    """

    def __init__(self) -> None:
        self._coming: defaultdict[Step, deque[Happening]] = defaultdict(deque)
        self.always: dict[Step, Happening] = {}
        self.passed: list[Step] = []

    def at(self, step: Step, *happenings: Happening) -> None:
        """Add what happens the next times a store comes to `step`."""
        self._coming[step].extend(happenings)

    async def __call__(self, step: Step) -> None:
        """Let happen what is due."""
        coming = self._coming[step]
        happening = coming.popleft() if coming else self.always.get(step)
        self.passed.append(step)
        if isinstance(happening, Exception):
            raise happening
        if happening is not None:
            await happening()
