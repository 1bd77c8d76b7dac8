"""Certificates of a secured stack: whom everybody trusts at each step of a change, checked by openssl itself."""

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from deploy.local.certificates import Authority, ends
from deploy.local.home import Home
from deploy.local.keyring import Keyring
from schemas.errors import ConfigurationError


@pytest.fixture
def keyring(tmp_path: Path) -> Keyring:
    Home(tmp_path).create()
    keyring = Keyring(Home(tmp_path))
    keyring.create("worker")
    return keyring


def is_trusted(keyring: Keyring, name: str) -> bool:
    verify = ["openssl", "verify", "-CAfile", str(keyring.bundle), str(keyring.signed(name).cert)]
    return subprocess.run(verify, capture_output=True, check=False).returncode == 0


def test_nobody_is_distrusted_at_any_step_of_a_change(keyring: Keyring) -> None:
    names = ("broker", "database", "worker")
    old = keyring.signed("broker").cert.read_text()
    for step in (keyring.trust, keyring.issue, keyring.forget):
        step()
        assert all(is_trusted(keyring, name) for name in names)
    assert keyring.signed("broker").cert.read_text() != old
    assert keyring.bundle.read_text().count("BEGIN CERTIFICATE") == 1


def test_an_authority_that_is_needed_is_not_forgotten(keyring: Keyring) -> None:
    keyring.trust()
    with pytest.raises(ConfigurationError, match="run the step `issue` first"):
        keyring.forget()
    assert keyring.bundle.read_text().count("BEGIN CERTIFICATE") == 2


def test_what_is_there_is_kept(keyring: Keyring) -> None:
    before = {file: file.read_bytes() for file in keyring.folder.iterdir()}
    keyring.create("worker")
    assert {file: file.read_bytes() for file in keyring.folder.iterdir()} == before


def test_everything_secret_is_for_its_user_alone(keyring: Keyring) -> None:
    assert keyring.folder.stat().st_mode & 0o777 == 0o700
    secret = [*keyring.folder.glob("*.key"), *keyring.folder.glob("*-keystore.pem")]
    assert {file.stat().st_mode & 0o777 for file in secret} == {0o600}
    assert len(secret) == 7


def test_a_certificate_says_until_when_it_is_good(tmp_path: Path) -> None:
    authority = Authority(tmp_path, "one").create()
    now = datetime.now(UTC)
    assert abs(ends(authority.signed("good", days=3).cert) - now - timedelta(days=3)) < timedelta(minutes=5)
    assert ends(authority.signed("expired", days=-1).cert) < now
