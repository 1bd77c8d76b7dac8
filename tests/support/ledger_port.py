"""The small port of tests/data/ledger, whose ledger adds up, with names of a real site; its visit waits to be folded, its minutes to be judged."""

from pathlib import Path

LEDGER = Path(__file__).parents[1] / "data" / "ledger"
PORT = (LEDGER / "port.sql").read_text().replace("'S-", "'VNHPH-TANVU-").replace("'S'", "'VNHPH-TANVU'")
PORT += """
INSERT INTO ingest.refold (kind, key, from_time, to_time)
VALUES ('gate_visit', 'VNHPH-TANVU/v1', '2026-01-01 08:00Z', '2026-01-01 08:01Z');
INSERT INTO ingest.stale_sla (bucket) VALUES ('2026-01-01 08:00Z');
"""
