"""Looks at processes and the database while a soak runs: memory, files, connections, tasks, temporary tables, freshness."""

from collections.abc import Mapping

import psutil
import psycopg

from streams.cli.benchmark.outage.programs import Program
from streams.cli.benchmark.soak.judge import Sample

_AGE = "quaystream_event_age_seconds"
_TEMPORARY = "SELECT count(*) FROM pg_class WHERE relpersistence = 't' AND relkind = 'r'"
_SESSIONS = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"


class Watch:
    """Remembers what was counted at the last look. `tables` is asked as the owner."""

    def __init__(self, programs: Mapping[str, Program], tables: "psycopg.Connection[tuple[int]]") -> None:
        self._programs = programs
        self._tables = tables
        self._ages: dict[str, tuple[float, float]] = {}

    def look(self, at_s: float, *, is_calm: bool) -> list[Sample]:
        """A sample of each process that runs, and one of the database. Freshness only where it `is_calm`."""
        seen = [self._process(name, program, at_s, is_calm) for name, program in self._programs.items()]
        return [sample for sample in seen if sample] + self._database(at_s)

    def _process(self, name: str, program: Program, at_s: float, is_calm: bool) -> Sample | None:
        tasks = program.metric("quaystream_tasks")
        if program.pid is None or tasks is None:
            return None
        try:
            process = psutil.Process(program.pid)
            values = {
                "rss_bytes": float(process.memory_info().rss),
                "open_files": float(process.num_fds()),
                "connections": float(len(process.net_connections("inet"))),
                "tasks": tasks,
            }
        except psutil.Error:
            return None
        age_s = self._age(name, program)
        return Sample(name, at_s, values, age_s if is_calm else None, process.pid)

    def _age(self, name: str, program: Program) -> float | None:
        total, count = program.metric(f"{_AGE}_sum") or 0.0, program.metric(f"{_AGE}_count") or 0.0
        before_total, before_count = self._ages.get(name, (0.0, 0.0))
        self._ages[name] = (total, count)
        return (total - before_total) / (count - before_count) if count > before_count else None

    def _database(self, at_s: float) -> list[Sample]:
        try:
            counts = {"temp_tables": self._count(_TEMPORARY), "connections": self._count(_SESSIONS)}
        except psycopg.Error:
            return []
        return [Sample("database", at_s, counts)]

    def _count(self, query: str) -> float:
        row = self._tables.execute(query.encode()).fetchone()
        return float(row[0]) if row else 0.0
