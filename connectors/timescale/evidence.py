"""What one number rests on: the facts and events with their ids and times, and which of them did not count and why."""

from collections.abc import Mapping
from typing import Any, Final, Literal

import asyncpg

from connectors.timescale import network_evidence
from connectors.timescale.kpis import Period
from schemas.kpi import Definition, Grain

Kind = Literal["cycles", "jobs", "spans", "visits", "boxes", "calls", "gaps", "reports", "energy", "readings", "radio"]

# Each answers (at, kind, id, said jsonb, excluded text or null) for site $1, [$2, $3), and asset $4 or all (null).
_QUERIES: Final[Mapping[Kind, str]] = {
    "cycles": """
SELECT ended_at AS at, 'cycle' AS kind, cycle_id AS id,
       jsonb_build_object('outcome', outcome, 'boxes', boxes, 'job_id', job_id, 'call_id', call_id,
                          'seconds', round(extract(epoch FROM ended_at - started_at), 1), 'energy_kwh', energy_kwh,
                          'revision', revision) AS said,
       CASE outcome WHEN 'hatch' THEN 'a hatch cover is a lift of no box' WHEN 'invalid' THEN 'unlocked in the air'
           WHEN 'aborted' THEN 'nothing was lifted' WHEN 'adjustment' THEN 'set down where it was taken'
           WHEN 'gap' THEN CASE WHEN $5::text[] && ARRAY['cycle_s', 'cycle_p50_s', 'cycle_p90_s']
               THEN 'its times are not to be trusted' END
           WHEN 'suspended' THEN CASE WHEN $5::text[] && ARRAY['cycle_s', 'cycle_p50_s', 'cycle_p90_s']
               THEN 'the crane was off for a part of it' END
           ELSE CASE WHEN $5::text[] && ARRAY['energy_kwh'] AND energy_kwh IS NULL THEN 'no meter reading'
               WHEN $5::text[] && ARRAY['quay_boxes'] AND move_kind IS NULL THEN 'no job says what it was'
               WHEN $5::text[] && ARRAY['quay_boxes'] AND move_kind NOT IN ('load', 'discharge')
               THEN 'not to or from a ship' END
       END AS excluded
FROM port.crane_cycle WHERE site = $1 AND ended_at >= $2 AND ended_at < $3 AND ($4::text IS NULL OR crane_id = $4)
ORDER BY ended_at, cycle_id
""",
    "jobs": """
SELECT time AS at, 'job' AS kind, event_id AS id,
       jsonb_build_object('crane_id', crane_id, 'job_id', job_id, 'boxes', boxes, 'move_kind', move_kind) AS said,
       CASE WHEN row_number() OVER (PARTITION BY crane_id, job_id ORDER BY time, event_id) > 1
                THEN 'delivered before: counts once'
            WHEN move_kind = 'hatch' AND NOT $5::text[] && ARRAY['busy_h'] THEN 'a hatch cover is no box' END AS excluded
FROM port.crane_job
WHERE site = $1 AND time >= $2 AND time < $3 AND ($4::text IS NULL OR crane_id = $4) AND step = 'delivered'
    AND $5::text[] IS NOT NULL
ORDER BY time, event_id
""",
    "spans": """
SELECT greatest(lower(span), $2) AS at, kind, crane_id AS id,
       jsonb_build_object('of', thing, 'from', lower(span), 'to', nullif(upper(span), 'infinity')) AS said,
       NULL::text AS excluded
FROM kpi.crane_spans($2, $3)
WHERE site = $1 AND ($4::text IS NULL OR crane_id = $4) AND span && tstzrange($2, $3) AND kind = ANY ($5::text[])
ORDER BY crane_id, kind, 1
""",
    "visits": """
SELECT coalesce(left_at, last_at) AS at, 'visit' AS kind, visit_id AS id,
       jsonb_build_object('outcome', outcome, 'gate_in', gate_in, 'lane_in', lane_in, 'gate_out', gate_out,
           'lane_out', lane_out, 'touch_points', touch_points, 'manual_touch_points', manual_touch_points,
           'turn_time_s', turn_time_s, 'total_turn_time_s', total_turn_time_s, 'inside_s', inside_s,
           'wait_s_by_actor', wait_s_by_actor, 'exceptions', exceptions, 'exception_reasons', exception_reasons,
           'revision', revision) AS said,
       CASE WHEN outcome = 'open' THEN 'still open'
            WHEN $5::text[] && ARRAY['turn_min'] AND turn_time_s IS NULL THEN 'not seen coming in and going out'
            WHEN $5::text[] && ARRAY['total_turn_min'] AND total_turn_time_s IS NULL THEN 'its queue entry is not known'
            WHEN $5::text[] && ARRAY['procedure_min'] AND outcome <> 'complete' THEN 'not complete'
            WHEN $5::text[] && ARRAY['first_pass_visits'] AND ocr_first_pass IS NULL THEN 'no reading'
            WHEN $5::text[] && ARRAY['appointments_met'] AND appointment_ok IS NULL THEN 'no appointment check'
       END AS excluded
FROM port.gate_visit
WHERE site = $1 AND coalesce(left_at, last_at) >= $2 AND coalesce(left_at, last_at) < $3
    AND ($4::text IS NULL OR $4 IN (gate_in, gate_out))
ORDER BY 1, visit_id
""",
    "boxes": """
SELECT coalesce(gated_out_at, loaded_at, released_at, last_at) AS at, 'box' AS kind, cargo_visit_id AS id,
       jsonb_build_object('outcome', outcome, 'class', cargo_class, 'released_at', released_at, 'dwell_s', dwell_s,
           'gated_out_at', gated_out_at, 'loaded_at', loaded_at, 'wait_s_by_agency', wait_s_by_agency,
           'revision', revision) AS said,
       CASE WHEN $5::text[] && ARRAY['released', 'wait_h']
                THEN CASE WHEN released_at IS NULL THEN 'not released'
                          WHEN released_at < $2 OR released_at >= $3 THEN 'released in another period' END
            WHEN $5::text[] && ARRAY['held_h', 'free_h']
                AND (discharged_at <= released_at AND released_at <= gated_out_at) IS NOT TRUE
                THEN 'not discharged, released and gated out in that order'
            WHEN coalesce(gated_out_at, loaded_at) IS NULL THEN 'still here'
            WHEN dwell_s IS NULL THEN 'its arrival was not seen' END AS excluded
FROM port.cargo_visit
WHERE site = $1 AND $4::text IS NULL
    AND ((released_at >= $2 AND released_at < $3)
         OR (coalesce(gated_out_at, loaded_at, last_at) >= $2 AND coalesce(gated_out_at, loaded_at, last_at) < $3))
ORDER BY 1, cargo_visit_id
""",
    "calls": """
SELECT coalesce(last_line_at, departed_at, sailed_at, last_at) AS at, 'call' AS kind, call_id AS id,
       jsonb_build_object('outcome', outcome, 'berth', berth, 'berthed_at', berthed_at, 'departed_at', departed_at,
           'berth_s', berth_s, 'cargo_s', cargo_s, 'wait_s', wait_s, 'turnaround_s', turnaround_s,
           'revision', revision) AS said,
       CASE WHEN $5::text[] && ARRAY['occupied_h'] THEN NULL
            WHEN outcome NOT IN ('complete', 'no_arrival') THEN outcome
            WHEN $5::text[] && ARRAY['wait_h'] AND wait_s IS NULL THEN 'did not anchor'
            WHEN $5::text[] && ARRAY['turnaround_h'] AND turnaround_s IS NULL THEN 'not both lines told'
            WHEN $5::text[] && ARRAY['moves'] AND berth_s IS NULL THEN 'not both times at the berth told' END AS excluded
FROM port.vessel_call
WHERE site = $1 AND $4::text IS NULL
    AND coalesce(last_line_at, departed_at, sailed_at, last_at) >= $2
    AND coalesce(berthed_at, first_line_at, first_at) < $3
ORDER BY 1, call_id
""",
    "radio": """
SELECT ended_at AS at, 'cycle' AS kind, cycle_id AS id,
       jsonb_build_object('how', how, 'lost_s', round(lost_s::numeric, 1), 'moves_lost', round(moves_lost::numeric, 3),
                          'exposed_s', exposed_s, 'worked_s', worked_s, 'baseline_s', baseline_s, 'spread_s', spread_s,
                          'matches', matches, 'matched_by', matched_by, 'cells', cells, 'revision', revision) AS said,
       CASE outcome WHEN 'good' THEN 'its radio was good' WHEN 'unknown' THEN 'too few radio readings'
           WHEN 'unmatched' THEN 'too few cycles with good radio to compare with'
           WHEN 'exposed' THEN CASE WHEN NOT $5::text[] && ARRAY['exposed_cycles']
               THEN 'no sign that bad radio hindered it' END END AS excluded
FROM kpi.radio_loss
WHERE site = $1 AND ended_at >= $2 AND ended_at < $3 AND ($4::text IS NULL OR asset_id = $4)
ORDER BY outcome <> 'attributed', ended_at, cycle_id
""",
    "gaps": """
SELECT noticed_at AS at, 'gap' AS kind, subject AS id,
       jsonb_build_object('type', type, 'source', source, 'from', from_sequence, 'to', to_sequence) AS said,
       CASE WHEN filled_at IS NOT NULL THEN 'filled since' END AS excluded
FROM ingest.sequence_gap
WHERE subject LIKE $1 || '-%' AND ($4::text IS NULL OR subject = $4) AND $2::timestamptz IS NOT NULL
    AND $3::timestamptz IS NOT NULL AND $5::text[] IS NOT NULL
ORDER BY noticed_at, subject, from_sequence
""",
    "reports": network_evidence.REPORTS,
    "energy": network_evidence.ENERGY,
    "readings": network_evidence.READINGS,
}
_KINDS: Final[Mapping[Grain, Kind]] = {
    **dict.fromkeys(("visit", "touch", "passage", "peak", "wait", "exception"), "visits"),
    **dict.fromkeys(("cargo", "hold", "agency"), "boxes"),
    **dict.fromkeys(("quay", "yard"), "cycles"),
    "dispatch": "jobs",
    **dict.fromkeys(("call", "berth"), "calls"),
    "stream": "gaps",
    "device": "readings",
    "radio": "radio",
}
_SPANS: Final[Mapping[str, tuple[str, ...]]] = {
    "allocated_h": ("allocated",),
    "logged_h": ("logged_on",),
    "net_h": ("allocated", "delay"),
    "available_h": ("logged_on", "delay"),
    "delay_h": ("allocated", "delay"),
    "on_h": ("on",),
    "working_h": ("working",),
    "uptime_h": ("on", "down"),
    "uptime_and_down_h": ("on", "down"),
    "failures": ("down",),
    "repairs": ("down",),
    "repair_h": ("down",),
}
_CONFIRMED: Final = {"confirmed_boxes", "unconfirmed_boxes"}


