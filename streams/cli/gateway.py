"""`quaystream gateway`: sources into a spool on this machine, and from there to Kafka."""

import asyncio
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from connectors.edge.config import Config
    from connectors.edge.gateway import Gateway
    from streams.settings import Settings

File = Annotated[Path, typer.Argument(help="What it reads from, where it spools: a TOML file.")]
Check = Annotated[bool, typer.Option("--check", help="Only check the file, and what it names; starts nothing.")]


def register(app: typer.Typer) -> None:
    app.command()(gateway)


def gateway(config: File, check: Check = False) -> None:
    """Take events from files, HTTP, MQTT or the standard input, keep them on disk until Kafka has them.

    Safe to stop, kill or start again at any time: what was accepted from a source is on disk. Kafka may be away
    for as long as the spool has room. Serves /metrics, /livez and /readyz on QUAYSTREAM_WEB_PORT (unset: the next
    free of 6066-6097). Ends by itself when every source has ended, as a pipe does.
    """
    from connectors.edge.config import load_config
    from connectors.edge.gateway import Gateway
    from connectors.kafka.options import librdkafka_options
    from streams.cli.access import kafka_access
    from streams.running import set_up_logs
    from streams.settings import load_settings

    settings, loaded = load_settings(), load_config(config)
    access = kafka_access(settings)
    librdkafka_options(access)
    if check:
        print(f"{config} is well: {_told(loaded)}; Kafka at {access.brokers} ({access.security}), not asked.")
        return
    set_up_logs(settings.log_format)
    asyncio.run(_run(Gateway(loaded, access), settings, loaded))


async def _run(gateway: "Gateway", settings: "Settings", config: "Config") -> None:
    from streams.web import Pages, Web

    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    web = Web(settings.web_bind, settings.web_port, Pages(gateway.metrics, gateway.alive, gateway.ready))
    await web.start()
    try:
        print(f"{_told(config)}; http://{settings.web_bind}:{web.port}/metrics", flush=True)
        await gateway.run(stop)
    finally:
        await web.stop()


def _told(config: "Config") -> str:
    sources = ", ".join(f"{source.name} ({source.kind})" for source in config.sources)
    return f"{config.source}: {sources}, spool {config.spool.path}"
