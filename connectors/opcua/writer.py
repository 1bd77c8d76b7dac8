"""What we know of one writer: its last number, and the data set as its key frame and the deltas since have left it. Pure."""

from typing import Final

import msgspec

from connectors.opcua.errors import NoKeyFrameError
from connectors.opcua.messages import DELTA_FRAME, KEEP_ALIVE, KEY_FRAME, DataSetMessage

_HALF: Final = 2**31
# Counters of 16 and of 32 bits begin again at 0.
_ENDS: Final = (2**16 - 1, 2**32 - 1)


class Writer(msgspec.Struct):
    """Kept in the spool with its events. `cells` is None where deltas have nothing to build on."""

    sequence: int | None = None
    version: tuple[int, int] | None = None
    cells: dict[str, str] | None = None

    def advance(self, message: DataSetMessage) -> int:
        """Take the number of a message; how many before it never came. A smaller one is a writer that began anew.

        That of a keep-alive is the next to be expected (OPC 10000-14, 7.2.5.4).
        """
        number = message.sequence
        if number is None:
            return 0
        before, self.sequence = self.sequence, number - 1 if message.kind == KEEP_ALIVE else number
        if before is None:
            return 0
        missing = 0 if number == 0 and before in _ENDS else number - before - 1
        if missing:
            self.cells = None
        return missing if 0 < missing < _HALF else 0

    def is_at(self, message: DataSetMessage) -> bool:
        """Whether its number is the last one, once more."""
        return message.sequence is not None and message.kind != KEEP_ALIVE and message.sequence == self.sequence

    def whole(self, message: DataSetMessage, said: dict[str, str], void: set[str]) -> dict[str, str]:
        """The data set after this message: `said` are its fields, `void` those that it takes away.

        Raises NoKeyFrameError for a delta frame that does not follow the key frame of its version without a gap.
        """
        if message.kind == KEY_FRAME:
            self.version, self.cells = message.version, dict(said)
        if message.kind != DELTA_FRAME:
            return said
        if self.cells is None or (message.version or self.version) != self.version:
            raise NoKeyFrameError(f"writer {message.key}: no key frame of this version, or a message since is missing")
        self.cells = {**{name: cell for name, cell in self.cells.items() if not _is_of(name, void)}, **said}
        return self.cells


def _is_of(cell: str, fields: set[str]) -> bool:
    """Whether a cell belongs to one of the fields: a structure has several."""
    return any(cell == field or cell.startswith(f"{field}.") for field in fields)
