"""The machine and the versions a result was measured on: a number without them says nothing."""

import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import asyncpg
import psutil

from deploy.local.kafka import VERSION as KAFKA

PACKAGES = ("faust-streaming", "aiokafka", "asyncpg", "msgspec", "pyarrow", "pgpq")
_DATABASE = """
SELECT split_part(current_setting('server_version'), ' ', 1) AS postgresql,
  (SELECT extversion FROM pg_extension WHERE extname = 'timescaledb') AS timescaledb,
  current_setting('timescaledb.license') AS license, current_setting('synchronous_commit') AS synchronous_commit,
  current_setting('fsync') AS fsync
"""


async def describe(connection: asyncpg.Connection) -> dict[str, Any]:
    """Everything a reader needs to judge the figures."""
    database = await connection.fetchrow(_DATABASE)
    assert database is not None  # noqa: S101  (a SELECT without FROM has a row)
    return {
        "cpu": cpu_model(),
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "kernel": f"{platform.system()} {platform.release()}",
        "load_before": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        "kafka": KAFKA,
        **{name: str(value) for name, value in database.items()},
        **{name: version(name) for name in PACKAGES},
    }


def cpu_model() -> str:
    """As the kernel names it."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith(("model name", "Model")))
    return next(names, platform.machine())
