"""The command. Stops and starts the broker of a local stack: use one without data you want."""

import json
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from schemas.errors import QuaystreamError
from streams.cli.benchmark.behind_mqtt.play import Score, Trial

Events = Annotated[int, typer.Option(min=1_000, help="Messages that Mosquitto holds when the drain begins.")]
Rate = Annotated[float, typer.Option(min=10, help="Messages a second of the stream that the kills fall into.")]
Seconds = Annotated[float, typer.Option(min=6, help="How long it goes on; Kafka is away in its middle third.")]
Kills = Annotated[int, typer.Option(min=0, help="kill -9 of the contestant while Kafka is away.")]
Only = Annotated[str | None, typer.Option(metavar="WORD", help="Only the contestant whose name has this word.")]
Home = Annotated[
    Path | None, typer.Option("--stack", metavar="HOME", help="The stack, where it is not QUAYSTREAM_HOME.")
]
AsJson = Annotated[bool, typer.Option("--json", help="A line of JSON for each.")]
_HEAD = (
    f"{'':<24}{'events/s':>10}{'us/event':>10}{'RSS MB':>8}{'sent':>9}{'lost':>7}{'copies':>8}{'unknown':>9}{'load':>6}"
)


def main(  # noqa: PLR0913, PLR0917  (one per option)
    events: Events = 50_000,
    rate: Rate = 1_000.0,
    seconds: Seconds = 24.0,
    kills: Kills = 3,
    only: Only = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """The gateway and Telegraf (disk buffer), each on one core behind a Mosquitto, QoS 1, into Kafka with acks=all.

    First they drain what the broker holds. Then they are killed (SIGKILL) while Kafka is away, and what Kafka has of the
    stream in the end is counted: payloads that are lost, copies, and copies that nobody downstream can tell from another
    event (unknown).
    """
    from deploy.local.stack import Stack
    from streams.cli.access import kafka_access
    from streams.cli.benchmark.behind_mqtt.contestants import RIVALS
    from streams.cli.benchmark.behind_mqtt.play import play
    from streams.settings import load_settings

    settings = load_settings()
    stack, trial = Stack(home or settings.home), Trial(events, rate, seconds, kills)
    print(f"load before: {os.getloadavg()[0]:.1f}\n{_HEAD}", file=sys.stderr)
    for rival in (rival for rival in RIVALS if only is None or only in rival.name):
        if why := rival.absence():
            print(f"{rival.name}: {why}", file=sys.stderr)
            continue
        score = play(rival, kafka_access(settings), stack, trial)
        print(json.dumps(score.as_json()) if as_json else _line(score), flush=True)


def _line(score: Score) -> str:
    speed = f"{score.events_per_s:>10,.0f}{score.cpu_us_per_event:>10.1f}{score.rss_mb:>8.0f}"
    return (
        f"{score.name:<24}{speed}{score.sent:>9,}{score.lost:>7,}{score.copies:>8,}{score.unknown:>9,}{score.load:>6}"
    )


if __name__ == "__main__":
    try:
        typer.run(main)
    except QuaystreamError as error:
        print(f"quaystream: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