async def read_evidence(
    connection: asyncpg.Connection, definition: Definition, period: Period, asset: str | None
) -> list[dict[str, Any]]:
    """Rows of at, kind, id, said (JSON text), excluded (why it did not count, or None), in order of time per kind.

    Gaps are of all time: they carry no event time. Allocations of cranes to calls are not listed for `call`.
    """
    words = [word for word in (definition.inputs.numerator, definition.inputs.denominator) if word]
    rows: list[dict[str, Any]] = []
    for kind, told in _asked(definition.grain, words):
        found = await connection.fetch(_QUERIES[kind], period.site, period.since, period.until, asset, told)
        rows += [dict(row) for row in found]
    return rows


def _asked(grain: Grain, words: list[str]) -> list[tuple[Kind, list[str]]]:
    """The queries that answer for these measures, each with the words it reads its exclusions by."""
    if grain == "cell":
        return [("reports", network_evidence.counters_of(words))]
    if grain == "energy":
        return [("cycles", words), ("energy", words)]
    if grain not in ("crane", "delay"):
        return [(_KINDS[grain], words)]
    spans = sorted({kind for word in words for kind in _SPANS.get(word, ())})
    asked: list[tuple[Kind, list[str]]] = [("spans", spans)] if spans else []
    if _CONFIRMED & set(words):
        asked.append(("jobs", words))
    if [word for word in words if word not in _SPANS and word != "confirmed_boxes"]:
        asked.append(("cycles", words))
    return asked
