"""The certificates of a secured stack: authorities, the bundle that everybody trusts, one certificate for each name.

Changing them takes three steps, so that nobody ever meets what he does not trust yet: a new authority is trusted beside
the old one, certificates are made anew by it, the old one is forgotten.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deploy.local.certificates import Authority, Signed
from deploy.local.home import Home, write_private
from schemas.errors import ConfigurationError

AUTHORITY_DAYS: Final = 3650
CERTIFICATE_DAYS: Final = 397
SERVERS: Final = ("broker", "database")


@dataclass(frozen=True)
class Keyring:
    """Files in the home's folder `certificates`; every method leaves them whole."""

    home: Home

    @property
    def folder(self) -> Path:
        return self.home.path / "certificates"

    @property
    def bundle(self) -> Path:
        """The authorities that are trusted now, newest last; what clients and servers check others by."""
        return self.folder / "ca.pem"

    def create(self, *clients: str) -> None:
        """What is missing: an authority, the servers' certificates and those of these clients."""
        self.folder.mkdir(mode=0o700, exist_ok=True)
        if not self._authorities():
            self.trust()
        for name in (*SERVERS, *clients):
            if not self.signed(name).cert.exists():
                self._issue(name)

    def signed(self, name: str) -> Signed:
        return Signed(self.folder / f"{name}.pem", self.folder / f"{name}.key")

    def keystore(self, name: str) -> Path:
        """Key and certificate in one file, as Kafka wants them."""
        return self.folder / f"{name}-keystore.pem"

    def trust(self) -> None:
        """First step: a new authority, trusted beside those there are."""
        numbers = [int(authority.name.removeprefix("authority-")) for authority in self._authorities()]
        Authority(self.folder, f"authority-{max(numbers, default=0) + 1}").create(AUTHORITY_DAYS)
        self._write_bundle()

    def issue(self) -> None:
        """Second step: every certificate anew, by the newest authority."""
        for name in self._issued():
            self._issue(name)

    def forget(self) -> None:
        """Third step: every authority but the newest is gone. Raises ConfigurationError while one is still needed."""
        newest = self._newest()
        for name in self._issued():
            if not newest.has_signed(self.signed(name).cert):
                message = f"{self.signed(name).cert} is not signed by {newest.name} yet: run the step `issue` first"
                raise ConfigurationError(message)
        for authority in self._authorities()[:-1]:
            authority.cert.unlink()
            authority.key.unlink()
        self._write_bundle()

    def _authorities(self) -> list[Authority]:
        names = (file.name.removesuffix("-ca.pem") for file in self.folder.glob("authority-*-ca.pem"))
        return [Authority(self.folder, name) for name in sorted(names, key=lambda name: int(name.rpartition("-")[2]))]

    def _newest(self) -> Authority:
        return self._authorities()[-1]

    def _issued(self) -> Iterator[str]:
        ours = (file.stem for file in sorted(self.folder.glob("*.pem")) if file.with_suffix(".key").exists())
        return (name for name in ours if not name.endswith("-ca"))

    def _issue(self, name: str) -> None:
        signed = self._newest().signed(name, CERTIFICATE_DAYS)
        _replace(self.keystore(name), signed.key.read_text() + signed.cert.read_text())

    def _write_bundle(self) -> None:
        _replace(self.bundle, "".join(authority.cert.read_text() for authority in self._authorities()))


def _replace(file: Path, text: str) -> None:
    partial = file.with_suffix(".partial")
    write_private(partial, text.rstrip("\n"))
    partial.replace(file)
