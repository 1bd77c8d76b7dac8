"""`quaystream api`: what the contracts give, over HTTP."""

import asyncio
import signal
from typing import TYPE_CHECKING, Annotated

import typer

from schemas.errors import ConfigurationError

if TYPE_CHECKING:
    from streams.settings import Settings

PORT = 6061
Port = Annotated[int, typer.Option(min=1, max=65_535, help="Where it listens.")]
Bind = Annotated[str | None, typer.Option(metavar="ADDRESS", help="By default what QUAYSTREAM_WEB_BIND says.")]
Rate = Annotated[float, typer.Option(min=0.1, help="Requests a second that each agency may make in the long run.")]
Burst = Annotated[int, typer.Option(min=1, help="Requests at once.")]


def register(app: typer.Typer) -> None:
    app.command()(api)


def api(port: Port = PORT, bind: Bind = None, rate: Rate = 10.0, burst: Burst = 20) -> None:
    """Serve the agencies what their contracts give, to bearer tokens of QUAYSTREAM_TOKEN_ISSUER, by page, audited.

    The API is under /api/v1, its OpenAPI document at /api/v1/openapi.json; /metrics, /livez and /readyz as everywhere.
    It speaks no TLS: put it behind a proxy that does.
    """
    from streams.running import set_up_logs
    from streams.settings import load_settings

    settings = load_settings()
    set_up_logs(settings.log_format)
    asyncio.run(_run(settings, (bind or settings.web_bind, port), (rate, burst)))


async def _run(settings: "Settings", place: tuple[str, int], rates: tuple[float, int]) -> None:
    from importlib.metadata import version

    import asyncpg

    from connectors.api.gauges import Gauges
    from connectors.api.rates import Rates
    from connectors.api.reading import Reader
    from connectors.api.server import SharePages
    from connectors.api.tokens import Verifier
    from schemas.share import FOLDER, load_contracts
    from streams.web import Web

    keys, issuer, audience = settings.token_keys, settings.token_issuer, settings.token_audience
    if keys is None or issuer is None or audience is None:
        raise ConfigurationError(
            "the API needs QUAYSTREAM_TOKEN_KEYS (a JWKS), QUAYSTREAM_TOKEN_ISSUER and QUAYSTREAM_TOKEN_AUDIENCE"
        )
    verifier = Verifier(keys, issuer, audience)
    await verifier.start()
    dsn = settings.api_dsn()
    session = {"application_name": "quaystream api", "timezone": "UTC"}
    pool = await asyncpg.create_pool(dsn, min_size=0, max_size=4, command_timeout=15, server_settings=session)
    reader = Reader(pool, dsn)
    # A database that is not there or not prepared is said at once, in the words of every other command.
    await reader.standing([])
    contracts = load_contracts(settings.contracts or FOLDER)
    pages = SharePages(contracts, verifier, reader, Gauges(version("quaystream")), Rates(*rates), Rates(*rates))
    web = Web(*place, pages, "name a free one with --port")
    await web.start()
    try:
        print(f"The API is at http://{place[0]}:{web.port}/api/v1/ (Ctrl-C ends it)", flush=True)
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await stop.wait()
    finally:
        await web.stop()
        pool.terminate()
