"""Which reading is which field of our crane events: TIC4.0's words (domain words 10), in both directions."""

from typing import Any, Final, NamedTuple, get_args

from connectors.tic.grammar import Reading
from schemas.events.crane import JobStep

LOCKS: Final = ("spreader_locked", "spreader_landed")
MODES: Final = ("single", "twin", "tandem")
# When several are true at once: off excludes the others, working and idle say more than on.
STATUSES: Final = ("off", "working", "idle", "standby", "on")


class Words(NamedTuple):
    """Subject under the crane (empty: the crane itself), concept, observed property."""

    subject: str
    concept: str
    property: str


# The first words of a field are those it is written with.
NUMBERS: Final[dict[str, tuple[Words, ...]]] = {
    "hoist_position_m": (Words("hoist", "hoisting", "coordinate"), Words("hoist", "hoisting", "position")),
    "hoist_speed_mps": (Words("hoist", "hoisting", "speed"),),
    "trolley_position_m": (Words("trolley", "trolleying", "coordinate"), Words("trolley", "trolleying", "position")),
    "trolley_speed_mps": (Words("trolley", "trolleying", "speed"),),
    "gantry_position_m": (Words("drive", "driving", "coordinate"), Words("drive", "driving", "position")),
    "gantry_speed_mps": (Words("drive", "driving", "speed"),),
    "load_t": (Words("hoist", "weight", "weight"), Words("spreader", "weight", "weight")),
    "wind_mps": (Words("ambient", "wind", "speed"), Words("ambient", "wind", "value")),
    "power_kw": (Words("powersource", "power", "power"),),
    "energy_total_kwh": (Words("powersource", "energy", "totalcounter"), Words("powersource", "energy", "energy")),
}
COUNTS: Final[dict[str, tuple[Words, ...]]] = {
    "moves_total": (Words("cycle", "move", "totalcounter"), Words("cycle", "move", "counter")),
}
FLAGS: Final[dict[str, Words]] = {
    "spreader_locked": Words("spreader", "locked", "status"),
    "spreader_landed": Words("spreader", "landed", "status"),
}
LENGTH: Final = Words("spreader", "size", "length")
FEET: Final = frozenset({"foot", "feet", "ft"})
LENGTHS: Final = frozenset({20, 30, 40, 45})
JOB: Final = "jobinstruction"
STEPS: Final = frozenset(get_args(JobStep))
FAULTS: Final[dict[str, str]] = {"warning": "warning", "fault": "error", "error": "error"}
SEVERITIES: Final = frozenset({"info", "warning", "error", "critical"})
# TIC4.0's names of units that are not ours.
UNITS: Final[dict[str, str]] = {"tonne": "t", "tonnes": "t", "metre": "m", "meter": "m", "kg": "kg"}
FIELD_OF: Final[dict[Words, str]] = {
    words: field for field, known in {**NUMBERS, **COUNTS}.items() for words in known
} | {words: field for field, words in FLAGS.items()}


def words_of(reading: Reading) -> Words:
    """The words of a reading, its crane and the `arrayid`s left out; deeper subjects are joined by a dot."""
    below = [name for name, _ in reading.subjects[1:]]
    return Words(".".join(below), reading.concept, reading.observed)


def is_measured(reading: Reading) -> bool:
    """Whether it says what was so: not a set point, not a plan."""
    measured: tuple[Any, Any] = (reading.item.get("pom", "output"), reading.item.get("pomt", "actual"))
    return measured == ("output", "actual")
