"""Certificates of authorities made for one test, by openssl."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

_NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


@dataclass(frozen=True)
class Signed:
    """A certificate and its key, both PEM."""

    cert: Path
    key: Path


class Authority:
    """Signs certificates of 127.0.0.1 and of clients."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self.key, self.cert = folder / f"{name}-ca.key", folder / f"{name}-ca.pem"
        new = ["req", "-x509", *_NEW_KEY, "-days", "1", "-subj", f"/CN={name} authority"]
        _openssl(*new, "-keyout", str(self.key), "-out", str(self.cert))

    def signed(self, name: str) -> Signed:
        """For 127.0.0.1, as server or client."""
        key, request, cert = (self._folder / f"{name}.{end}" for end in ("key", "csr", "pem"))
        extensions = self._folder / f"{name}.ext"
        extensions.write_text("subjectAltName=IP:127.0.0.1\n")
        _openssl("req", *_NEW_KEY, "-subj", f"/CN={name}", "-keyout", str(key), "-out", str(request))
        by = ["-CA", str(self.cert), "-CAkey", str(self.key), "-CAcreateserial", "-days", "1"]
        _openssl("x509", "-req", "-in", str(request), *by, "-extfile", str(extensions), "-out", str(cert))
        return Signed(cert, key)


def _openssl(*words: str) -> None:
    subprocess.run(["openssl", *words], check=True, capture_output=True, timeout=30)
