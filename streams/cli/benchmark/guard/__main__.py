"""`python -m streams.cli.benchmark.guard [--write]`: exit 0 within the budget, 1 with every excess on a line."""

import argparse
import sys
from collections.abc import Mapping
from dataclasses import astuple

from rich.table import Column, Table

from streams.cli.benchmark.guard.budget import KINDS, Budget, excesses, load, write
from streams.cli.benchmark.guard.chain import Chain, measure, total
from streams.cli.benchmark.guard.work import Work
from streams.cli.paper import print_table


def main() -> int:
    """Count, show, compare."""
    parser = argparse.ArgumentParser(prog="python -m streams.cli.benchmark.guard", description=__doc__)
    parser.add_argument("--write", action="store_true", help="take what is counted now as the budget")
    works = measure(Chain().stages())
    if parser.parse_args().write:
        write(works)
    budget = load()
    print_table(_table(works, budget))
    over = list(excesses(works, budget))
    sys.stderr.writelines(f"over budget: {line}\n" for line in over)
    if over:
        sys.stderr.write("if it is worth it: python -m streams.cli.benchmark.guard --write, and say why\n")
    return 1 if over else 0


def _table(works: Mapping[str, Work], budget: Budget) -> Table:
    heading = ("per event (budget)", *(kind.replace("_", " ") for kind in KINDS))
    table = Table(Column(heading[0]), *(Column(name, justify="right") for name in heading[1:]), box=None)
    for stage, work in works.items():
        allowed = budget["per_event"].get(stage, {})
        table.add_row(stage, *(f"{getattr(work, k):g} ({allowed.get(k, 0.0):g})" for k in KINDS))
    table.add_row("all", *(f"{value:g}" for value in astuple(total(list(works.values())))))
    return table


if __name__ == "__main__":
    sys.exit(main())
