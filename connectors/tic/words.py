"""The words of TIC4.0 that the grammar knows by name (releases 2021.001 to 2026.018). What is in none is proprietary (T9)."""

from typing import Final

SUBJECTS: Final = frozenset(
    {
        *("che", "hoist", "trolley", "boom", "drive", "spreader", "control", "health", "powersource", "cabin", "wheel"),
        *("twistlock", "axle", "energytank", "cycle", "ambient", "terminal", "tos", "carriervisit", "cargovisit"),
        *("jobinstruction", "jobinstructionlist", "order", "berth", "quay", "place", "cargo"),
    }
)
CONCEPTS: Final = frozenset(
    {
        *("hoisting", "trolleying", "driving", "booming", "on", "off", "working", "idle", "standby", "size", "single"),
        *("size10foot", "size20foot", "size30foot", "size40foot", "size45foot", "sizeisowidth", "sizewtpwidth"),
        *("twin", "tandem", "locking", "unlocking", "locked", "unlocked", "extending", "retracting", "landed"),
        *("allflippersdown", "anyflipperdown", "allflippersup", "lashinggage", "trim", "skew", "list", "sideshift"),
        *("twingap", "search", "energy", "weight", "healthy", "fault", "warning", "error", "interlock", "move", "wind"),
        *("movingtocollect", "queuingtocollect", "readytocollect", "movingtodeliver", "queuingtodeliver"),
        *("readytodeliver", "dwell", "mooring", "cargooperations", "terminalgate", "power"),
    }
)
PROPERTIES: Final = frozenset(
    {
        *("status", "duration", "timer", "totaltimer", "counter", "totalcounter", "energy", "startevent", "endevent"),
        *("startcounter", "endcounter", "distance", "coordinate", "position", "speed", "weight", "length", "width"),
        *("height", "location", "power", "errormessage", "value"),
    }
)
POM: Final = ("input", "iinput", "ioutput", "output")
POMT: Final = ("schedule", "proposal", "request", "estimated", "planned", "actual", "performed", "historic")
# What makes two items of one observed property different (T6).
KEY: Final = ("name", "pom", "pomt", "reference", "unit", "timestamp")
# The order in which a flat key writes what is not its value.
QUALIFIERS: Final = ("name", "reference", "unit", "qualifier")


def is_concept(name: str) -> bool:
    """Concepts may be joined: `hoisting_and_trolleying`."""
    return all(part in CONCEPTS for part in name.split("_and_"))
