"""Pieces of SQL that the boards share. Grafana's macros ($__timeFrom() and so on) stay in them: `expand.py` is the other end."""

SINCE = "$__timeFrom()::timestamptz"
UNTIL = "$__timeTo()::timestamptz"
# Two days of minutes are as much as a wide screen shows.
_SHORT = "$__unixEpochTo() - $__unixEpochFrom() <= 172800"
# A quarter of an hour on a day, an hour on two weeks, four on a quarter of a year.
STEP = """CASE WHEN $__unixEpochTo() - $__unixEpochFrom() <= 172800 THEN INTERVAL '15 min'
    WHEN $__unixEpochTo() - $__unixEpochFrom() <= 1209600 THEN INTERVAL '1 hour' ELSE INTERVAL '4 hours' END"""
STEP_H = f"(extract(epoch FROM {STEP}) / 3600)"
# For panels with a cell per moment: never more than about a hundred, each a whole number of minutes.
COLUMN = "make_interval(mins => greatest(1, ceil(($__unixEpochTo() - $__unixEpochFrom()) / 6000.0)::int))"


def rollup(name: str, columns: str, where: str) -> str:
    """Rows of a rollup in the range: of minutes, or of hours where the range is longer than two days.

    The condition is a constant, so that the planner drops the other half before it reads anything.
    """
    halves = (("minute", _SHORT), ("hour", f"NOT {_SHORT}"))
    return "\n    UNION ALL\n    ".join(
        f"SELECT {columns} FROM port.{name}_{length} WHERE $__timeFilter(bucket) AND ({condition}) AND {where}"
        for length, condition in halves
    )


def lifts(columns: str, where: str) -> str:
    """Real lifts of quay cranes that ended in the range, as the KPI quay_throughput counts them (kpi.crane_measures)."""
    return f"""SELECT {columns} FROM port.crane_cycle AS c LEFT JOIN port.asset AS a ON a.asset_id = c.crane_id AND a.kind = 'crane'
    WHERE $__timeFilter(c.ended_at) AND c.outcome IN ('counted', 'gap', 'suspended')
        AND c.move_kind IN ('load', 'discharge') AND coalesce(a.type, 'STS') IN ('STS', 'MC', 'MHC') AND c.{where}"""
