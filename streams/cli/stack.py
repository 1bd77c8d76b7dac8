"""The local stack: `up`, `down`, `status`, `clean`, and the effective settings: `config`."""

import enum
import json
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Column, Table

from schemas.errors import ConfigurationError

if TYPE_CHECKING:
    from deploy.local import Stack, StackStatus

MAX_PORT = 65_535
WIDE = 160
Json = Annotated[bool, typer.Option("--json", help="Answer as JSON.")]
Ports = Annotated[list[str] | None, typer.Option(metavar="PART=PORT", help="This port and no other.")]


class Engine(enum.StrEnum):
    """What runs the parts."""

    NATIVE = "native"
    DOCKER = "docker"


RunsOn = Annotated[Engine, typer.Option(help="Processes of this machine, or containers.")]
Secure = Annotated[
    bool | None,
    typer.Option(
        "--secure/--open",
        help="Kafka and TimescaleDB with TLS, passwords, certificates and least rights; or in the clear. As before if not given.",
    ),
]
With = Annotated[str, typer.Option("--with", metavar="PARTS", help="Only these parts, with commas.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
Cache = Annotated[bool, typer.Option("--cache", help="Also the downloads that all stacks share.")]


def register(app: typer.Typer) -> None:
    for command in (up, down, status, clean, config):
        app.command()(command)


def up(
    parts: With = "kafka,timescaledb,prometheus,alertmanager",
    engine: RunsOn = Engine.NATIVE,
    port: Ports = None,
    secure: Secure = None,
    as_json: Json = False,
) -> None:
    """Start the local stack and say every address; what already runs is left alone."""
    names = [name.strip() for name in parts.split(",") if name.strip()]
    if engine is Engine.DOCKER:
        if secure or as_json:
            raise ConfigurationError("--secure and --json are for --engine native: containers are told by compose.yaml")
        _compose_up(names)
        return
    stack = make_stack(dict(map(_port, port or [])), secure)
    started = stack.up(names, _silent_step if as_json else show_step)
    if as_json:
        print(json.dumps(stack.status().as_json(), indent=2))
        return
    _console().print("The stack is up." if started else "Already running.")
    _print_status(stack)


def down(engine: RunsOn = Engine.NATIVE) -> None:
    """Stop the local stack in order; its data stays."""
    if engine is Engine.DOCKER:
        from deploy.local import compose

        compose.down()
        return
    stopped = make_stack().down(show_step)
    _console().print("The stack is down; its data stays." if stopped else "Nothing was running.")


def status(as_json: Json = False) -> None:
    """Say what runs and where."""
    stack = make_stack()
    if as_json:
        print(json.dumps(stack.status().as_json(), indent=2))
    else:
        _print_status(stack)


def clean(yes: Yes = False, cache: Cache = False) -> None:
    """Remove the local stack's data; says how much first."""
    from deploy.local import removal
    from deploy.local.home import Home, downloads

    stack = make_stack()
    shared = [downloads()] if cache and downloads().exists() else []
    doomed = [*removal.contents(Home(stack.home)), *shared]
    if not doomed:
        _console().print(f"Nothing to remove in {stack.home}.")
        return
    for path in doomed:
        _console().print(f"{_megabytes(removal.size([path])):>10}  {path}", soft_wrap=True)
    _confirm(_megabytes(removal.size(doomed)), yes)
    stack.down(show_step)
    for folder in shared:
        removal.refuse_in_use(folder)
    removal.remove(doomed)
    _console().print("Removed.")


def config(as_json: Json = False) -> None:
    """Show the effective settings, secrets masked."""
    from streams.settings import load_settings, masked, variable

    shown = masked(load_settings())
    if as_json:
        print(json.dumps(shown, indent=2))
        return
    table = Table("variable", Column("value", overflow="fold"), box=None, pad_edge=False)
    for name, value in shown.items():
        table.add_row(variable(name), "-" if value is None else str(value))
    _console().print(table)


def make_stack(ports: Mapping[str, int] | None = None, secure: bool | None = None) -> "Stack":
    """The stack of QUAYSTREAM_HOME; `secure` None: as it was begun."""
    from deploy.local import Stack
    from deploy.local.security import Security
    from streams.settings import load_settings

    return Stack(load_settings().home, ports or {}, None if secure is None else Security(is_on=secure))


def _port(wish: str) -> tuple[str, int]:
    part, _, port = wish.partition("=")
    if not port.isdecimal() or not 0 < int(port) <= MAX_PORT:
        message = f"--port {wish} is not PART=PORT: write for example --port kafka=9092"
        raise ConfigurationError(message)
    return part, int(port)


def _compose_up(names: list[str]) -> None:
    from deploy.local import compose

    with show_step("Start the containers"):
        compose.up(names)


def _confirm(total: str, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        message = f"{total} would be removed and there is nobody to ask: add --yes"
        raise ConfigurationError(message)
    typer.confirm(f"Stop what runs and remove {total}?", abort=True)


def _console() -> Console:
    """As wide as the terminal; where there is none, wide enough that no address is broken."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=WIDE)


@contextmanager
def show_step(name: str) -> Iterator[None]:
    """A spinner with seconds while it works, one line when it is done."""
    started = time.monotonic()
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    console = _console()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        progress.add_task(name, total=None)
        yield
    _console().print(f"[green]✓[/green] {name} [dim]{time.monotonic() - started:.1f} s[/dim]")


def _silent_step(_: str) -> nullcontext[None]:
    """For programs: only the answer."""
    return nullcontext()


def _print_status(stack: "Stack") -> None:
    found = stack.status()
    table = Table("part", "pid", Column("address", overflow="fold"), box=None, pad_edge=False)
    for name, addresses in _addresses(found).items():
        pid = stack.pid(name)
        table.add_row(name, str(pid or "-"), addresses[0] if pid else "not running")
        for address in addresses[1:] if pid else ():
            table.add_row("", "", address)
    for address in found.worker_metrics:
        table.add_row("worker", "", address)
    _console().print(table)
    _print_security(found)
    if found.database_url:
        _console().print(
            f"Passwords are in {stack.home}/secrets; --json has URLs that work as they are.", soft_wrap=True
        )


def _print_security(found: "StackStatus") -> None:
    if not found.secured:
        return
    _console().print(f"\nSecured: nobody is let in without a name, nothing goes in the clear. Trust {found.ca_file}")
    table = Table("principal", Column("its settings", overflow="fold"), box=None, pad_edge=False)
    for name, file in found.environments.items():
        table.add_row(name, f". {file}")
    _console().print(table)
    _console().print(
        "Without one of these a command speaks as `operator`. Certificates and keys are beside the authority."
    )


def _addresses(found: "StackStatus") -> dict[str, list[str]]:
    from streams.settings import mask

    urls = (found.database_url, found.worker_url, found.reader_url)
    return {
        "kafka": [found.brokers or "", *([f"{found.brokers_mtls} (certificates)"] if found.brokers_mtls else [])],
        "timescaledb": [mask(url or "") for url in urls],
        "prometheus": [found.prometheus or ""],
        "alertmanager": [found.alertmanager or ""],
    }


def _megabytes(count: int) -> str:
    return f"{count / 1e6:,.1f} MB"
