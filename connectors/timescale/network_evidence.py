"""What a number of the network rests on: the reports and readings, and which of them did not count and why."""

from collections.abc import Iterable, Mapping
from typing import Final

# Each answers (at, kind, id, said jsonb, excluded text or null) for site $1, its period $2 to $3, asset $4 or all (null),
# and counters or measures $5.
REPORTS: Final = """
SELECT time AS at, 'report' AS kind, event_id AS id,
       jsonb_build_object('cell_id', cell_id, 'object', object, 'name', name, 'labels', labels, 'value', value,
                          'unit', unit, 'value_si', value_si, 'unit_si', unit_si, 'granularity_s', granularity_s) AS said,
       CASE WHEN suspect THEN 'the network calls it suspect' WHEN value_si IS NULL AND value IS NOT NULL
                THEN 'its unit has no SI form' WHEN value_si IS NULL THEN 'no value'
            WHEN name ~ '^(RRC|UECNTXT)[.]ConnEstab' AND lower(labels->>'cause') = 'mo-signalling'
                THEN 'signalling is no service' WHEN labels ? 'bin' THEN 'a bin of a histogram' END AS excluded
FROM port.cell_measurement
WHERE site = $1 AND time > $2 AND time <= $3 AND ($4::text IS NULL OR cell_id = $4) AND name = ANY ($5::text[])
ORDER BY time, cell_id, object, name, labels
"""
ENERGY: Final = """
SELECT time AS at, 'report' AS kind, event_id AS id,
       jsonb_build_object('cell_id', cell_id, 'object', object, 'value', value, 'unit', unit, 'value_si', value_si) AS said,
       CASE WHEN suspect THEN 'the network calls it suspect' WHEN value_si IS NULL THEN 'no value in SI' END AS excluded
FROM port.cell_measurement
WHERE site = $1 AND time > $2 AND time <= $3 AND name = 'PEE.Energy'
UNION ALL
SELECT min(r.time), 'readings', r.device_id,
       jsonb_build_object('serving_cell', r.serving_cell, 'readings', count(*), 'carried_by', a.carried_by),
       CASE WHEN r.serving_cell IS NULL THEN 'no serving cell' END
FROM port.radio_sample AS r LEFT JOIN port.asset AS a ON a.asset_id = r.device_id
WHERE r.site = $1 AND r.time >= $2 AND r.time < $3 AND ($4::text IS NULL OR $4 IS NOT NULL) AND $5::text[] IS NOT NULL
GROUP BY r.device_id, r.serving_cell, a.carried_by
ORDER BY 1, 3
"""
READINGS: Final = """
SELECT min(r.time) AS at, 'readings' AS kind, r.device_id AS id,
       jsonb_build_object('serving_cell', r.serving_cell, 'to', max(r.time), 'readings', count(*),
                          'rtt_ms', count(r.rtt_ms), 'rsrp_dbm', count(r.rsrp_dbm), 'sinr_db', count(r.sinr_db)) AS said,
       NULL::text AS excluded
FROM port.radio_sample AS r
WHERE r.site = $1 AND r.time >= $2 AND r.time < $3 AND ($4::text IS NULL OR r.device_id = $4) AND $5::text[] IS NOT NULL
GROUP BY r.device_id, r.serving_cell ORDER BY 1, 3
"""
_VOLUME_DL: Final = ("DRB.PdcpSduVolumeDL",)
_VOLUME_UL: Final = ("DRB.PdcpSduVolumeUL",)
_DU_DL: Final = ("DRB.RlcSduDelayDl", "DRB.AirIfDelayDl", *_VOLUME_DL)
_DU_UL: Final = ("DRB.RlcDelayUl", "DRB.AirIfDelayUl", *_VOLUME_UL)
_CUUP_DL: Final = ("DRB.PdcpSduDelayDl", "DRB.PdcpF1DelayDl", *_VOLUME_DL)
_CUUP_UL: Final = ("DRB.PdcpReordDelayUl", "DRB.PdcpF1DelayDl", *_VOLUME_UL)
_COUNTERS: Final[Mapping[str, tuple[str, ...]]] = {
    "accessible": ("RRC.ConnEstabSucc", "UECNTXT.ConnEstabSucc", "DRB.EstabSucc"),
    "access_attempts": ("RRC.ConnEstabAtt", "UECNTXT.ConnEstabAtt", "DRB.EstabAtt"),
    "pdu_successes": ("SM.PDUSessionSetupSucc",),
    "pdu_requests": ("SM.PDUSessionSetupReq",),
    "handed_over": ("MM.HoPrepInterSucc", "MM.HoPrepIntraSucc", "MM.HoExeInterSucc", "MM.HoExeIntraSucc"),
    "handover_attempts": ("MM.HoPrepInterReq", "MM.HoPrepIntraReq", "MM.HoExeInterReq", "MM.HoExeIntraReq"),
    "handover_time_sum": ("MM.HoExeInterReq.TimeMean",),
    "handover_time_weight": ("MM.HoExeInterSucc",),
    "handover_time_max_s": ("MM.HoExeInterReq.TimeMax",),
    "flow_releases": ("QF.RelActNbr",),
    "flow_time_s": ("QF.SessionTimeQoS",),
    "device_time_s": ("QF.SessionTimeUE",),
    "bearer_releases": ("DRB.RelActNbr",),
    "bearer_time_s": ("DRB.SessionTime",),
    "throughput_dl_sum": ("DRB.UEThpDl",),
    "throughput_dl_weight": _VOLUME_DL,
    "throughput_ul_sum": ("DRB.UEThpUl",),
    "throughput_ul_weight": _VOLUME_UL,
    "du_latency_dl_sum": ("DRB.RlcSduLatencyDl", *_VOLUME_DL),
    "du_delay_dl_sum": _DU_DL,
    "du_delay_ul_sum": _DU_UL,
    "cuup_delay_dl_sum": _CUUP_DL,
    "cuup_delay_ul_sum": _CUUP_UL,
    "delay_dl_s": (*_CUUP_DL, *_DU_DL),
    "delay_ul_s": (*_CUUP_UL, *_DU_UL),
    "n3_ul_bps": ("GTP.InDataOctN3UPF",),
    "n3_dl_bps": ("GTP.OutDataOctN3UPF",),
    "volume_bit": (*_VOLUME_DL, *_VOLUME_UL),
    "energy_j": ("PEE.Energy",),
}


def counters_of(words: Iterable[str]) -> list[str]:
    """The counters behind these measures of grain `cell`."""
    return sorted({name for word in words for name in _COUNTERS.get(word, ())})
