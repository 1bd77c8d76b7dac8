"""`kpi`: what the port did, what a number rests on, and how it compares with before."""

import asyncio
import enum
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from schemas.errors import ConfigurationError
from streams.cli.paper import print_table

if TYPE_CHECKING:
    from connectors.timescale.kpis import Period
    from schemas.kpi import Definition


class By(enum.StrEnum):
    """How long a period is."""

    HOUR = "hour"
    SHIFT = "shift"
    DAY = "day"
    PERIOD = "period"


Kpi = Annotated[str, typer.Argument(help="An id of `kpi list`, for example gross_crane_rate.")]
Site = Annotated[str, typer.Option(help="For example VNHPH-TANVU.")]
Since = Annotated[str, typer.Option("--from", metavar="TIME", help="Like 2026-01-31T06:00:00+07:00; UTC by default.")]
Until = Annotated[str, typer.Option("--to", metavar="TIME", help="The end, not included.")]
Each = Annotated[By, typer.Option("--by", help="How long a period is; `period` is all of it as one.")]
Asset = Annotated[str | None, typer.Option(help="Only this crane or gate.")]
KnownAt = Annotated[str | None, typer.Option(metavar="TIME", help="As facts were known at this time; now by default.")]
Note = Annotated[str, typer.Option(help="Why this period is the one to compare with.")]
AnySite = Annotated[str | None, typer.Option("--site", help="Only this site.")]
Json = Annotated[bool, typer.Option("--json", help="Answer as JSON.")]


def register(app: typer.Typer) -> None:
    group = typer.Typer(help="What the port did, in numbers with a definition.", no_args_is_help=True)
    baseline = typer.Typer(help="What to compare with.", no_args_is_help=True)
    group.command("list")(list_kpis)
    for command in (show, explain, unmatched, effect, attribution):
        group.command()(command)
    baseline.command("set")(set_baseline)
    baseline.command("show")(show_baselines)
    group.add_typer(baseline, name="baseline")
    app.add_typer(group, name="kpi")


def list_kpis(as_json: Json = False) -> None:
    """List every KPI with its version, unit and source."""
    from schemas.kpi import current_definitions

    found = current_definitions().values()
    if as_json:
        print(json.dumps([one.model_dump(mode="json", by_alias=True, exclude={"example"}) for one in found], indent=2))
        return
    rows = ((one.kpi_id, str(one.version), one.domain, one.unit, one.title, one.source) for one in found)
    _print(("id", "version", "domain", "unit", "title", "source"), rows)


def show(  # noqa: PLR0913, PLR0917 -- the options of a command
    kpi: Kpi,
    site: Site,
    since: Since,
    until: Until,
    by: Each = By.SHIFT,
    asset: Asset = None,
    known_at: KnownAt = None,
    as_json: Json = False,
) -> None:
    """Show a KPI per period, of the site and of each asset, with what it rests on and how complete that is."""
    definition, period = _definition(kpi), _period(site, since, until)
    rows = asyncio.run(_numbers(definition, period, by.value, _time("--known-at", known_at) if known_at else None))
    rows = [row for row in rows if asset is None or row["asset"] == asset]
    if as_json:
        _print_json(rows)
        return
    heading = ("from", "shift", "asset", "lane", "part", definition.unit, "n", "complete", "")
    _print(heading, map(_number_cells, rows))
    print(f"{definition.title}, version {definition.version}: {definition.formula}. Source: {definition.source}.")


