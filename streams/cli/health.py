"""`health`: whether the worker or gateway of this machine, pod or container says that it is well."""

from http.client import HTTPConnection, HTTPException
from typing import Annotated, Final, Literal

import typer

from schemas.errors import CheckFailedError, ServiceUnreachableError

ANSWER_S: Final = 5.0
DEFAULT_PORT: Final = 6066
# What listens on every address answers on loopback.
EVERYWHERE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  (compared with, not listened on)
Page = Annotated[Literal["livez", "readyz"], typer.Option(help="livez: it makes progress. readyz: it has work to do.")]


def register(app: typer.Typer) -> None:
    app.command()(health)


def health(page: Page = "livez") -> None:
    """Ask the page of the process that runs here, on QUAYSTREAM_WEB_PORT. For health checks without a shell or curl.

    Exit 1 if it says that something is wrong, 3 if it does not answer.
    """
    from streams.settings import load_settings

    settings = load_settings()
    host = EVERYWHERE.get(settings.web_bind, settings.web_bind)
    print(ask(host, settings.web_port or DEFAULT_PORT, page))


def ask(host: str, port: int, page: str) -> str:
    """What the page says; raises CheckFailedError when that is not good, ServiceUnreachableError without an answer."""
    connection = HTTPConnection(host, port, timeout=ANSWER_S)
    try:
        connection.request("GET", f"/{page}")
        answer = connection.getresponse()
        said = answer.read().decode(errors="replace").strip()
    except (OSError, HTTPException) as error:
        raise ServiceUnreachableError(f"{host}:{port} does not answer ({error}): is it running?") from error
    finally:
        connection.close()
    if answer.status != 200:
        raise CheckFailedError(f"/{page} says {answer.status}: {said}")
    return said
