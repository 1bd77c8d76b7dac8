"""The declared sites and assets hold together."""

from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from schemas import reference
from schemas.errors import ConfigurationError
from schemas.identifiers import is_subject, site_of
from schemas.reference import Asset, Site, declared_sources, load_sites

DAY = timedelta(days=1)
ASSETS = [asset for site in load_sites() for asset in site.assets]


def load_changed(old: str, new: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Site, ...]:
    text = reference.FILE.read_text(encoding="utf-8")
    assert old in text
    changed = tmp_path / "sites.yaml"
    changed.write_text(text.replace(old, new, 1), encoding="utf-8")
    monkeypatch.setattr(reference, "FILE", changed)
    return load_sites.__wrapped__()


def test_three_sites_of_hai_phong_are_declared() -> None:
    assert [site.site_id for site in load_sites()] == ["VNHPH-TANVU", "VNHPH-DINHVU", "VNHPH-DEEPC2"]


@pytest.mark.parametrize("site", load_sites(), ids=lambda site: site.site_id)
def test_shifts_cover_the_day_without_overlap(site: Site) -> None:
    assert site.utc_offset == timedelta(hours=7)
    ends_and_starts = [*pairwise(site.shifts), (site.shifts[-1], site.shifts[0])]
    assert all(before.end == after.start for before, after in ends_and_starts)
    assert sum(((shift.end - shift.start) % DAY for shift in site.shifts), timedelta()) == DAY


@pytest.mark.parametrize("asset", ASSETS, ids=lambda asset: asset.asset_id)
def test_asset_id_is_a_subject_of_its_site(asset: Asset) -> None:
    assert is_subject(asset.asset_id)
    assert site_of(asset.asset_id) == asset.site_id


def test_asset_ids_are_unique() -> None:
    assert len({asset.asset_id for asset in ASSETS}) == len(ASSETS)


def test_every_crane_carries_one_modem() -> None:
    cranes = sorted(asset.asset_id for asset in ASSETS if asset.kind == "crane")
    assert sorted(asset.carried_by for asset in ASSETS if asset.carried_by) == cranes


def test_every_gate_and_no_other_asset_has_lanes() -> None:
    assert all(bool(asset.lanes) == (asset.kind == "gate") for asset in ASSETS)


def test_declared_port_is_as_large_as_the_simulator_needs() -> None:
    counts = {
        (site.site_id, type_): sum(asset.type == type_ for asset in site.assets)
        for site in load_sites()
        for type_ in ("STS", "RTG", "AGV", "ROBOT", "SENSOR")
    }
    assert counts[("VNHPH-TANVU", "STS")] == 4
    assert counts[("VNHPH-TANVU", "RTG")] == 6
    assert counts[("VNHPH-DINHVU", "STS")] == 2
    assert counts[("VNHPH-DINHVU", "RTG")] == 3
    assert counts[("VNHPH-DEEPC2", "AGV")] == 12
    assert counts[("VNHPH-DEEPC2", "ROBOT")] == 4
    assert counts[("VNHPH-DEEPC2", "SENSOR")] == 6
    assert sum(asset.kind == "cell" for asset in ASSETS) == 8


def test_sources_name_the_site_they_speak_for() -> None:
    assert "/vnhph/tanvu/gw-03" in declared_sources()
    for site in load_sites():
        prefix = "/" + site.site_id.lower().replace("-", "/") + "/"
        assert all(source.startswith(prefix) for source in site.gateways)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("{id: STS02, kind: crane", "{id: STS01, kind: crane"),
        ("{id: STS02, kind: crane", "{id: sts-02, kind: crane"),
        ("{id: STS02, kind: crane", "{id: STS02, kind: boat"),
        ("carried_by: STS02", "carried_by: STS99"),
        ("gateways: [/vnhph/tanvu/gw-02]", "gateways: [/vnhph/tanvu/gw-99]"),
        ("gateways: [/vnhph/tanvu/gw-02]", "gateways: []"),
        ('start: "06:00"', 'start: "dawn"'),
        ("sites:", "places:"),
    ],
)
def test_data_that_does_not_hold_together_names_its_file(
    old: str, new: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigurationError, match=r"sites\.yaml"):
        load_changed(old, new, tmp_path, monkeypatch)
