"""THE metrics catalogue: each metric is declared here once; recorders, dashboards and alert rules may use no other.

Prometheus conventions: base units, bounded labels, never an id of a container, truck, person or event.
connectors/prometheus builds its recorder from this; an unknown gauge is NaN, never 0.
"""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["counter", "gauge", "histogram"]

_COMMIT_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_ROWS_BUCKETS = (1.0, 10.0, 100.0, 500.0, 1_000.0, 2_500.0, 5_000.0, 10_000.0, 25_000.0, 50_000.0, 100_000.0)
# From a healthy pipeline (tens of milliseconds) over a paused worker (minutes) to a gateway's backlog (a day);
# 2 s is the freshness objective.
_AGE_BUCKETS_S = (
    *(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0),
    *(60.0, 300.0, 900.0, 3_600.0, 14_400.0, 43_200.0, 86_400.0),
)


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric; `buckets` are the upper bounds of a histogram (without +Inf) and None for the other kinds."""

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] | None = None


# What happened to records.
RECORDS = Metric(
    "quaystream_records_total",
    "counter",
    "Records by outcome; reason is empty unless rejected.",
    ("domain", "outcome", "reason"),
)
ROWS_WRITTEN = Metric("quaystream_rows_written_total", "counter", "Rows committed.", ("table",))
UNKNOWN_FIELDS = Metric(
    "quaystream_unknown_fields_total",
    "counter",
    "Accepted events with data fields or extension attributes the schemas do not know.",
    ("domain",),
)
CLEAR_NAMES = Metric(
    "quaystream_clear_names_total",
    "counter",
    "Names in the clear withheld from the rows of a site that sends pseudonyms only.",
    ("domain", "site"),
)
COUNTERS_UNKNOWN = Metric(
    "quaystream_counters_unknown_total",
    "counter",
    "Values of network counters stored although schemas/counters.yaml does not know their name, or without SI value: "
    "no unit is known, or the declared unit is not.",
    ("cause",),
)
KEY_MISMATCH = Metric(
    "quaystream_key_mismatch_total",
    "counter",
    "Records whose key is not the subject (slower, never wrong).",
    ("topic",),
)
LOST_RECORDS = Metric(
    "quaystream_lost_records_total",
    "counter",
    "Offsets the broker no longer had, by kind of ingest.lost_range.",
    ("topic", "kind"),
)

# The transaction.
COMMIT_SECONDS = Metric(
    "quaystream_commit_seconds", "histogram", "Duration of one fenced transaction.", buckets=_COMMIT_BUCKETS_S
)
COMMIT_ROWS = Metric(
    "quaystream_commit_rows", "histogram", "Raw rows of one fenced transaction.", buckets=_ROWS_BUCKETS
)
COMMIT_RETRIES = Metric(
    "quaystream_commit_retries_total", "counter", "Transactions rolled back and tried again, by cause.", ("cause",)
)
FENCED = Metric(
    "quaystream_fenced_total",
    "counter",
    "Transactions refused because another worker had moved the offset.",
    ("topic",),
)
LAST_COMMIT_TIMESTAMP = Metric(
    "quaystream_last_commit_timestamp_seconds",
    "gauge",
    "When the partition last committed (Unix time).",
    ("topic", "partition"),
)

# How far behind.
EVENT_AGE = Metric(
    "quaystream_event_age_seconds",
    "histogram",
    "From event time to commit, of accepted live events.",
    ("domain",),
    _AGE_BUCKETS_S,
)
FRESHNESS_TIMESTAMP = Metric(
    "quaystream_freshness_timestamp_seconds", "gauge", "Newest stored event time (Unix time).", ("domain",)
)
PARTITION_LAG_RECORDS = Metric(
    "quaystream_partition_lag_records",
    "gauge",
    "Records between the fence and the end of the partition; NaN when unknown.",
    ("topic", "partition"),
)
PARTITION_LAG_SECONDS = Metric(
    "quaystream_partition_lag_seconds",
    "gauge",
    "Age of the oldest record not yet committed, by append time; NaN when unknown.",
    ("topic", "partition"),
)
PARTITION_PAUSED = Metric(
    "quaystream_partition_paused",
    "gauge",
    "1 while the dead-letter bound holds the partition, else 0.",
    ("topic", "partition"),
)

# Back-fill: history beside live (docs/how-to/backfill.md). Its lag is that of its topics.
BACKFILL_RATE = Metric(
    "quaystream_backfill_rate",
    "gauge",
    "Records of history a second that the worker may take at most; 0 is a pause.",
)
BACKFILL_RECORDS = Metric(
    "quaystream_backfill_records_total", "counter", "Records of history with an outcome.", ("domain",)
)
BACKFILL_YIELDED = Metric(
    "quaystream_backfill_yielded_seconds_total",
    "counter",
    "How much longer history waited than its rate asks, because live records did or the database was slow.",
    ("domain",),
)

# Proof, completeness, clocks.
LEDGER_DIFFERENCE = Metric(
    "quaystream_ledger_difference",
    "gauge",
    "Offsets minus accepted, duplicate, rejected and missing; must be 0.",
    ("topic",),
)
VERIFY_LAST_SUCCESS = Metric(
    "quaystream_verify_last_success_timestamp_seconds",
    "gauge",
    "When verification last ended without a difference; before the first time, since when it could have.",
    ("scope",),
)
VERIFY_DIFFERENCES = Metric(
    "quaystream_verify_differences",
    "gauge",
    "What did not add up when rows, dead letters, rollups and facts were last compared; must be 0.",
    ("scope",),
)
VERIFY_SECONDS = Metric(
    "quaystream_verify_seconds",
    "gauge",
    "How long the last verification read, or the one under way has so far.",
    ("scope",),
)
VERIFY_ROWS = Metric(
    "quaystream_verify_rows",
    "gauge",
    "Raw rows read by the last verification, or so far by the one under way.",
    ("scope",),
)
VERIFY_WAITING = Metric(
    "quaystream_verify_waiting_hours", "gauge", "Hours of tables that were written to since they were last verified."
)
SEQUENCE_MISSING = Metric(
    "quaystream_sequence_missing",
    "gauge",
    "Numbered events not yet received, without those in dead letters.",
    ("domain", "site"),
)
COMPLETENESS = Metric(
    "quaystream_completeness_ratio",
    "gauge",
    "Numbered events stored ÷ numbered events counted by gateways, of the boots heard within the last hour; "
    "no series where nothing is numbered.",
    ("domain", "site"),
)
CLOCK_SKEW = Metric(
    "quaystream_clock_skew_seconds",
    "gauge",
    'Newest event time minus append time, of declared gateways; others fold into source "other".',
    ("domain", "source"),
)

# Dead letters.
DEAD_LETTERS_RELAYED = Metric(
    "quaystream_dead_letters_relayed_total", "counter", "Dead letters copied to their dead-letter topic.", ("topic",)
)
DEAD_LETTERS_UNRELAYED = Metric(
    "quaystream_dead_letters_unrelayed",
    "gauge",
    "Dead letters in the database that wait to be copied to their topic.",
    ("topic",),
)

# Facts: what was folded again, and what waits for it.
REFOLD_MARKS = Metric(
    "quaystream_refold_marks", "gauge", "Marks of raw rows whose facts are not folded yet, without failing keys."
)
REFOLD_AGE = Metric("quaystream_refold_age_seconds", "gauge", "Age of the oldest of those marks; 0 when there is none.")
REFOLD_SECONDS = Metric(
    "quaystream_refold_seconds",
    "histogram",
    "Duration of one transaction that folds keys again.",
    ("kind",),
    _COMMIT_BUCKETS_S,
)
REFOLD_KEYS = Metric("quaystream_refold_keys_total", "counter", "Keys folded again.", ("kind",))
REFOLD_FACTS = Metric("quaystream_refold_facts_total", "counter", "Facts written, new or changed.", ("kind",))
REFOLD_RESTATEMENTS = Metric(
    "quaystream_refold_restatements_total", "counter", "Finished facts changed or withdrawn.", ("kind", "reason")
)
REFOLD_FAILURES = Metric(
    "quaystream_refold_failures_total", "counter", "Keys that could not be folded; each is tried again.", ("kind",)
)
REFOLD_FAILING = Metric("quaystream_refold_failing", "gauge", "Keys that could not be folded and have not been since.")
ATTRIBUTED_DAYS = Metric(
    "quaystream_attributed_days_total",
    "counter",
    "Days of machines for which it was worked out anew what the radio cost.",
)

# Service levels of the radio network. Alert rules divide one by the other (deploy/monitoring/rules/sla.yaml).
SLA_MINUTES = Metric(
    "quaystream_sla_minutes_total",
    "counter",
    "Device minutes judged the first time, not older than an hour, by SLA profile and state (in, out, unknown).",
    ("site", "profile", "state"),
)
SLA_BUDGET = Metric(
    "quaystream_sla_budget_ratio",
    "gauge",
    "Share of known device minutes that may be out of a profile: 1 minus its target.",
    ("profile",),
)
BROKER_REFUSALS = Metric(
    "quaystream_broker_refusals_total",
    "counter",
    "Times Kafka, asked every few seconds, did not accept our certificate, name or password, or we not its certificate.",
)
START_TIMESTAMP = Metric(
    "quaystream_start_timestamp_seconds", "gauge", "When the process began to serve metrics (Unix time)."
)
TASKS = Metric(
    "quaystream_tasks", "gauge", "Tasks of the process's event loop; however long it runs, they get no more."
)
BUILD_INFO = Metric("quaystream_build_info", "gauge", "Always 1; the version is the label.", ("version",))

# Connectors and the edge.
CONNECTOR_EVENTS = Metric(
    "quaystream_connector_events_total", "counter", "Events a connector has delivered.", ("connector",)
)
CONNECTOR_ERRORS = Metric(
    "quaystream_connector_errors_total", "counter", "Inputs a connector could not map, by kind.", ("connector", "kind")
)
CONNECTOR_DEAD_LETTERS = Metric(
    "quaystream_connector_dead_letters_total",
    "counter",
    "Inputs that became no event and are kept as they came, for a worker to refuse.",
    ("connector",),
)
CONNECTOR_BYTES = Metric("quaystream_connector_bytes_total", "counter", "Bytes a connector has read.", ("connector",))
CONNECTOR_ANSWERS = Metric(
    "quaystream_connector_answers_total",
    "counter",
    "Requests a connector has answered, by HTTP status.",
    ("connector", "status"),
)
CONNECTOR_NOTES = Metric(
    "quaystream_connector_notes_total",
    "counter",
    "Inputs taken although remarkable, by what was (nothing_for_us, offset_assumed, epoch_in_ms, nulls, file_announced).",
    ("connector", "note"),
)
CONNECTOR_FILES = Metric(
    "quaystream_connector_files_total",
    "counter",
    "Files a connector is done with: taken, or not_fetched.",
    ("connector", "outcome"),
)
CONNECTOR_FILES_WAITING = Metric(
    "quaystream_connector_files_waiting",
    "gauge",
    "Files seen or announced that a connector has not taken yet.",
    ("connector",),
)
SPOOL_EVENTS = Metric("quaystream_spool_events", "gauge", "Events kept at the edge until the broker has them.")
SPOOL_BYTES = Metric("quaystream_spool_bytes", "gauge", "Bytes of the events kept at the edge.")
SPOOL_OLDEST_AGE = Metric(
    "quaystream_spool_oldest_age_seconds", "gauge", "How long the oldest event in the spool has waited; 0 when empty."
)
SPOOL_COMMIT_SECONDS = Metric(
    "quaystream_spool_commit_seconds", "histogram", "From offering to durable, one group commit.", (), _COMMIT_BUCKETS_S
)
SPOOL_REFUSED = Metric(
    "quaystream_spool_refused_total",
    "counter",
    "Times a source was told to come back later: full_by_bytes, full_by_age, disk_full.",
    ("cause",),
)
SPOOL_DROPPED = Metric(
    "quaystream_spool_dropped_total",
    "counter",
    "Events dropped because the policy is drop_oldest and the spool was full.",
)
SPOOL_SET_ASIDE = Metric(
    "quaystream_spool_set_aside_events", "gauge", "Events the broker will never accept, kept in the spool's file."
)
GATEWAY_DELIVERED = Metric(
    "quaystream_gateway_delivered_total",
    "counter",
    "Events the broker has confirmed, by lane (live, backlog).",
    ("lane",),
)
GATEWAY_LANE_AGE = Metric(
    "quaystream_gateway_lane_age_seconds",
    "gauge",
    "How long the oldest event of a lane has waited; 0 when none.",
    ("lane",),
)
GATEWAY_TROUBLES = Metric(
    "quaystream_gateway_troubles_total",
    "counter",
    "What Kafka's client reported: away, certificate, credentials, not_allowed, no_topic, refused, other.",
    ("trouble",),
)
GATEWAY_NAMES = Metric(
    "quaystream_gateway_names_total",
    "counter",
    "Names of people and vehicles on their way into the spool: replaced by pseudonyms, or withheld for want of a key.",
    ("outcome",),
)
GATEWAY_CLOCK_STEPS = Metric(
    "quaystream_gateway_clock_steps_total", "counter", "Times the gateway's wall clock jumped by a second or more."
)
MQTT_CONNECTED = Metric(
    "quaystream_mqtt_connected", "gauge", "1 while a source has its session with the MQTT broker.", ("connector",)
)
MQTT_TROUBLES = Metric(
    "quaystream_mqtt_troubles_total",
    "counter",
    "What went wrong with the MQTT broker: away, certificate, credentials, not_allowed, closed, session_lost, refused.",
    ("connector", "trouble"),
)
MQTT_PASSED_BY = Metric(
    "quaystream_mqtt_passed_by_total",
    "counter",
    "MQTT messages that bring nothing new: redelivered after they were kept, retained, or not meant for us.",
    ("connector", "why"),
)
CONNECTOR_MISSING = Metric(
    "quaystream_connector_missing_total",
    "counter",
    "Messages lost before they reached the gateway, by the sender's own numbers (Sparkplug seq, OPC UA SequenceNumber).",
    ("connector",),
)
SPARKPLUG_REBIRTHS = Metric(
    "quaystream_sparkplug_rebirths_total", "counter", "Edge nodes asked to say their births again.", ("connector",)
)
# What a gateway exports, and nothing else.
EDGE: tuple[Metric, ...] = (
    *(CONNECTOR_ANSWERS, CONNECTOR_NOTES, CONNECTOR_FILES, CONNECTOR_FILES_WAITING),
    *(CONNECTOR_EVENTS, CONNECTOR_ERRORS, CONNECTOR_BYTES, SPOOL_EVENTS, SPOOL_BYTES, SPOOL_OLDEST_AGE),
    CONNECTOR_DEAD_LETTERS,
    *(SPOOL_COMMIT_SECONDS, SPOOL_REFUSED, SPOOL_DROPPED, SPOOL_SET_ASIDE),
    *(MQTT_CONNECTED, MQTT_TROUBLES, MQTT_PASSED_BY, CONNECTOR_MISSING, SPARKPLUG_REBIRTHS),
    *(GATEWAY_DELIVERED, GATEWAY_LANE_AGE, GATEWAY_TROUBLES, GATEWAY_NAMES, GATEWAY_CLOCK_STEPS, TASKS, BUILD_INFO),
)

# The board (docs/how-to/board.md).
BOARD_VIEWERS = Metric("quaystream_board_viewers", "gauge", "Screens that are watching the board's stream.")
BOARD_READ_SECONDS = Metric(
    "quaystream_board_read_seconds",
    "histogram",
    "Duration of one look at the database, for all viewers.",
    (),
    _COMMIT_BUCKETS_S,
)
BOARD_READ_FAILURES = Metric(
    "quaystream_board_read_failures_total", "counter", "Looks that the database did not answer; screens say so."
)
BOARD_READ_TIMESTAMP = Metric(
    "quaystream_board_read_timestamp_seconds", "gauge", "When the board last read the database (Unix time)."
)
# What the board exports, and nothing else.
BOARD: tuple[Metric, ...] = (BOARD_VIEWERS, BOARD_READ_SECONDS, BOARD_READ_FAILURES, BOARD_READ_TIMESTAMP)

# The read API (docs/how-to/share.md).
API_REQUESTS = Metric(
    "quaystream_api_requests_total",
    "counter",
    "Requests of agencies, by the status they were answered with.",
    ("status",),
)
API_ROWS = Metric("quaystream_api_rows_total", "counter", "Rows given to agencies, by contract.", ("contract",))
# What the read API exports, and nothing else.
API: tuple[Metric, ...] = (API_REQUESTS, API_ROWS)

CATALOGUE: tuple[Metric, ...] = (
    *(RECORDS, ROWS_WRITTEN, UNKNOWN_FIELDS, COUNTERS_UNKNOWN, CLEAR_NAMES, KEY_MISMATCH, LOST_RECORDS),
    *(COMMIT_SECONDS, COMMIT_ROWS, COMMIT_RETRIES, FENCED, LAST_COMMIT_TIMESTAMP),
    *(EVENT_AGE, FRESHNESS_TIMESTAMP, PARTITION_LAG_RECORDS, PARTITION_LAG_SECONDS, PARTITION_PAUSED),
    *(BACKFILL_RATE, BACKFILL_RECORDS, BACKFILL_YIELDED),
    *(LEDGER_DIFFERENCE, SEQUENCE_MISSING, COMPLETENESS, CLOCK_SKEW),
    *(VERIFY_LAST_SUCCESS, VERIFY_DIFFERENCES, VERIFY_SECONDS, VERIFY_ROWS, VERIFY_WAITING),
    *(DEAD_LETTERS_RELAYED, DEAD_LETTERS_UNRELAYED),
    *(REFOLD_MARKS, REFOLD_AGE, REFOLD_SECONDS, REFOLD_KEYS, REFOLD_FACTS, REFOLD_RESTATEMENTS),
    *(REFOLD_FAILURES, REFOLD_FAILING, ATTRIBUTED_DAYS),
    *(SLA_MINUTES, SLA_BUDGET),
    *(BROKER_REFUSALS, START_TIMESTAMP),
    *EDGE,
    *BOARD,
    *API,
)
# What a worker exports: all but what only the board and the read API know.
WORKER: tuple[Metric, ...] = tuple(metric for metric in CATALOGUE if metric not in (*BOARD, *API))
