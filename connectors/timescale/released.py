"""What the released version needs of the database: `python -m connectors.timescale.released REVISION` writes `released.json`.

Run it with the released version's code (at its tag, or with PYTHONPATH). Contracts may take away nothing that is in it
(docs/adr/0024).
"""

import json
import sys

from connectors.timescale.contraction import RELEASED
from connectors.timescale.schema_check import expected_columns


def text(revision: str) -> str:
    """The tables, each with the columns that the code that runs this reads or writes."""
    tables: dict[str, list[str]] = {}
    for table, column in expected_columns():
        tables.setdefault(table, []).append(column)
    return json.dumps(
        {"revision": revision, "tables": {name: sorted(tables[name]) for name in sorted(tables)}}, indent=1
    )


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("quaystream: name the revision that is released: python -m connectors.timescale.released v0.1.0")
    RELEASED.write_text(text(sys.argv[1]) + "\n", encoding="utf-8")
