"""The topics at the brokers: `topics apply` makes what is declared in schemas/topics, `topics show` compares."""

import asyncio
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from schemas.errors import CheckFailedError, ConfigurationError

if TYPE_CHECKING:
    from connectors.kafka.topics import Cluster, Difference, Plan, TopicAdmin
    from schemas.topics import Topic
    from streams.settings import Settings

WIDE = 160
Alter = Annotated[bool, typer.Option("--alter", help="Change existing topics to what is declared.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")]
Partitions = Annotated[
    list[str] | None, typer.Option(metavar="TOPIC=N", help="This many partitions instead of the declared ones.")
]
Json = Annotated[bool, typer.Option("--json", help="Answer as JSON.")]


def register(app: typer.Typer) -> None:
    group = typer.Typer(help="The topics: make what is declared, compare what is there.", no_args_is_help=True)
    for command in (apply, show):
        group.command()(command)
    app.add_typer(group, name="topics")


def apply(alter: Alter = False, dry_run: DryRun = False, partitions: Partitions = None) -> None:
    """Create the topics that are missing; say what differs, and change it only with --alter."""
    left = asyncio.run(_apply(_declared(partitions or []), alter=alter, dry_run=dry_run))
    if left:
        topics = len({difference.topic for difference in left})
        hint = "" if alter else ": look at them, then add --alter"
        raise CheckFailedError(f"{topics} topics are not as declared{hint}")


def show(as_json: Json = False) -> None:
    """Every declared topic, and whether the brokers have it so."""
    declared = _declared([])
    cluster, plan = asyncio.run(_compare(declared))
    if as_json:
        print(json.dumps([_as_json(topic, cluster, plan) for topic in declared], indent=2))
        return
    table = Table("topic", "partitions", "copies", "retention", "state", box=None, pad_edge=False)
    for topic in declared:
        found = cluster.topics.get(topic.name)
        counts = (str(found.partitions), str(found.replication)) if found else ("-", "-")
        table.add_row(topic.name, *counts, f"{topic.retention.days} d", _state(topic.name, plan))
    _console().print(table)


def _declared(overrides: Sequence[str]) -> list["Topic"]:
    from schemas.topics import BACKFILL_OF, load_topics

    topics = dict(load_topics())
    for override in overrides:
        name, _, number = override.partition("=")
        if name not in topics or not number.isdecimal() or int(number) < 1:
            raise ConfigurationError(f"--partitions {override}: write TOPIC=N with a topic of {', '.join(topics)}")
        for each in (name, BACKFILL_OF.get(name)):  # as many of both, or two workers would read one asset
            if each is not None:
                topics[each] = topics[each].model_copy(update={"partitions": int(number)})
    return list(topics.values())


async def _compare(declared: Sequence["Topic"]) -> tuple["Cluster", "Plan"]:
    from connectors.kafka.topics import compare, topic_admin
    from streams.cli.access import kafka_access
    from streams.settings import load_settings

    async with topic_admin(kafka_access(load_settings())) as admin:
        cluster = await admin.read([topic.name for topic in declared])
    return cluster, compare(declared, cluster)


async def _apply(declared: Sequence["Topic"], *, alter: bool, dry_run: bool) -> list["Difference"]:
    """Returns the differences that are left."""
    from connectors.kafka.topics import compare, topic_admin
    from streams.cli.access import kafka_access
    from streams.settings import load_settings

    settings = load_settings()
    async with topic_admin(kafka_access(settings)) as admin:
        cluster = await admin.read([topic.name for topic in declared])
        plan = compare(declared, cluster)
        _say_replication(declared, cluster)
        if plan.missing and not dry_run:
            await admin.create(plan.missing, cluster.brokers)
        _say_missing(plan.missing, cluster, "would be created" if dry_run else "created")
        if not plan.missing and not plan.differences:
            print(f"All {len(declared)} topics are as declared.")
        _say_differences(plan.differences)
        if dry_run or not alter:
            return list(plan.differences)
        return await _alter(admin, plan, cluster, settings)


async def _alter(admin: "TopicAdmin", plan: "Plan", cluster: "Cluster", settings: "Settings") -> list["Difference"]:
    from connectors.kafka.topics import Mend

    await admin.set_values(plan.differences, cluster)
    left = []
    for difference in plan.differences:
        if difference.mend is Mend.SETTING:
            print(f"{difference.topic}: {difference.setting} set to {difference.declared}")
        elif difference.mend is Mend.NONE:
            print(f"{difference.topic}: {difference.setting} cannot be changed from here: use Kafka's own tools")
            left.append(difference)
        elif behind := await _behind(difference.topic, settings):
            print(
                f"{difference.topic}: no partitions added, {sum(behind.values())} records are still to be read: "
                "stop its producers, let the worker catch up, then apply again"
            )
            left.append(difference)
        else:
            await admin.add_partitions(difference)
            print(f"{difference.topic}: {difference.declared} partitions now, restart the workers")
    return left


async def _behind(topic: str, settings: "Settings") -> Mapping[int, int]:
    """Records of a topic that are not stored yet: with more partitions, later events would overtake them."""
    from connectors.kafka.positions import read_positions
    from connectors.timescale.connection import connection_to
    from connectors.timescale.drain import undrained
    from schemas.topics import DEAD_LETTERS_SUFFIX
    from streams.cli.access import kafka_access

    if topic.endswith(DEAD_LETTERS_SUFFIX):
        return {}
    spans = await read_positions(kafka_access(settings), [topic])
    ends = {partition: span.end for (_, partition), span in spans.items()}
    async with connection_to(settings.worker_dsn()) as connection:
        return await undrained(connection, settings.group, topic, ends)


def _say_replication(declared: Iterable["Topic"], cluster: "Cluster") -> None:
    wished = max(topic.replication for topic in declared)
    if wished > cluster.brokers:
        print(
            f"Copies: {cluster.brokers} of each topic instead of the declared {wished}, as many as there are brokers."
        )


def _say_missing(missing: Iterable["Topic"], cluster: "Cluster", done: str) -> None:
    from connectors.kafka.topics import replication_of

    for topic in missing:
        copies = replication_of(topic, cluster.brokers)
        print(f"{topic.name}: {done}, {topic.partitions} partitions, copies: {copies}")


def _say_differences(differences: Iterable["Difference"]) -> None:
    for difference in differences:
        print(f"{difference.topic}: {difference.setting} is {difference.found}, declared {difference.declared}")


def _state(name: str, plan: "Plan") -> str:
    if any(topic.name == name for topic in plan.missing):
        return "missing"
    texts = [f"{d.setting} {d.found}, declared {d.declared}" for d in plan.differences if d.topic == name]
    return "; ".join(texts) or "as declared"


def _as_json(topic: "Topic", cluster: "Cluster", plan: "Plan") -> dict[str, object]:
    found = cluster.topics.get(topic.name)
    return {
        "topic": topic.name,
        "exists": found is not None,
        "partitions": found.partitions if found else None,
        "replication": found.replication if found else None,
        "config": {name: found.config.get(name) for name in topic.config} if found else None,
        "differences": [
            {"setting": d.setting, "declared": d.declared, "found": d.found}
            for d in plan.differences
            if d.topic == topic.name
        ],
    }


def _console() -> Console:
    """As wide as the terminal; where there is none, wide enough that no line is broken."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=WIDE)
