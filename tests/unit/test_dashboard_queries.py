"""What Grafana makes of a query: times, chosen values, and nothing left over."""

from datetime import UTC, datetime

import pytest

from deploy.monitoring.dashboards.expand import Chosen, UnknownMacroError, promql, sql
from deploy.monitoring.dashboards.sql import rollup

SINCE, UNTIL = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 2, tzinfo=UTC)


def chosen(**values: list[str]) -> Chosen:
    return Chosen(SINCE, UNTIL, values)


def test_times_of_sql() -> None:
    text = "SELECT $__timeFrom(), $__unixEpochTo() FROM t WHERE $__timeFilter(v.at)"
    assert sql(text, chosen()) == (
        "SELECT '2026-11-01T00:00:00Z', 1793577600 FROM t "
        "WHERE v.at BETWEEN '2026-11-01T00:00:00Z' AND '2026-11-02T00:00:00Z'"
    )


def test_a_value_of_sql_is_quoted_whatever_is_in_it() -> None:
    assert sql("site IN (${site:sqlstring})", chosen(site=["A", "O'B"])) == "site IN ('A','O''B')"


def test_a_value_of_promql_is_no_pattern() -> None:
    assert promql('up{site=~"${site:regex}"}', chosen(site=["VN.X", "B"])) == 'up{site=~"(VN\\\\.X|B)"}'


def test_durations_of_promql() -> None:
    assert promql("rate(a[$__rate_interval]) + increase(a[$__range])", chosen()) == "rate(a[60s]) + increase(a[86400s])"


@pytest.mark.parametrize("text", ["$__timeGroup(at, 1h)", "site = '$site'", "${site}"])
def test_what_nobody_expands_is_an_error(text: str) -> None:
    with pytest.raises(UnknownMacroError):
        sql(text, chosen(site=["A"]))


def test_nothing_chosen_is_an_error_and_not_everything() -> None:
    with pytest.raises(UnknownMacroError, match="nothing is chosen for"):
        sql("site IN (${site:sqlstring})", chosen(site=[]))


def test_a_rollup_is_of_minutes_or_hours_never_both() -> None:
    minutes, hours = rollup("crane", "bucket", "true").split("UNION ALL")
    assert "port.crane_minute" in minutes
    assert "port.crane_hour" in hours
    condition = minutes.partition("AND (")[2].partition(")")[0]
    assert f"(NOT {condition})" in hours
