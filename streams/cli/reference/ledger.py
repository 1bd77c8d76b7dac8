"""The page of the tables beside the events': the ledger in `ingest`, sites and assets, and the days."""

from typing import Final

from connectors.timescale.schema_check import LEDGER_COLUMNS
from schemas.tables import ROLLUPS
from streams.cli.reference.markdown import code, table

MEANINGS: Final = {
    "ingest.partition_offset": "The fence: one row per partition. `next_offset` is the offset the next record must have, "
    "`epoch` counts claims, `owner` is the worker that claimed last. "
    "`next_offset` - `first_offset` = `accepted` + `duplicate` + `rejected` + `missing`.",
    "ingest.dead_letter": "Every refused record, byte for byte, with its reason. `headers` is a list of [name, base64]; "
    "`payload` is null where the record had no value. Hypertable on `received_at`.",
    "ingest.lost_range": "Offsets the broker did not have; `to_offset` is exclusive. `kind` is `retention` (removed before "
    "we read it), `not_a_record` (transaction markers, compaction) or `unknown` (reserved, not written today).",
    "ingest.partition_pause": "Partitions stopped by the dead-letter bound, until `resumed_at`.",
    "ingest.sequence_stream": "The accepted numbers of each numbered stream, as an array from, to, from, to, …; `version` "
    "guards its writes, numbers below `pruned_below` are looked up among the rows.",
    "ingest.sequence_gap": "Numbers not received, both ends included; `filled_at` when they came after all.",
    "ingest.source_tally": "Records accepted and duplicate, by source and domain.",
    "ingest.retired": "What retention removed and what `offsets reset` set aside, so that the ledger adds up afterwards.",
    "ingest.setting": "What the database remembers: the longest retention and age that ever were in force (seconds).",
    "ingest.raw_table": "Which topic feeds which raw table.",
    "ingest.schema_change": "The migrations this database has, and whether an older version may go on with each (`expand`) or not "
    "(`contract`); read by workers when they start.",
    "ingest.deferred_minutes": "Minutes of reports that came in one large batch and are still to be added up (compressed Arrow); empty within "
    "seconds.",
    "ingest.stale_hour": "Hours whose minutes have changed and that are still to be added up; empty within seconds.",
    "ingest.written_hour": "Hours of raw tables that were written to, on their way to `ingest.unverified`; empty within seconds.",
    "ingest.unverified": "Hours of raw and hour tables that were written to since `verify` last looked at them.",
    "ingest.verified": "What hours of raw tables held when `verify` looked at them: rows, records by partition (below 0: history), "
    "and a digest of every column that is not personal.",
    "ingest.verified_day": "When a day of a table, or of a kind of facts, was last read again by the nightly pass.",
    "ingest.verification": "How verification stands, by scope: `differences` of the last run that ended, `found` by the nightly one "
    "so far, `succeeded_at` of the last that found nothing and left nothing out.",
    "ingest.stale_sla": "Minutes with new readings of devices that are still to be judged by their SLA profiles; empty "
    "within a minute.",
    "ingest.refold": "Marks: raw rows of `key` came with event times from `from_time` to `to_time`, and its facts are not "
    "folded again yet. Written by the ingest transaction, taken away by the one that folded them.",
    "ingest.refold_failure": "Keys whose fold failed, why, how often in a row, and when it is tried again.",
    "ingest.refold_due": "Parts of keys that time alone will change: folded again when the site's time has passed `due_at` "
    "(a cell whose next heartbeat is overdue then).",
    "ingest.site_clock": "The newest event time of a site's cranes, gates, boxes and ships: periods are open until then, and what is open is closed by age by it.",
    "kpi.sla_profile": "The [SLA profiles](sla.md) as they were loaded: a version never changes.",
    "port.sla_minute": "Each device's minutes in or out of each of its SLA profiles: `samples` are all readings of the minute, "
    "`good` and `bad` those that say something of what is asked, `outage_s` the longest outages they may hide. Hypertable on `bucket`.",
    "kpi.restatement": "Every change of a finished fact: what it said (`old`) until `changed_at`, what it says (`new`; null "
    "where it was withdrawn), and why (`late`, `replayed`, `withdrawn`, `definition`).",
    "ingest.cell_clock": "The newest event time of a site's alarms and heartbeats: with the one above, what a cell's silence is judged by.",
    "kpi.stale_hour": "Hours with new raw rows of cells or devices, or newly judged minutes: numbers compute them until they are stored "
    "in `kpi.cell_hour`, `kpi.radio_hour` and `kpi.sla_hour`. The newest hour of each `kind` always stands here.",
    "kpi.cell_counter": "The counters that the KPIs of the network are made of, and which of them are means.",
    "kpi.cell_hour": "What those KPIs divide, per hour, cell and part (`5qi=82`, `snssai=1-000001`, empty for all): suspect "
    "values left out, means weighted. `figure` is a counter, a mean, or `reports`.",
    "kpi.sla_hour": "Minutes of devices in (`good`) and out of (`bad`) their SLA profiles, per hour: what budgets are counted from.",
    "kpi.stale_stream": "Hours with new events of a domain, as in `kpi.stale_hour`: until they are stored in `kpi.stream_hour`.",
    "kpi.stream_hour": "Which numbers of each stream came in an hour: what completeness is counted from.",
    "kpi.effect_stored": "Before and after as worked out within the last hour (`until_at`), from each site's newest baseline.",
    "kpi.radio_hour": "Readings of devices per hour and serving cell.",
    "port.gateway": "The sources that speak for sites that were [onboarded](../how-to/onboard.md).",
    "port.onboarded": "Sites that came in by a file, and what is agreed there: `quaystream migrate` leaves these alone.",
    "port.site": "The declared sites: name, clock, shifts.",
    "port.asset": "Cranes, gates, cells and devices. `declared` is false for those that joined by reporting.",
}
_INTRO: Final = """# The ledger's tables

What stands beside the [event tables](tables.md): progress and outcomes in `ingest`, sites and assets in `port`.
The worker writes `ingest` and adds assets; `quaystream migrate` writes the declared sites and assets. The reader may read all of it, except the
content of dead letters (`detail`, `key`, `headers`, `payload`).

"""
_DAYS: Final = """
## Days

One row per key and UTC day, summed from the hours, with the columns of the hour tables. Plain views; on the Timescale-licensed edition
continuous aggregates of the same names. A working day in Viet Nam is not a UTC day: sum shifts from the hours.

"""


def page() -> str:
    """The text of the page; raises KeyError for a table that has no meaning here yet."""
    rows = ((code(name), MEANINGS[name], " ".join(map(code, columns))) for name, columns in LEDGER_COLUMNS.items())
    days = ((code(rollup.hour.replace("_hour", "_day")), code(rollup.hour)) for rollup in ROLLUPS)
    return _INTRO + table(("table", "meaning", "columns"), rows) + _DAYS + table(("view", "from"), days)
