"""Certificates by authorities of our own, through openssl: for the secured local stack, and for tests."""

import os
import ssl
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Self

from deploy.local.packages import run

PROGRAMS: Final = {"openssl": "openssl"}
_NEW_KEY: Final = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
# What a client of this machine may call the server; nothing else is let through by `verify-full`.
_HERE: Final = "IP:127.0.0.1,DNS:localhost"
_QUIETLY: Final[Any] = {"capture_output": True, "text": True, "timeout": 30}


@dataclass(frozen=True)
class Signed:
    """A certificate and its key, both PEM."""

    cert: Path
    key: Path


@dataclass(frozen=True)
class Authority:
    """Signs certificates of servers on this machine and of clients; `name` is that of its files in `folder`."""

    folder: Path
    name: str

    @property
    def key(self) -> Path:
        return self.folder / f"{self.name}-ca.key"

    @property
    def cert(self) -> Path:
        return self.folder / f"{self.name}-ca.pem"

    def create(self, days: int = 1) -> Self:
        """Make its key and certificate; what is there is replaced."""
        new = ["req", "-x509", *_NEW_KEY, "-days", str(days), "-subj", f"/CN=quaystream {self.name}"]
        _openssl(*new, "-keyout", str(self.key), "-out", str(self.cert))
        return self

    def signed(self, name: str, days: int = 1) -> Signed:
        """For 127.0.0.1, as server or client of that name; negative days: one that has expired.

        Key and certificate of the same name are replaced, each whole at once.
        """
        key, request, cert = (self.folder / f"{name}.{end}" for end in ("key", "csr", "pem"))
        extensions = self.folder / f"{name}.ext"
        extensions.write_text(f"subjectAltName={_HERE}\n")
        made = {final: final.with_suffix(f"{final.suffix}.new") for final in (key, cert)}
        _openssl("req", *_NEW_KEY, "-subj", f"/CN={name}", "-keyout", str(made[key]), "-out", str(request))
        by = ["-CA", str(self.cert), "-CAkey", str(self.key), "-CAcreateserial", "-days", str(days)]
        _openssl("x509", "-req", "-in", str(request), *by, "-extfile", str(extensions), "-out", str(made[cert]))
        for final, new in made.items():
            new.rename(final)
        for scrap in (request, extensions):
            scrap.unlink()
        return Signed(cert, key)

    def has_signed(self, cert: Path) -> bool:
        """Whether a certificate is by this authority; its time does not matter."""
        verify = ["openssl", "verify", "-no_check_time", "-CAfile", str(self.cert), str(cert)]
        return subprocess.run(verify, **_QUIETLY, check=False).returncode == 0


def ends(cert: Path) -> datetime:
    """Until when the first certificate of a PEM file is good."""
    show = ["openssl", "x509", "-noout", "-enddate", "-in", str(cert)]
    said = subprocess.run(show, **_QUIETLY, check=True).stdout
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(said.strip().removeprefix("notAfter=")), UTC)


def _openssl(*words: str) -> None:
    before = os.umask(0o077)
    try:
        run(["openssl", *words], f"make a certificate (openssl {words[0]})")
    finally:
        os.umask(before)
