"""More sites than are declared: each whole, none like another, and the simulator plays them."""

from collections import Counter
from datetime import timedelta

import pytest

from connectors.simulator import Simulation, SimulationOptions
from schemas.errors import ConfigurationError
from schemas.identifiers import is_subject, site_of
from schemas.reference import load_sites
from schemas.reference.trial import trial_sites

SITES = trial_sites(22)
ASSETS = [asset for site in SITES for asset in site.assets]


def test_the_declared_ones_come_first() -> None:
    assert trial_sites(3) == load_sites()
    assert trial_sites(5) == SITES[:5]


def test_nothing_has_the_name_or_the_source_of_another() -> None:
    for names in (
        [site.site_id for site in SITES],
        [site.name for site in SITES],
        [asset.asset_id for asset in ASSETS],
        [asset.name for asset in ASSETS],
        [source for site in SITES for source in site.gateways],
    ):
        assert [name for name, times in Counter(names).items() if times > 1] == []


@pytest.mark.parametrize("site", SITES, ids=lambda site: site.site_id)
def test_every_asset_is_of_its_site_and_speaks_by_a_gateway_of_it(site: object) -> None:
    (known,) = [one for one in SITES if one is site]
    ids = {asset.asset_id for asset in known.assets}
    prefix = "/" + known.site_id.lower().replace("-", "/") + "/"
    assert all(is_subject(one) and site_of(one) == known.site_id for one in ids)
    assert {asset.carried_by for asset in known.assets} - {None} <= ids
    assert {source for asset in known.assets for source in asset.gateways} < set(known.gateways)
    assert all(source.startswith(prefix) for source in known.gateways)


@pytest.mark.parametrize("count", [0, -1, 23])
def test_there_are_no_more_than_there_are(count: int) -> None:
    with pytest.raises(ConfigurationError, match="1 to 22"):
        trial_sites(count)


def test_the_simulated_port_has_as_many_sites_as_asked_for() -> None:
    options = SimulationOptions(seed=1, duration=timedelta(seconds=2), rate_hz=1, sites=22)
    heard = {site_of(record.key.decode()) for record in Simulation(options).records()}
    assert heard == {site.site_id for site in SITES}


def test_a_run_with_other_sites_is_another_run() -> None:
    runs = {SimulationOptions(seed=1, duration=timedelta(seconds=2), sites=sites).run for sites in (None, 3, 4)}
    assert len(runs) == 3


def test_a_scenario_has_its_own_site() -> None:
    with pytest.raises(ConfigurationError, match="--sites"):
        SimulationOptions(seed=1, duration=timedelta(minutes=50), scenario="crane_steady", sites=4)
