"""`quaystream board`: the page of the operations centre and the API behind it."""

import asyncio
import signal
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from connectors.board.feed import Feed
    from streams.settings import Settings

PORT = 6060
Port = Annotated[int, typer.Option(min=1, max=65_535, help="Where it listens.")]
Bind = Annotated[str | None, typer.Option(metavar="ADDRESS", help="By default what QUAYSTREAM_WEB_BIND says.")]


def register(app: typer.Typer) -> None:
    app.command()(board)


def board(port: Port = PORT, bind: Bind = None) -> None:
    """Show the port on a wall screen or a phone: cranes, gates, 5G, alarms, live.

    Reads the database as the reader, once a second for all viewers together, and not at all while nobody watches.
    The page is at /, the API under /api/v1 (its OpenAPI document at /api/v1/openapi.json); /metrics, /livez and
    /readyz as everywhere. There is no login: put it behind a proxy that asks for one before it leaves this machine.
    """
    from streams.running import set_up_logs
    from streams.settings import load_settings

    settings = load_settings()
    set_up_logs(settings.log_format)
    asyncio.run(_run(settings, bind or settings.web_bind, port))


async def _run(settings: "Settings", bind: str, port: int) -> None:
    from importlib.metadata import version

    from connectors.board.feed import Feed
    from connectors.board.gauges import Gauges
    from connectors.board.look import Looker, open_eye
    from connectors.board.server import BoardPages
    from streams.running import announce
    from streams.web import Web

    dsn = settings.reader_dsn()
    pool = await open_eye(dsn)
    gauges = Gauges(version("quaystream"))
    feed = Feed(Looker(pool, dsn), gauges)
    # A database that is not there or not migrated is said at once, in the words of every other command.
    await feed.start()
    web = Web(bind, port, BoardPages(feed, gauges), "name a free one with --port")
    await web.start()
    try:
        announce(settings, "boards", f"{bind}:{web.port}")
        print(f"The board is at http://{bind}:{web.port}/ (Ctrl-C ends it)", flush=True)
        await _until_told(feed)
    finally:
        await web.stop()
        pool.terminate()


async def _until_told(feed: "Feed") -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    reading = asyncio.ensure_future(feed.run())
    told = asyncio.ensure_future(stop.wait())
    done, _ = await asyncio.wait((reading, told), return_when=asyncio.FIRST_COMPLETED)
    for task in (reading, told):
        task.cancel()
    if reading in done:
        reading.result()
