"""`onboard`: one file is one site: checked, shown beside what is there, applied, and proven."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.table import Table

from schemas.errors import CheckFailedError, ConfigurationError
from streams.cli.paper import print_table
from streams.cli.span import span_option

if TYPE_CHECKING:
    from connectors.timescale.onboarding import Change
    from streams.onboarding import Onboarding, Plan

Files = Annotated[
    list[Path] | None, typer.Argument(metavar="PORT.yaml", help="One file a site; several are checked together first.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only show the plan.")]
Check = Annotated[
    bool, typer.Option("--check", help="Change nothing: send a test message by each gateway, and see it stored.")
]
Wait = Annotated[str, typer.Option(metavar="AGE", help="How long a test message may take.")]
From = Annotated[
    Path | None, typer.Option("--from", metavar="ASSETS.csv", help="Only print a first file, from a table of assets.")
]
Prune = Annotated[bool, typer.Option("--prune", help="Also take away what a file no longer says.")]
Json = Annotated[bool, typer.Option("--json", help="Answer as JSON.")]
_SIGNS: Final = {"+": "green", "~": "yellow", "-": "red", "=": "dim", "!": "bold yellow"}


def register(app: typer.Typer) -> None:
    app.command()(onboard)


def onboard(  # noqa: PLR0913, PLR0917  (one per option)
    files: Files = None,
    draft_from: From = None,
    check: Check = False,
    wait: Wait = "60s",
    dry_run: DryRun = False,
    prune: Prune = False,
    as_json: Json = False,
) -> None:
    """Bring a site in by one file: topics, principals and rights at the brokers, reference rows, terms, baselines.

    Everything is checked first, and a wrong file changes nothing. Then the plan is shown (+ made, ~ changed, = so already,
    - no longer in the file) and applied; to apply it again changes nothing. No other site is touched.
    """
    from schemas.onboard import read_ports
    from streams.onboarding import Onboarding
    from streams.settings import load_settings

    if draft_from is not None:
        print(_draft(draft_from), end="")
        return
    if not files:
        raise ConfigurationError("name a file, one a site: quaystream onboard PORT.yaml (docs/how-to/onboard.md)")
    ports = read_ports(files)
    onboarding = Onboarding(load_settings())
    plan = onboarding.plan(ports)
    if check:
        _check(onboarding, plan, wait)
        return
    if not dry_run:
        onboarding.apply(plan, prune=prune)
    if as_json:
        print(json.dumps(_answer(plan, applied=not dry_run), indent=2))
    else:
        _say(plan, applied=not dry_run)


def _draft(table: Path) -> str:
    from schemas.onboard.draft import draft

    try:
        return draft(table.read_text(encoding="utf-8"), table.name)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"cannot read {table} ({getattr(error, 'strerror', None) or 'not text'})") from error


def _check(onboarding: "Onboarding", plan: "Plan", wait: str) -> None:
    from schemas.onboard.probe import REASON

    if not plan.is_empty:
        _say(plan, applied=False)
        raise CheckFailedError("not everything is as the files say: apply them first, then check")
    patience = span_option("--wait", wait)
    ended = asyncio.run(onboarding.try_out(plan, patience.total_seconds() if patience else 0.0))
    table = Table("gateway", "topic", "", box=None, pad_edge=False)
    meanings = {REASON: "stored", None: f"nothing seen of it within {wait}: is a worker running?"}
    for (source, topic), reason in ended.items():
        table.add_row(source, topic, meanings.get(reason, f"refused: {reason}"))
    print_table(table)
    wrong = [source for (source, _), reason in ended.items() if reason != REASON]
    if wrong:
        raise CheckFailedError(f"{len(wrong)} of {len(ended)} test messages did not arrive as they should")
    print(f"All {len(ended)} test messages were let in, judged and stored; no number counts them.")


def _answer(plan: "Plan", *, applied: bool) -> dict[str, object]:
    sites = {
        site.port.site_id: [{"sign": c.sign, "what": c.what, "name": c.name} for c in plan.changes(site)]
        for site in plan.sites
    }
    topics = [topic.name for topic in plan.missing_topics]
    return {"applied": applied, "asks_names": plan.asks_names, "topics": topics, "sites": sites}


def _say(plan: "Plan", *, applied: bool) -> None:
    from streams.onboarding import NO_AUTHORIZER

    table = Table("", "what", "name", "", box=None, pad_edge=False)
    for topic in plan.missing_topics:
        table.add_row("+", "topic", topic.name, f"{topic.partitions} partitions", style=_SIGNS["+"])
    for site in plan.sites:
        for row in _rows(plan.changes(site)):
            table.add_row(*row, style=_SIGNS[row[0]])
    print_table(table)
    if not plan.asks_names:
        print(f"Skipped: {NO_AUTHORIZER}.")
    names = ", ".join(site.port.site_id for site in plan.sites) if len(plan.sites) < 4 else f"{len(plan.sites)} sites"
    if plan.is_empty:
        print(f"Nothing to do: {names} as the files say.")
    else:
        print(f"Applied: {names}." if applied else "Nothing was changed. Without --dry-run it is applied.")


def _rows(changes: "Iterable[Change]") -> Iterator[tuple[str, str, str, str]]:
    """Each change; of what is so already only how many of each kind."""
    same: Counter[str] = Counter()
    for change in changes:
        if change.sign == "=":
            same[change.what] += 1
        else:
            yield change.sign, change.what, change.name, change.detail
    for what, count in same.items():
        yield "=", what, f"{count} so already", ""
