"""The registry of network counters: names parted, units found. Expected values are those of TS 28.552 and E2SM-KPM."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.counters import COUNTERS, part, unit_of
from schemas.units import to_si


@pytest.mark.parametrize(
    ("measured", "name", "labels"),
    [
        ("DRB.UEThpUl", "DRB.UEThpUl", {}),
        ("DRB.UEThpUl.5QI82", "DRB.UEThpUl", {"5qi": "82"}),
        ("DRB.UEThpUl_5QI82", "DRB.UEThpUl", {"5qi": "82"}),
        ("DRB.UEThpUl.5QI_82", "DRB.UEThpUl", {"5qi": "82"}),
        ("drb.UETHPul.qos82", "DRB.UEThpUl", {"5qi": "82"}),
        ("DRB.UEThpUl.SNSSAI_1-000001", "DRB.UEThpUl", {"snssai": "1-000001"}),
        ("DRB.UEThpUl.5QI82.SNSSAI_1-000001", "DRB.UEThpUl", {"5qi": "82", "snssai": "1-000001"}),
        ("DRB.UEThpUl.PLMN_45204", "DRB.UEThpUl", {"plmn": "45204"}),
        ("DRB.UEThpDlDist.Bin3", "DRB.UEThpDlDist", {"bin": "3"}),
        ("CARR.PUSCHMCSDist.Bin1.Bin2.Bin28", "CARR.PUSCHMCSDist", {"bin_x": "1", "bin_y": "2", "bin_z": "28"}),
        ("L1M.SS-RSRP.Bin_12", "L1M.SS-RSRP", {"bin": "12"}),
        ("RRC.ConnEstabAtt.sum", "RRC.ConnEstabAtt", {"aggregate": "sum"}),
        ("RRC.ConnEstabAtt.mo-Signalling", "RRC.ConnEstabAtt", {"cause": "mo-Signalling"}),
        ("MM.HoExeInterReq.7", "MM.HoExeInterReq", {"cause": "7"}),
        ("MM.HoExeInterReq.TimeMean", "MM.HoExeInterReq.TimeMean", {}),
        ("MM.HoExeInterReq.TimeMean.SNSSAI_1-000001", "MM.HoExeInterReq.TimeMean", {"snssai": "1-000001"}),
        ("HO.IntraSys.TooEarly", "HO.IntraSys.TooEarly", {}),
        ("DRB.PdcpF1Delay", "DRB.PdcpF1DelayDl", {}),
        ("DRB.PdcpF1Delay.5QI9", "DRB.PdcpF1DelayDl", {"5qi": "9"}),
        ("DRB.PdcpSduVolumeUl.5QI9", "DRB.PdcpSduVolumeUL", {"5qi": "9"}),
        ("RRU.PrbUl", "RRU.PrbTotUl", {}),
        ("TB.ErrTotNbrUl.2", "TB.ErrTotNbrUl", {"layer": "2"}),
    ],
)
def test_name_is_parted_into_base_name_and_labels(measured: str, name: str, labels: dict[str, str]) -> None:
    parted = part(measured)
    assert (parted.name, dict(parted.labels)) == (name, labels)
    assert parted.counter is not None


@pytest.mark.parametrize(
    "measured",
    [
        *("pmHoPrepAttOutInterGnbTs", "DRB.UEThpUlx", "DRB", "", ".", "DRB.UEThpUl.", "DRB.UEThpUl..5QI82"),
        *("DRB.UEThpUl.whatever", "DRB.UEThpUl.5QI82.5QI83", "DRB.UEThpUl.Bin3", "RRC.ConnEstabAtt.a.b"),
    ],
)
def test_name_that_nobody_knows_stays_whole(measured: str) -> None:
    assert part(measured) == (measured, {}, None)


@given(st.text(max_size=300) | st.sampled_from(sorted(COUNTERS)).flatmap(lambda n: st.text(max_size=60).map(n.__add__)))
def test_any_name_is_parted_without_losing_it(measured: str) -> None:
    parted = part(measured)
    assert parted.name in COUNTERS if parted.counter else (parted.name, parted.labels) == (measured, {})


def si(name: str, value: float, interface: str | None = None) -> tuple[float | None, str | None]:
    return to_si(value, unit_of(COUNTERS[name], interface))


@pytest.mark.parametrize(
    ("name", "interface", "value", "expected"),
    [
        ("DRB.UEThpUl", None, 48_250, (48_250_000, "bit/s")),
        ("DRB.AirIfDelayUl", None, 74, (0.0074, "s")),
        ("GTP.DelayDlPsaUpfNgranMean", None, 250, (0.00025, "s")),
        ("MM.HoExeInterReq.TimeMean", None, 45, (0.045, "s")),
        ("RRU.PrbTotUl", None, 63, (0.63, "ratio")),
        ("DRB.PacketLossRateUl", None, 180, (0.00018, "ratio")),
        ("DRB.PdcpSduVolumeDL", None, 3, (3e6, "bit")),
        ("DRB.PdcpSduVolumeDL", "e2", 3, (3e3, "bit")),
        ("DRB.SessionTime", "ts28552", 43_200, (43_200, "s")),
        ("DRB.SessionTime", "E2", 43_200_000, (43_200, "s")),
        ("DRB.AirIfDelayUl", "e2", 74, (0.0074, "s")),
        ("PEE.Energy", None, 0.5, (1.8e6, "J")),
        ("RRC.ConnMax", None, 31, (31, "count")),
        ("DRB.PacketLossRateUu", None, 3, (None, None)),
    ],
)
def test_value_without_a_unit_has_that_of_its_counter_and_interface(
    name: str, interface: str | None, value: float, expected: tuple[float | None, str | None]
) -> None:
    assert si(name, value, interface) == expected


def test_vendors_own_unit_wins_over_the_interface(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("schemas.counters.VENDORS", {"acme radio": {"DRB.AirIfDelayUl": "ms"}})
    assert unit_of(COUNTERS["DRB.AirIfDelayUl"], "e2", "ACME Radio") == "ms"
    assert unit_of(COUNTERS["DRB.AirIfDelayUl"], None, "other") == "0.1 ms"