def explain(kpi: Kpi, site: Site, since: Since, until: Until, asset: Asset = None, as_json: Json = False) -> None:
    """List the facts and events behind a number: ids, times, and what did not count and why."""
    from connectors.timescale.evidence import read_evidence

    definition, period = _definition(kpi), _period(site, since, until)

    async def read() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        async with _reader() as connection:
            from connectors.timescale.kpis import read_numbers

            numbers = await read_numbers(connection, definition, period, "period")
            return numbers, await read_evidence(connection, definition, period, asset)

    numbers, evidence = asyncio.run(read())
    numbers = [row for row in numbers if row["asset"] == asset]
    evidence = [{**row, "said": json.loads(row["said"])} for row in evidence]
    if as_json:
        _print_json({"kpi": definition.name, "formula": definition.formula, "numbers": numbers, "evidence": evidence})
        return
    _print(("at", "kind", "id", "said", "did not count because"), map(_evidence_cells, evidence))
    print(f"{definition.title}: {definition.formula}. Left out: {'; '.join(definition.exclusions) or 'nothing'}.")
    for row in numbers:
        part = f" of {row['part']}" if row["part"] else ""
        ratio = f"{_figure(row['numerator'])} ÷ {_figure(row['denominator'])}"
        print(f"{definition.kpi_id}{part} = {ratio} = {_figure(row['value'])} {definition.unit}")


def unmatched(
    site: Site, since: Since, until: Until, by: Each = By.SHIFT, asset: Asset = None, as_json: Json = False
) -> None:
    """List lifts that no job confirmed, and confirmed jobs that no lift matches, per crane and period."""
    from connectors.timescale.unmatched import read_unmatched

    period = _period(site, since, until)

    async def read() -> list[dict[str, Any]]:
        async with _reader() as connection:
            return await read_unmatched(connection, period, by.value, asset)

    rows = asyncio.run(read())
    if as_json:
        _print_json(rows)
        return
    _print(("from", "shift", "crane", "found no partner", "id"), (cells for row in rows for cells in _lone_cells(row)))
    real, confirmed = (sum(row[name] for row in rows) for name in ("real_boxes", "confirmed_boxes"))
    print(f"{real:,} boxes really moved, {confirmed:,} confirmed by jobs.")


def effect(site: Site, since: Since, until: Until, as_json: Json = False) -> None:
    """Compare a period with the site's baseline: difference and ratio with 95 % confidence intervals."""
    from connectors.timescale.kpis import read_effect

    period = _period(site, since, until)

    async def read() -> list[dict[str, Any]]:
        async with _reader() as connection:
            return await read_effect(connection, period)

    rows = asyncio.run(read())
    if as_json:
        _print_json(rows)
        return
    heading = ("kpi", "part", "unit", "before", "n", "now", "n", "change", "from", "to", "method")
    _print(heading, map(_effect_cells, rows))


def attribution(since: Since, until: Until, site: AnySite = None, as_json: Json = False) -> None:
    """Work out which moves the radio cost, now; a worker does it by itself every few minutes for the last 8 days."""
    from connectors.timescale.attribution import attribute, read_days
    from connectors.timescale.pool import open_pool
    from streams.settings import load_settings

    span = (_time("--from", since), _time("--to", until))
    if span[0] >= span[1]:
        raise ConfigurationError(f"--from {since} is not before --to {until}: swap them")

    async def make() -> list[dict[str, Any]]:
        pool = await open_pool(load_settings().worker_dsn(), 2)
        try:
            await attribute(pool, *span, site)
            async with pool.acquire() as connection:
                return await read_days(connection, *span, site)
        finally:
            await pool.close()

    rows = asyncio.run(make())
    if as_json:
        _print_json(rows)
        return
    heading = ("day", "asset", "cycles", "exposed", "attributed", "unknown", "lost min", "moves lost", "from", "to", "")
    _print(heading, map(_attribution_cells, rows))


def set_baseline(site: Site, since: Since, until: Until, note: Note = "") -> None:
    """Remember every number of a site over a period as what to compare with. Earlier baselines stay as evidence."""
    from connectors.timescale import kpis
    from connectors.timescale.connection import connection_to
    from streams.settings import load_settings

    period = _period(site, since, until)

    async def write() -> int:
        async with connection_to(load_settings().owner_dsn()) as connection:
            return await kpis.set_baseline(connection, period, note)

    print(f"{asyncio.run(write())} numbers of {site} are the baseline now.")


def show_baselines(site: AnySite = None, as_json: Json = False) -> None:
    """Show the baselines, the newest first."""
    from connectors.timescale.kpis import read_baselines

    async def read() -> list[dict[str, Any]]:
        async with _reader() as connection:
            return await read_baselines(connection, site)

    rows = asyncio.run(read())
    if as_json:
        _print_json(rows)
        return
    heading = ("site", "kpi", "part", "value", "n", "from", "to", "set", "note")
    _print(heading, map(_baseline_cells, rows))


