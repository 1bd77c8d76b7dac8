"""`share`: contracts between agencies: what they say, what the database and the brokers have, and the forwarder."""

import asyncio
import json
import signal
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from schemas.errors import CheckFailedError, ConfigurationError
from streams.cli.paper import print_table

if TYPE_CHECKING:
    from connectors.sharing.apply import Plan
    from schemas.share import Contract
    from schemas.topics import Topic
    from streams.settings import Settings

Json = Annotated[bool, typer.Option("--json", help="Answer as JSON.")]
Name = Annotated[str, typer.Argument(metavar="CONTRACT", help="<agency>-<purpose>, for example customs-supervision.")]
Only = Annotated[
    list[str] | None, typer.Option("--contract", metavar="CONTRACT", help="Only this one; may be repeated.")
]
CaughtUp = Annotated[bool, typer.Option("--until-caught-up", help="End when everything that was there has been read.")]
Prune = Annotated[bool, typer.Option("--prune", help="Also delete the topics of contracts that are no more.")]
Limit = Annotated[int, typer.Option(min=1, max=10_000, help="At most so many rows, the newest.")]
Destination = Annotated[str, typer.Option(metavar="CC", help="The country, as in ISO 3166, for example SG.")]
Thing = Annotated[str, typer.Option("--object", metavar="NAME", help="A contract, or a table for `export`.")]
Classes = Annotated[str, typer.Option(help="Separated by commas: important,personal.")]
Dossier = Annotated[str, typer.Option(help="Where the impact dossier is filed.")]
By = Annotated[str, typer.Option("--approved-by", help="Who approved it.")]
Until = Annotated[str, typer.Option("--until", metavar="DAY", help="The first day on which it holds no more.")]
Role = Annotated[str, typer.Argument(metavar="ROLE", help="share_<agency>, or quaystream_api.")]
PasswordFile = Annotated[Path, typer.Option("--password-file", metavar="FILE", help="Holds its password.")]
TransferId = Annotated[str, typer.Argument(metavar="ID", help="What the transfer is called.")]


def register(app: typer.Typer) -> None:
    group = typer.Typer(help="Sharing with agencies, by contract.", no_args_is_help=True)
    for command in (plan, apply, check, run, revoke, login, audit):
        group.command()(command)
    group.command("list")(list_contracts)
    transfer = typer.Typer(help="Approved transfers abroad.", no_args_is_help=True)
    transfer.command("approve")(approve_transfer)
    transfer.command("revoke")(revoke_transfer)
    group.add_typer(transfer, name="transfer")
    app.add_typer(group, name="share")


def list_contracts(as_json: Json = False) -> None:
    """List the contracts: who, what for, which data of which sites, until when."""
    contracts = _contracts()
    if as_json:
        print(json.dumps([contract.model_dump(mode="json") for contract in contracts], indent=2))
        return
    now = datetime.now(UTC)
    table = Table("contract", "data", "sites", "delay", "valid until", "", box=None, pad_edge=False)
    for contract in contracts:
        data = ", ".join(f"{dataset.word} ({len(dataset.fields)})" for dataset in contract.datasets)
        state = "" if contract.is_valid(now) else "not valid now"
        until = f"{contract.valid_until:%Y-%m-%d}"
        table.add_row(contract.name, data, ", ".join(contract.sites), str(contract.delay), until, state)
    print_table(table)


def plan() -> None:
    """Show what `share apply` would do in the database and at the brokers, and change nothing."""
    contracts = _contracts()
    found, topics = asyncio.run(_planned(contracts))
    for line in (*found.lines(), *(f"topic to make: {topic.name}" for topic in topics)):
        print(line)
    if found.is_empty and not topics:
        print("Everything is as the contracts say.")
    from connectors.sharing.topics import acl_of

    print("Where the brokers have access rules, an agency is let in with:")
    for rule in dict.fromkeys(map(acl_of, contracts)):
        print(f"  {rule}")


def apply(prune: Prune = False) -> None:
    """Make roles, views and topics of the contracts; take away what no contract says any more.

    Safe to repeat. A contract that sends important or personal data abroad is left out unless a transfer was approved.
    """
    contracts = _contracts()
    refused = asyncio.run(_apply(contracts, prune=prune))
    if refused:
        raise CheckFailedError(f"refused by the egress guard, and not applied: {', '.join(refused)}")


def check() -> None:
    """Check that database and brokers have exactly what the contracts say."""
    contracts = _contracts()
    found, topics = asyncio.run(_planned(contracts))
    lines = [*found.lines(), *(f"topic to make: {topic.name}" for topic in topics)]
    for line in lines:
        print(line)
    if lines:
        raise CheckFailedError(f"{len(lines)} things are not as the contracts say: run `quaystream share apply`")
    print(f"All {len(contracts)} contracts are in force as they are written.")


