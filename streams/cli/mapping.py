"""`mapping try`: what a mapping makes of a sample, before anything is connected."""

import json
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from schemas.errors import CheckFailedError
from streams.cli.paper import print_table

if TYPE_CHECKING:
    from collections.abc import Iterable

    from connectors.messages.said import Said

_ROWS_SHOWN = 20

File = Annotated[Path, typer.Argument(help="The mapping: a TOML or YAML file.", exists=True, dir_okay=False)]
Sample = Annotated[Path, typer.Argument(help="Outside records to try it on.", exists=True, dir_okay=False)]
Json = Annotated[bool, typer.Option("--json", help="Only JSON: the events, and what was refused.")]


def register(app: typer.Typer) -> None:
    group = typer.Typer(help="Mappings: outside fields to event fields, as data.", no_args_is_help=True)
    group.command("try")(try_mapping)
    app.add_typer(group, name="mapping")


def try_mapping(mapping: File, sample: Sample, as_json: Json = False) -> None:
    """Print the events that a mapping makes of a sample; connects to nothing.

    The mapping is checked first: every field it names is one of the event type's, every required one has a source,
    every unit converts. Each record that becomes no event is a line on standard error: where, and why.
    """
    from connectors.mapping.decoder import decode
    from connectors.mapping.model import Mapping
    from connectors.messages.partner import load
    from connectors.messages.records import content_of

    loaded = load(Mapping, mapping)
    events, refused = _parted(decode(content_of(sample), Counter(), loaded))
    if as_json:
        print(json.dumps({"events": events, "refused": refused}, ensure_ascii=False, indent=2))
    else:
        _show(events, loaded.type, sample)
    for one in refused:
        print(f"{sample}: {one['place']}: {one['reason']}", file=sys.stderr)
    if refused:
        raise CheckFailedError(f"{len(refused)} of {len(refused) + len(events)} records of {sample} become no event")


def _parted(said: "Iterable[Said]") -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
    from connectors.edge.errors import InvalidEventError
    from connectors.edge.event import offered
    from connectors.messages.said import Untold

    events, refused = [], []
    for part in said:
        if isinstance(part, Untold):
            refused.append({"place": part.place, "reason": part.why})
            continue
        try:
            # As a gateway checks it; the source's own name is given by the gateway's file.
            offered(part.event, "/mapping/try")
            events.append(part.event)
        except InvalidEventError as error:
            refused.append({"place": part.place, "reason": str(error)})
    return events, refused


def _show(events: list[dict[str, Any]], kind: str, sample: Path) -> None:
    table = Table("subject", "time", "data", title=f"{len(events)} events of type {kind}", title_justify="left")
    for event in events[:_ROWS_SHOWN]:
        data = ", ".join(f"{name} {_word(value)}" for name, value in event["data"].items())
        table.add_row(event["subject"], event["time"], data)
    if events:
        print_table(table)
    else:
        print(f"No event comes of {sample}.")
    if len(events) > _ROWS_SHOWN:
        print(f"… and {len(events) - _ROWS_SHOWN} more.")
    for event in events:
        print(json.dumps(event, ensure_ascii=False))


def _word(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