async def _numbers(
    definition: "Definition", period: "Period", by: Any, known_at: datetime | None
) -> list[dict[str, Any]]:
    from connectors.timescale.kpis import read_numbers

    async with _reader() as connection:
        return await read_numbers(connection, definition, period, by, known_at)


def _reader() -> Any:
    from connectors.timescale.connection import connection_to
    from streams.settings import load_settings

    settings = load_settings()
    if not settings.reader_url:
        raise ConfigurationError("no reader's address: set QUAYSTREAM_READER_URL, or start the local stack")
    return connection_to(settings.reader_dsn())


def _definition(kpi: str) -> "Definition":
    from schemas.kpi import current_definitions

    known = current_definitions()
    if kpi not in known:
        raise ConfigurationError(f"there is no KPI {kpi}: `quaystream kpi list` names them")
    return known[kpi]


def _period(site: str, since: str, until: str) -> "Period":
    from connectors.timescale.kpis import Period

    period = Period(site, _time("--from", since), _time("--to", until))
    if period.since >= period.until:
        raise ConfigurationError(f"--from {since} is not before --to {until}: swap them")
    return period


def _time(option: str, text: str) -> datetime:
    """A time without an offset is UTC."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        message = f"{option} {text} is not a time: write for example 2026-01-31 or 2026-01-31T06:00:00+07:00"
        raise ConfigurationError(message) from error
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _number_cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    complete = "-" if row["completeness"] is None else f"{100 * row['completeness']:.1f} %"
    words = (row["shift"], row["asset"], row["lane"], row["part"])
    figures = (_figure(row["value"]), _figure(row["n"]), complete, "provisional" if row["provisional"] else "")
    return (f"{row['period_start']:%Y-%m-%d %H:%M}", *(word or "-" for word in words), *figures)


def _evidence_cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    said = " ".join(f"{name}={value}" for name, value in row["said"].items() if value is not None)
    return f"{row['at']:%Y-%m-%d %H:%M:%S}", row["kind"], row["id"], said, row["excluded"] or ""


def _lone_cells(row: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Of one crane and period, a line for each lift and job that found no partner."""
    where = (f"{row['period_start']:%Y-%m-%d %H:%M}", row["shift"] or "-", row["crane_id"])
    cycles = [(*where, "lift", cycle) for cycle in row["cycles_without_job"]]
    return cycles + [(*where, "job", job) for job in row["jobs_without_cycle"]]


def _attribution_cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    counts = (f"{row[name]:,}" for name in ("cycles", "exposed", "attributed", "unknown"))
    moves = (_figure(row[name]) for name in ("moves_lost", "moves_low", "moves_high"))
    day = row["day_id"].rpartition("/")[2]
    return (day, row["asset_id"], *counts, _figure(row["lost_s"] / 60), *moves, "" if row["is_over"] else "provisional")


def _effect_cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    before = (_figure(row["baseline"]), _figure(row["baseline_n"]), _figure(row["value"]), _figure(row["n"]))
    changes = (_change(row[name]) for name in ("ratio", "ratio_low", "ratio_high"))
    return (row["kpi_id"], row["part"] or "-", row["unit"], *before, *changes, row["method"] or "-")


def _baseline_cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    times = (f"{row[name]:%Y-%m-%d %H:%M}" for name in ("period_from", "period_to", "set_at"))
    figures = (_figure(row["value"]), _figure(row["n"]))
    return (row["site"], row["kpi_id"], row["part"] or "-", *figures, *times, row["note"])


def _change(ratio: float | None) -> str:
    return "-" if ratio is None else f"{100 * (ratio - 1):+.1f} %"


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"


def _print(heading: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
    table = Table(*heading, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*row)
    if table.row_count:
        print_table(table)
    else:
        print("Nothing.")


def _print_json(value: Any) -> None:
    print(json.dumps(value, indent=2, default=lambda at: at.isoformat()))
