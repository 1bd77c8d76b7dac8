"""The counters a cell reports (3GPP TS 28.552), as data: object, name, unit, labels, and value by load."""

from dataclasses import dataclass
from random import Random
from typing import Any, Final, Literal

CQI_BINS: Final = 16
_NULL_SHARE: Final = 0.004
_SLICE: Final = "1-000001"

Labels = tuple[tuple[str, str | int], ...]


@dataclass(frozen=True, slots=True)
class Counter:
    """`idle` + `loaded` · load, give or take `noise` of it; whole numbers where `whole`."""

    object: Literal["du", "cu", "element"]
    name: str
    unit: str
    idle: float
    loaded: float
    noise: float = 0.1
    whole: bool = False
    labels: Labels = ()

    def measurement(self, load: float, dice: Random) -> dict[str, Any]:
        """The counter as a measurement of a report; `load` is 0 to 1. Rarely the network has no value."""
        value: float | None = max((self.idle + self.loaded * load) * (1 + dice.gauss(0, self.noise)), 0.0)
        value = None if dice.random() < _NULL_SHARE else round(value or 0.0, 0 if self.whole else 4)
        counter: dict[str, Any] = {"name": self.name, "value": value, "unit": self.unit}
        return counter | {"labels": dict(self.labels)} if self.labels else counter


_REMOTE: Final[Labels] = (("5qi", 82), ("snssai", _SLICE))
_DEFAULT: Final[Labels] = (("5qi", 9),)
_SLICED: Final[Labels] = (("snssai", _SLICE),)

COUNTERS: Final = (
    Counter("du", "DRB.UEThpUl", "kbit/s", 62_000, -24_000, labels=_REMOTE),
    Counter("du", "DRB.UEThpUl", "kbit/s", 21_000, -9_000, labels=_DEFAULT),
    Counter("du", "DRB.UEThpDl", "kbit/s", 180_000, -70_000, labels=_DEFAULT),
    Counter("du", "DRB.AirIfDelayUl", "0.1 ms", 48, 62, labels=_REMOTE),
    Counter("du", "DRB.RlcSduDelayDl", "0.1 ms", 12, 30),
    Counter("du", "RRU.PrbTotUl", "%", 6, 78, whole=True),
    Counter("du", "RRU.PrbTotDl", "%", 4, 52, whole=True),
    Counter("du", "RRU.PrbUsedUl", "PRB", 9, 130, whole=True, labels=_SLICED),
    Counter("du", "DRB.RlcPacketDropRateDl", "x 1e6", 3, 45, 0.3, whole=True, labels=_SLICED),
    Counter("du", "DRB.MeanActiveUeUl", "count", 1.5, 11),
    Counter("du", "TB.TotNbrUl", "count", 9_000, 90_000, whole=True),
    Counter("du", "TB.ErrTotNbrUl", "count", 300, 7_500, 0.3, whole=True),
    Counter("cu", "RRC.ConnMean", "count", 4, 18),
    Counter("cu", "RRC.ConnMax", "count", 6, 24, whole=True),
    Counter("cu", "RRC.ConnEstabAtt", "count", 2, 9, 0.4, whole=True),
    Counter("cu", "RRC.ConnEstabSucc", "count", 2, 8.7, 0.4, whole=True),
    Counter("cu", "DRB.PacketLossRateUl", "x 1e6", 20, 160, 0.4, whole=True, labels=_REMOTE),
    Counter("cu", "DRB.PdcpSduVolumeUL", "Mbit", 300, 3_400, labels=_SLICED),
    Counter("cu", "MM.HoExeIntraReq", "count", 1, 6, 0.4, whole=True),
    Counter("cu", "MM.HoExeIntraSucc", "count", 1, 5.9, 0.4, whole=True),
    Counter("cu", "MM.HoExeInterReq.TimeMean", "ms", 38, 14),
    Counter("element", "PEE.AvgPower", "W", 320, 610, 0.04),
    Counter("element", "PEE.Energy", "kWh", 0.0053, 0.0102, 0.04),
    Counter("element", "PEE.AvgTemperature", "Cel", 31, 9, 0.02),
)


def cqi_histogram(load: float, dice: Random) -> dict[str, Any]:
    """CARR.WBCQIDist: how often each channel quality 0 to 15 was reported; worse with load."""
    centre, width = 12.5 - 4 * load, 2.2
    bins = [round(400 * 2 ** (-(((i - centre) / width) ** 2)) * (1 + dice.uniform(-0.2, 0.2))) for i in range(CQI_BINS)]
    return {"name": "CARR.WBCQIDist", "bins": bins, "unit": "count"}
