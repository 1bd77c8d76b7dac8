"""Where an announced file may come from: a folder that is mounted here, or hosts that are named. Never any other place.

A location is only a hint: of its path we look in our own folder, and of its host we ask the list. Nobody who can send a
notification makes the gateway open what it was not told to open.
"""

import os
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final
from urllib.parse import SplitResult, unquote, urlsplit

import aiohttp

from connectors.pm_inbox.errors import NotAllowedError, NotFetchedError

_PIECE: Final = 256 * 1024
_CONNECT_S: Final = 10.0
_HTTPS: Final = 443


@dataclass(frozen=True, slots=True)
class Whence:
    """`hosts`: `name` or `name:port` of https servers. `max_bytes` bounds a file that is fetched."""

    folder: Path | None = None
    hosts: frozenset[str] = frozenset()
    ca_file: Path | None = None
    user: aiohttp.BasicAuth | None = None
    max_bytes: int = 512 * 1024 * 1024
    timeout_s: float = 300.0

    def local(self, location: str) -> Path | None:
        """The file in our folder, by the location's whole path or its last name; None where there is none."""
        if self.folder is None:
            return None
        root = self.folder.resolve()
        path = _path(location)
        for wanted in (path.lstrip("/"), path.rpartition("/")[2]):
            if not wanted or "\0" in wanted:
                continue
            found = Path(os.path.realpath(root / wanted))
            # Neither `..` nor a link leads out of it.
            if found.is_relative_to(root) and found.is_file():
                return found
        return None

    def url(self, location: str) -> str | None:
        """The location where it is https on a host of the list and nothing else is odd about it; else None."""
        try:
            parts = urlsplit(location)
            host = _host(parts)
        except ValueError:
            return None
        is_plain = parts.scheme == "https" and parts.username is None and not parts.fragment
        return location if is_plain and host in self.hosts else None

    def check(self, location: str) -> None:
        """Raises NotAllowedError for what will never be fetched, whatever comes into the folder."""
        if self.folder is None and self.url(location) is None:
            raise NotAllowedError(f"{location[:200]} is not https on a host of `hosts`, and there is no `folder`")

    async def download(self, url: str, into: IO[bytes]) -> None:
        """The bytes at the URL, redirects not followed. Raises NotFetchedError."""
        limits = aiohttp.ClientTimeout(total=self.timeout_s, sock_connect=_CONNECT_S)
        context = ssl.create_default_context(cafile=self.ca_file)
        try:
            async with (
                aiohttp.ClientSession(timeout=limits, auth=self.user) as client,
                client.get(url, ssl=context, allow_redirects=False) as answer,
            ):
                await self._copy(answer, into)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise NotFetchedError(f"{type(error).__name__}: {error}") from error

    async def _copy(self, answer: aiohttp.ClientResponse, into: IO[bytes]) -> None:
        if answer.status != 200:
            raise NotFetchedError(f"the server answers {answer.status}")
        size = 0
        async for piece in answer.content.iter_chunked(_PIECE):
            size += len(piece)
            if size > self.max_bytes:
                raise NotAllowedError(f"the file is larger than {self.max_bytes:,} bytes")
            into.write(piece)


def _path(location: str) -> str:
    try:
        return unquote(urlsplit(location).path)
    except ValueError:
        return ""


def _host(parts: SplitResult) -> str:
    """As it stands in the list: with its port where that is not 443."""
    name = (parts.hostname or "").lower()
    return name if parts.port in {None, _HTTPS} else f"{name}:{parts.port}"
