"""The page, docs/scaling.md: the curves, what they were measured on, and how to measure them again."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from string import Template
from typing import Any

from streams.cli.benchmark.scaling import figures
from streams.cli.benchmark.scaling.course import CREW_BATCH_ROWS, PARTITIONS
from streams.cli.benchmark.scaling.ground import DAYS
from streams.cli.benchmark.scaling.memory import SETTLED_SHARE
from streams.cli.benchmark.scaling.picture import draw
from streams.cli.benchmark.scaling.pull import FROM_SHARE, TO_SHARE
from streams.cli.benchmark.tables import Grid, markdown
from streams.cli.benchmark.workload import CRANES

PICTURE = "curves.svg"
_TEXT = Template((Path(__file__).parent / "page.md").read_text(encoding="utf-8"))
_TITLES = {
    "assets": "More assets",
    "partitions": "More partitions",
    "rows": "More stored rows",
    "chunks": "While chunks are dropped",
    "workers": "More workers",
}
FLAT = 1.25
"""Growth up to here is called flat: runs of one and the same point differ by as much on a machine shared with others."""
NOISE = 0.1
_HELD = (
    "**Not to be believed as a saving**: what workers fetch and decode while the fences are held is not counted, and"
    " several of them hold more of it, so these figures are too low and their rates too high."
    " How much more workers really cost needs a longer run (`--events`)."
)
_ASSETS = (
    "With more assets fewer of a batch's samples share a minute: at 10 assets a batch of thousands updates a dozen"
    " minute rows, at 10,000 nearly every event inserts or updates a minute row of its own, as one sample of"
    " each is all that a batch holds. That is a second row written for an event, and it is paid for."
)

_MEMORY = (
    f"The database lets a batch or two through each second, and what is stored is sent again. MB/h is the slope of the"
    f" line of least squares through a reading a second, without the first {SETTLED_SHARE:.0%} of the time."
)


def write(result: Mapping[str, Any], file: Path) -> None:
    """Write the page, and its picture into a folder beside it that has the page's name."""
    draw(result, file.with_suffix("") / PICTURE)
    file.write_text(render(result, f"{file.stem}/{PICTURE}"), encoding="utf-8")


def render(result: Mapping[str, Any], picture: str) -> str:
    """The page's Markdown; `picture` is the link to the picture."""
    machine = [(name.replace("_", " "), str(value)) for name, value in result["machine"].items()]
    return _TEXT.substitute(
        picture=picture,
        curves="\n".join(_sections(result)),
        events=f"{result['extent']['events']:,}",
        rounds=result["extent"]["rounds"],
        from_share=f"{FROM_SHARE * 100:.0f}",
        to_share=f"{TO_SHARE * 100:.0f}",
        flat=f"{FLAT:g}",
        rows=",".join(map(str, result["extent"]["rows"])) or "0",
        cranes=CRANES,
        partitions=PARTITIONS,
        days=DAYS,
        crew_rows=f"{CREW_BATCH_ROWS:,}",
        machine=markdown(Grid(("what", "value"), machine)),
    )


def _sections(result: Mapping[str, Any]) -> Iterator[str]:
    for name, curve in result["curves"].items():
        yield f"## {_TITLES[name]}\n\n{markdown(figures.points(name, curve))}\n\n{_words(name, curve)}\n"
    if result["rebalance"]:
        yield (
            f"## When a worker joins or leaves\n\n{markdown(figures.rebalance(result['rebalance']))}\n\n"
            "Events keep coming at that rate, and what waited is stored right afterwards.\n"
        )
    if result["memory"]:
        yield f"## Memory while behind\n\n{markdown(figures.memory(result['memory']))}\n\n{_MEMORY}\n"
    if result.get("backfill"):
        yield (
            f"## History beside live events\n\n{markdown(figures.backfill(result['backfill']))}\n\n"
            "From the moment a live event was due to be sent to the moment its commit was seen. History of a week ago"
            " waits in the back-fill topic in every run, of the same cranes; `QUAYSTREAM_BACKFILL_RATE` says how much"
            " of it is read. The last figures part that time: until the broker had acknowledged the event, and from then on."
            " Where the first of them is large, the machine was too slow for the rate.\n"
        )


def _words(name: str, curve: Mapping[str, Any]) -> str:
    last = curve["points"][-1]
    if name == "workers":
        more = figures.overhead(curve)
        said = f"With {last['at']} workers an event costs {more:+.0%} worker CPU against one worker."
        return f"{said} {_HELD}" if more < -NOISE else said
    if name == "chunks":
        when = "all of them" if last["dropped_in_time"] else "not all of them"
        return (
            f"{last['rows_dropped']:,} rows in {last['at']} chunks were counted and dropped by the worker's own"
            f" retention, {when} before the run was over."
            " The CPU of counting and dropping is in the database's: it is that of the chunks, not of the events."
        )
    growth = curve["growth"]
    spread = ", ".join(f"{part} × {value:g}" for part, value in growth.items() if part != "all")
    verdict = "Flat" if growth["all"] <= FLAT else "**Not flat**"
    said = f"{verdict}: from {curve['points'][0]['at']:,} to {last['at']:,} × {growth['all']:g} in all ({spread})."
    return f"{said} {_ASSETS}" if name == "assets" and growth["all"] > FLAT else said