def run(only: Only = None, until_caught_up: CaughtUp = False, as_json: Json = False) -> None:
    """Forward events to the agencies' topics, masked as their contracts say, until stopped.

    At least once: what is sent again has the same id. A contract that is expired, revoked or not applied gets nothing.
    """
    from streams.running import set_up_logs
    from streams.settings import load_settings

    settings = load_settings()
    set_up_logs(settings.log_format)
    given = asyncio.run(_run(settings, _chosen(only), until_caught_up, as_json=as_json))
    if as_json:
        print(json.dumps(given))
        return
    for name, records in given.items():
        print(f"{name}: {records:,} records")


def revoke(contract: Name) -> None:
    """Close a contract at once: its views and its forwarding answer nothing from now on."""
    from connectors.sharing.apply import revoke as close
    from connectors.sharing.audit import Attempt, note
    from connectors.timescale.connection import connection_to
    from schemas.egress import Verdict
    from streams.settings import load_settings

    async def work() -> bool:
        async with connection_to(load_settings().owner_dsn()) as connection:
            done = await close(connection, contract)
            if done:
                agency = contract.partition("-")[0]
                attempt = Attempt("share", contract, agency, contract)
                await note(connection, attempt, Verdict(allowed=False, reason="the contract was revoked"))
            return done

    if not asyncio.run(work()):
        raise ConfigurationError(
            f"no contract {contract} is in force: `quaystream share list` names those that are written"
        )
    print(f"{contract} is revoked. Its file stands: `share apply` leaves it revoked until its text changes.")


def login(role: Role, password_file: PasswordFile) -> None:
    """Let a role of sharing log in, with the password of a file: an agency's, or the read API's."""
    from connectors.sharing.login import let_in
    from streams.settings import load_settings

    let_in(load_settings().owner_dsn(), role, password_file)
    print(f"{role} may log in.")


def audit(limit: Limit = 50, as_json: Json = False) -> None:
    """Show who was given what, and who was refused, the newest first."""
    from connectors.timescale.connection import connection_to
    from streams.settings import load_settings

    async def work() -> list[dict[str, Any]]:
        query = "SELECT * FROM share.audit ORDER BY audit_id DESC LIMIT $1"
        async with connection_to(load_settings().owner_dsn()) as connection:
            return [dict(row) for row in await connection.fetch(query, limit)]

    rows = asyncio.run(work())
    if as_json:
        print(json.dumps(rows, default=str, indent=2))
        return
    names = ("at", "who", "action", "outcome", "agency", "object", "destination", "rows", "reason")
    table = Table(*names, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*(("" if row[name] is None else str(row[name])) for name in names))
    print_table(table)


def approve_transfer(  # noqa: PLR0913, PLR0917  (one per option)
    transfer_id: TransferId,
    destination: Destination,
    thing: Thing,
    classes: Classes,
    dossier: Dossier,
    by: By,
    until: Until,
) -> None:
    """Record that a transfer abroad was approved, with its dossier; the egress guard lets exactly that pass."""
    from schemas.classification import CLASSES

    named = frozenset(classes.split(","))
    if not named.issubset(CLASSES):
        raise ConfigurationError(f"--classes {classes}: write some of {', '.join(CLASSES)}, separated by commas")
    if len(destination) != 2 or not destination.isascii() or not destination.isupper():
        raise ConfigurationError(f"--destination {destination}: write two capitals as in ISO 3166, for example SG")
    try:
        ends = datetime.fromisoformat(until).replace(tzinfo=UTC)
    except ValueError as error:
        raise ConfigurationError(f"--until {until}: write a day such as 2027-01-31") from error
    statement = (
        "INSERT INTO share.transfer (transfer_id, destination, object, classes, dossier, approved_by, valid_from, valid_until)"
        " VALUES ($1, $2, $3, $4, $5, $6, now(), $7) ON CONFLICT DO NOTHING"
    )
    done = _transfer(
        transfer_id, destination, statement, (destination, thing, sorted(named), dossier, by, ends), "approved"
    )
    if not done:
        raise ConfigurationError(f"a transfer {transfer_id} is recorded already: give this one another name")
    print(f"{transfer_id}: {thing} may go to {destination} until {until}.")


def revoke_transfer(transfer_id: TransferId) -> None:
    """Withdraw an approved transfer; from now on the egress guard refuses it."""
    statement = "UPDATE share.transfer SET revoked_at = now() WHERE transfer_id = $1 AND revoked_at IS NULL"
    if not _transfer(transfer_id, None, statement, (), "revoked"):
        raise ConfigurationError(f"no transfer {transfer_id} is in force")
    print(f"{transfer_id} is revoked.")


