"""Rows of raw tables to the events that they were: what a writer of messages takes."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from connectors.kafka.outgoing import time_text
from schemas.tables import RawTable


def event_of(row: Mapping[str, Any], table: RawTable) -> dict[str, Any]:
    """The event of a row, without the personal fields that an export does not read; what was in `extra` is data again."""
    fields = {name: _plain(row.get(name)) for name in table.model.model_fields}
    extra = row.get("extra")
    data = {name: value for name, value in fields.items() if value is not None}
    return {
        "id": row["event_id"],
        "source": row["source"],
        "type": table.model.TYPE,
        "subject": row[table.asset],
        "time": time_text(row["time"]),
        "data": {**(json.loads(extra) if extra else {}), **data},
    }


def _plain(value: Any) -> Any:
    return time_text(value) if isinstance(value, datetime) else value
