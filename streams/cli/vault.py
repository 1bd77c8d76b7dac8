"""`vault`: keys of pseudonyms, the clear names a site needs, and their erasure."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer
from rich.table import Table

from schemas.errors import ConfigurationError
from streams.cli.paper import print_table
from streams.cli.span import span_option

if TYPE_CHECKING:
    from connectors.vault.keys import Period
    from connectors.vault.names import Name
    from schemas.pseudonyms import Keys

T = TypeVar("T")

KeysFile = Annotated[Path, typer.Option("--keys", metavar="FILE", help="The file of keys.")]
Site = Annotated[str, typer.Option(help="For example VNHPH-TANVU.")]
Sites = Annotated[list[str], typer.Option("--site", help="For example VNHPH-TANVU; may be repeated.")]
PeriodDays = Annotated[int, typer.Option(min=1, max=366, help="How long a pseudonym lasts.")]
Ahead = Annotated[int, typer.Option(min=1, max=60, help="Keys of so many periods to come.")]
Recording = Annotated[Path, typer.Argument(metavar="FILE", help="Events with clear names, one JSON object a line.")]
Pseudonym = Annotated[str, typer.Argument(help="p1.20260105.…")]
Reason = Annotated[str, typer.Option(help="Why: it is written into the audit or the proof.")]
Start = Annotated[str | None, typer.Option("--period", metavar="DAY", help="The first day of the period.")]
OlderThan = Annotated[
    str | None, typer.Option(metavar="AGE", help="Every period that ended longer ago, for example 30d.")
]
Json = Annotated[bool, typer.Option("--json", help="Answer as JSON.")]


def register(app: typer.Typer) -> None:
    group = typer.Typer(help="Keys of pseudonyms, clear names, erasure.", no_args_is_help=True)
    for command in (keys, put, show, erase, proof):
        group.command()(command)
    app.add_typer(group, name="vault")


def keys(file: KeysFile, site: Sites, period_days: PeriodDays = 28, ahead: Ahead = 3) -> None:
    """Make the keys of this period and the next ones where they are missing; run it again before they end.

    Give the file to every gateway of its sites (QUAYSTREAM_PSEUDONYM_KEYS_FILE); it is read again when it changes.
    """
    from connectors.vault.keys import make_keys

    added = make_keys(file, site, period_days, ahead, datetime.now(UTC))
    for one in added:
        print(f"key made: {one.site}, {period_days} days from {one.start}")
    if not added:
        print(f"Nothing to do: {file} has the keys of {ahead + 1} periods.")


def put(file: Recording, keys_file: KeysFile, reason: Reason) -> None:
    """Keep the clear names of a recording in the vault, sealed; only where a site needs to come back to them."""
    from connectors.vault.names import put_names
    from schemas.pseudonyms import read_keys

    found = read_keys(keys_file)
    names: dict[Period, dict[str, Name]] = {}
    for period, name in _named(file, found):
        names.setdefault(period, {})[name.pseudonym] = name

    async def work(connection: Any) -> int:
        kept = 0
        for period, some in names.items():
            key = found.sites[period.site][period.start]
            kept += await put_names(connection, period, key, some.values())
            await _note(connection, "share", f"vault.name of {period.site}", f"put: {reason}", len(some))
        return kept

    print(f"{_with_database(work)} names of {len(names)} periods are in the vault.")


def show(pseudonym: Pseudonym, site: Site, keys_file: KeysFile, reason: Reason) -> None:
    """Show the clear name behind a pseudonym; who asked, and why, is written down first."""
    from connectors.vault.keys import Period, key_of
    from connectors.vault.names import sealed_name, unseal

    key = key_of(keys_file, Period(site, _period_in(pseudonym)))

    async def work(connection: Any) -> bytes | None:
        await _note(connection, "reveal", f"{site} {pseudonym}", reason, 1)
        return await sealed_name(connection, site, pseudonym)

    sealed = _with_database(work)
    if sealed is None:
        raise ConfigurationError(f"the vault has no name for {pseudonym} of {site}")
    print(unseal(key, site, pseudonym, sealed))


def erase(site: Site, keys_file: KeysFile, reason: Reason, period: Start = None, older_than: OlderThan = None) -> None:
    """Destroy keys, and with them every way back from their pseudonyms; removes the names and writes the proof.

    Copies of the file of keys are the site's to replace: give every gateway the file as it is afterwards.
    """
    from connectors.vault.keys import Period, destroy_key
    from connectors.vault.names import erase as remove
    from schemas.pseudonyms import read_keys

    found = read_keys(keys_file)
    starts = _chosen(found, site, period, older_than)
    for start in starts:
        chosen = Period(site, start)
        key = found.sites[site][start]
        # Proof first: a kill in between leaves a key that the next run destroys, never one destroyed unseen.
        names = _with_database(partial(remove, period=chosen, key=key, reason=reason))
        destroy_key(keys_file, chosen)
        print(f"erased: {site}, period from {start}: the key, and {names} names")
    if not starts:
        print("Nothing to erase.")


def proof(as_json: Json = False) -> None:
    """Show what was erased, and check that the log was not changed."""
    from connectors.vault.names import proofs

    rows = _with_database(proofs)
    shown = [{k: v.hex() if isinstance(v, bytes) else v for k, v in row.items()} for row in rows]
    if as_json:
        print(json.dumps(shown, default=str, indent=2))
        return
    names = ("at", "who", "site", "period", "names", "reason", "key_digest")
    table = Table(*names, box=None, pad_edge=False)
    for row in shown:
        table.add_row(*(str(row[name]) for name in names))
    print_table(table)
    print(f"{len(rows)} erasures, and the log is whole.")


def _named(file: Path, found: "Keys") -> "Iterator[tuple[Period, Name]]":
    """The clear names in a recording whose period has a key."""
    from connectors.vault.keys import Period
    from connectors.vault.names import Name
    from schemas.identifiers import site_of
    from schemas.moments import microseconds_of

    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"cannot read {file} ({getattr(error, 'strerror', None) or 'not text'})") from error
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            event = json.loads(line)
            subject, moment = event["subject"], microseconds_of(event["time"])
            protected = found.protected(event["type"], subject, event["time"], event["data"])
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise ConfigurationError(f"{file}:{number}: no event with type, subject, time and data") from error
        if protected.replaced and moment is not None:
            period = Period(site_of(subject), found.period_of(moment))
            for field, value in protected.data.items():
                if value != event["data"][field]:
                    yield period, Name(value, event["data"][field])


def _chosen(found: "Keys", site: str, period: str | None, older_than: str | None) -> list[date]:
    held = found.sites.get(site, {})
    if (period is None) == (older_than is None):
        raise ConfigurationError("say which: --period DAY, or --older-than AGE")
    age = span_option("--older-than", older_than)
    if age is not None:
        length = timedelta(days=found.period_days)
        before = (datetime.now(UTC) - age).date()
        return [start for start in sorted(held) if start + length <= before]
    try:
        start = date.fromisoformat(str(period))
    except ValueError as error:
        raise ConfigurationError(f"--period {period}: write a day such as 2026-01-05") from error
    if start not in held:
        raise ConfigurationError(f"there is no key of {site} for the period from {start}")
    return [start]


def _period_in(pseudonym: str) -> date:
    from schemas.pseudonyms import PATTERN

    if PATTERN.fullmatch(pseudonym) is None:
        raise ConfigurationError(f"{pseudonym} is no pseudonym")
    return datetime.strptime(pseudonym[3:11], "%Y%m%d").replace(tzinfo=UTC).date()


async def _note(connection: Any, action: Any, thing: str, reason: str, rows: int) -> None:
    from connectors.sharing.audit import Attempt, note
    from schemas.egress import HOME, Verdict

    attempt = Attempt(action, thing, destination=HOME, classes=("personal",), rows=rows)
    await note(connection, attempt, Verdict(allowed=True, reason=reason))


def _with_database(work: Callable[[Any], Awaitable[T]]) -> T:
    from connectors.timescale.connection import connection_to
    from streams.settings import load_settings

    async def run() -> T:
        async with connection_to(load_settings().owner_dsn()) as connection:
            return await work(connection)

    return asyncio.run(run())