def _transfer(name: str, destination: str | None, statement: str, values: tuple[object, ...], what: str) -> bool:
    from connectors.sharing.audit import Attempt, note
    from connectors.timescale.connection import connection_to
    from schemas.egress import Verdict
    from streams.settings import load_settings

    async def work() -> bool:
        async with connection_to(load_settings().owner_dsn()) as connection, connection.transaction():
            done = bool(not (await connection.execute(statement, name, *values)).endswith(" 0"))
            if done:
                verdict = Verdict(allowed=what == "approved", reason=f"transfer {what}")
                await note(connection, Attempt("transfer", name, destination=destination), verdict)
            return done

    return asyncio.run(work())


def _contracts() -> "tuple[Contract, ...]":
    from schemas.share import FOLDER, load_contracts
    from streams.settings import load_settings

    return load_contracts(load_settings().contracts or FOLDER)


def _chosen(only: Sequence[str] | None) -> "tuple[Contract, ...]":
    contracts = _contracts()
    unknown = sorted(set(only or ()) - {contract.name for contract in contracts})
    if unknown:
        known = ", ".join(contract.name for contract in contracts)
        raise ConfigurationError(f"--contract {unknown[0]}: there is none of that name, only {known}")
    return tuple(contract for contract in contracts if not only or contract.name in only)


async def _planned(contracts: "Sequence[Contract]") -> "tuple[Plan, tuple[Topic, ...]]":
    from connectors.kafka.topics import compare, topic_admin
    from connectors.sharing.apply import plan_of
    from connectors.sharing.topics import topics_of
    from connectors.timescale.connection import connection_to
    from streams.cli.access import kafka_access
    from streams.settings import load_settings

    settings = load_settings()
    async with connection_to(settings.owner_dsn()) as connection:
        found = await plan_of(connection, contracts)
    topics = topics_of(contracts)
    async with topic_admin(kafka_access(settings)) as admin:
        cluster = await admin.read([topic.name for topic in topics])
    return found, compare(topics, cluster).missing


async def _apply(contracts: "Sequence[Contract]", *, prune: bool) -> list[str]:
    """Do it and say it; the names of contracts that the egress guard refused."""
    from connectors.sharing.apply import apply as write
    from connectors.timescale.connection import connection_to
    from streams.settings import load_settings

    settings = load_settings()
    async with connection_to(settings.owner_dsn()) as connection:
        allowed, refused = await _let_pass(connection, contracts)
        done = await write(connection, allowed)
    for line in done.lines():
        print(_as_done(line))
    made, deleted = await _apply_topics(allowed, settings, prune=prune)
    for name in made:
        print(f"topic made: {name}")
    for name in deleted:
        print(f"topic deleted: {name}")
    if done.is_empty and not made:
        print("Nothing to do, everything is as the contracts say.")
    return refused


def _as_done(line: str) -> str:
    """A line of a plan, once it has been carried out."""
    words = {"to make": "made", "to write": "written", "to take away": "taken away", "to drop": "dropped"}
    what = next(word for word in words if f" {word}: " in line)
    return line.replace(what, words[what], 1)


async def _let_pass(connection: Any, contracts: "Sequence[Contract]") -> "tuple[list[Contract], list[str]]":
    from connectors.sharing.audit import Attempt, EgressRefusedError, guard

    allowed, refused = [], []
    for contract in contracts:
        classes = sorted({name for dataset in contract.datasets for name in dataset.classes()})
        attempt = Attempt("share", contract.name, contract.agency, contract.name, contract.country, tuple(classes))
        try:
            await guard(connection, attempt, classes, datetime.now(UTC))
            allowed.append(contract)
        except EgressRefusedError as error:
            print(error)
            refused.append(contract.name)
    return allowed, refused


async def _apply_topics(
    contracts: "Sequence[Contract]", settings: "Settings", *, prune: bool
) -> tuple[list[str], list[str]]:
    from connectors.kafka.topics import compare, topic_admin
    from connectors.sharing.topics import PREFIX, topics_of
    from streams.cli.access import kafka_access

    topics = topics_of(contracts)
    names = [topic.name for topic in topics]
    async with topic_admin(kafka_access(settings)) as admin:
        cluster = await admin.read(names)
        plan = compare(topics, cluster)
        if plan.missing:
            await admin.create(plan.missing, cluster.brokers)
        await admin.set_values(plan.differences, cluster)
        left = sorted(name for name in await admin.names(PREFIX) if name not in names)
        if left and prune:
            await admin.delete(left)
        elif left:
            print(f"topics of contracts that are no more, deleted with --prune: {', '.join(left)}")
    return [topic.name for topic in plan.missing], left if prune else []


async def _run(
    settings: "Settings", contracts: "Sequence[Contract]", until_caught_up: bool, *, as_json: bool
) -> dict[str, int]:
    from streams.app import limits_of
    from streams.cli.access import kafka_access
    from streams.sharing.running import Ground, run_all

    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    said = (lambda _: None) if as_json else (lambda line: print(line, flush=True))
    dsn = settings.worker_dsn()
    return await run_all(
        Ground(kafka_access(settings), dsn, limits_of(settings), stop, until_caught_up, said), contracts
    )
