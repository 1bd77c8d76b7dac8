"""SLA profiles are data that holds together, and every device has one."""

from pathlib import Path
from typing import get_args

import pytest
from pydantic import ValidationError

from schemas import sla
from schemas.errors import ConfigurationError
from schemas.reference import load_sites
from schemas.sla import Device, Profile, RadioField, Threshold, load_profiles, profiles_of
from schemas.tables import RAW_BY_NAME

BY_ID = {profile.profile_id: profile for profile in load_profiles()}
LEAST = {
    "id": "one", "version": 1, "title": "One", "source": "here", "since": "2026-01-01", "applies_to": {},
    "each": [{"field": "rtt_ms", "at_most": 1}], "least_readings": 1, "target": 0.9,
}  # fmt: skip


def named(**known: str | None) -> set[str]:
    device = Device(device_id="VNHPH-X1-D1", site="VNHPH-X1", **known)
    return {profile.profile_id for profile in profiles_of(device) if not profile.applies_to.five_qi}


def test_a_modem_on_a_crane_is_asked_for_control_and_video() -> None:
    assert named(type="UE", carried_by="VNHPH-X1-STS01") == {"remote-crane-control", "video-uplink"}


def test_vehicles_sensors_and_devices_nobody_declared_have_theirs() -> None:
    assert named(type="AGV") == {"mobile-robot-control"}
    assert named(type="SENSOR") == {"process-monitoring"}
    assert named() == {"process-monitoring"}


def test_every_declared_device_has_exactly_the_profiles_of_its_use() -> None:
    devices = [asset for site in load_sites() for asset in site.assets if asset.kind == "device"]
    assert devices
    for asset in devices:
        found = named(type=asset.type, carried_by=asset.carried_by)
        assert found & {"remote-crane-control", "mobile-robot-control", "process-monitoring"}, asset.asset_id


def test_survival_times_and_budgets_are_those_of_the_standards() -> None:
    crane = BY_ID["remote-crane-control"]
    assert (crane.transfer_interval_ms, crane.survival_time_ms) == (12, 12)
    for five_qi, budget_ms in ((82, 10), (83, 10), (86, 5)):
        profile = BY_ID[f"5qi-{five_qi}"]
        assert profile.applies_to.five_qi == (five_qi,)
        assert [t.at_most for t in profile.each if t.field == "rtt_ms"] == [2 * budget_ms]
        assert [t.at_most for t in profile.mean if t.field == "loss_ratio"] == [1e-4]


def test_thresholds_are_on_columns_of_radio_samples() -> None:
    assert set(get_args(RadioField)) < set(RAW_BY_NAME["port.radio_sample"].column_names)


@pytest.mark.parametrize(
    "change",
    [
        {"each": []},
        {"each": [{"field": "rtt_ms"}]},
        {"each": [{"field": "rtt_ms", "at_most": 1, "at_least": 0}]},
        {"each": [{"field": "speed", "at_most": 1}]},
        {"mean": [{"field": "rtt_ms", "at_most": 1, "handover": True}]},
        {"target": 1},
        {"bad_share": 1},
        {"colour": "red"},
        {"id": "One"},
    ],
)
def test_a_profile_that_asks_nothing_or_something_unknown_is_refused(change: dict[str, object]) -> None:
    Profile.model_validate(LEAST)
    with pytest.raises(ValidationError):
        Profile.model_validate({**LEAST, **change})


def test_a_threshold_holds_at_its_bound() -> None:
    assert Threshold(field="rtt_ms", at_most=30).holds(30)
    assert not Threshold(field="rtt_ms", at_most=30).holds(30.1)
    assert Threshold(field="sinr_db", at_least=0).holds(0)


def test_a_file_that_does_not_hold_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken.yaml").write_text("id: broken\n", encoding="utf-8")
    monkeypatch.setattr(sla, "FOLDER", tmp_path)
    load_profiles.cache_clear()
    try:
        with pytest.raises(ConfigurationError, match=r"schemas/sla/broken\.yaml"):
            load_profiles()
    finally:
        load_profiles.cache_clear()
