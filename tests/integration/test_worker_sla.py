"""A running worker judges minutes beside ingest, and says how many: what the burn-rate alerts are made of."""

from schemas.sla import load_profiles
from tests.support.system import System
from tests.support.waiting import wait_until

NAME = "quaystream_sla_minutes_total"
SITES = ("VNHPH-TANVU", "VNHPH-DINHVU")


def test_a_worker_counts_device_minutes_by_site_profile_and_state(system: System) -> None:
    worker = system.workers.ready()
    for profile in load_profiles():
        found = worker.metric("quaystream_sla_budget_ratio", profile=profile.profile_id)
        assert found == 1 - profile.target
    assert worker.metric(NAME, site="VNHPH-TANVU", profile="video-uplink", state="out") == 0
    done = system.command("simulate", "--duration", "4m", "--rate-hz", "1")
    assert done.returncode == 0, done.stderr
    worker.await_no_lag()

    def is_judged() -> bool:
        return system.database.total("ingest.stale_sla") == 0 and system.database.total("port.sla_minute") > 0

    wait_until(is_judged, 60, "every minute to be judged")
    rows = system.database.rows("SELECT site, profile, state, count(*) FROM port.sla_minute GROUP BY 1, 2, 3")

    def is_counted() -> bool:
        counts = [(worker.samples(NAME, site=a, profile=b, state=c), [n]) for a, b, c, n in rows]
        return all(found == expected for found, expected in counts)

    wait_until(is_counted, 10, "every judged minute to be counted")
    assert {(site, "remote-crane-control") for site in SITES} <= {(site, profile) for site, profile, _, _ in rows}
