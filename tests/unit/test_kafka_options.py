"""From settings to what the Kafka clients get: each way of security, and what is refused before anything is sent."""

import os
import ssl
import subprocess
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer
from faust.auth import SASLCredentials, SSLCredentials

from connectors.kafka.options import KafkaAccess, Sasl, Tls, access_from, client_options, faust_credentials, tls_context
from schemas.errors import ConfigurationError
from streams.settings import load_settings

SECRET = "correct horse"  # noqa: S105


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith("QUAYSTREAM_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def sasl(tmp_path: Path) -> Sasl:
    (tmp_path / "username").write_text("gw-03\n")
    (tmp_path / "password").write_text(f"{SECRET}\n")
    return Sasl("SCRAM-SHA-512", tmp_path / "username", tmp_path / "password")


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Tls:
    folder = tmp_path_factory.mktemp("tls")
    key, certificate = folder / "key.pem", folder / "cert.pem"
    make = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    subprocess.run([*make, "-keyout", key, "-out", certificate, "-subj", "/CN=gw-03"], check=True, capture_output=True)
    return Tls(ca_file=certificate, cert_file=certificate, key_file=key)


def test_plaintext_needs_nothing() -> None:
    access = KafkaAccess("127.0.0.1:9092")
    assert client_options(access) == {"bootstrap_servers": "127.0.0.1:9092", "security_protocol": "PLAINTEXT"}
    assert faust_credentials(access) is None


def test_scram_goes_over_tls_with_the_brokers_name_checked(sasl: Sasl) -> None:
    options = client_options(KafkaAccess("k:9093", "scram", sasl))
    assert options["security_protocol"] == "SASL_SSL"
    assert (options["sasl_plain_username"], options["sasl_plain_password"]) == ("gw-03", SECRET)
    assert options["ssl_context"].check_hostname
    assert options["ssl_context"].verify_mode is ssl.CERT_REQUIRED
    assert options["ssl_context"].minimum_version >= ssl.TLSVersion.TLSv1_2


def test_credentials_are_never_sent_in_the_clear(sasl: Sasl) -> None:
    with pytest.raises(ConfigurationError, match="does not use the credentials"):
        client_options(KafkaAccess("k:9092", "plaintext", sasl))


def test_mtls_shows_a_certificate_and_trusts_the_given_authority(tls: Tls) -> None:
    options = client_options(KafkaAccess("k:9093", "mtls", tls=tls))
    assert options["security_protocol"] == "SSL"
    assert len(options["ssl_context"].get_ca_certs()) == 1


@pytest.mark.asyncio
@pytest.mark.parametrize("security", ["plaintext", "tls", "mtls", "scram"])
async def test_the_client_takes_the_options_of_every_security(security: str, sasl: Sasl, tls: Tls) -> None:
    access = KafkaAccess("k:9093", security, sasl if security == "scram" else None, tls)  # type: ignore[arg-type]
    producer = AIOKafkaProducer(**client_options(access))
    await producer.stop()
    assert producer.client.hosts[0][:2] == ("k", 9093)


def test_faust_speaks_tls_where_the_clients_do(sasl: Sasl, tls: Tls) -> None:
    scram = faust_credentials(KafkaAccess("k:9093", "scram", sasl))
    assert isinstance(scram, SASLCredentials)
    assert (scram.protocol.value, scram.mechanism.value) == ("SASL_SSL", "SCRAM-SHA-512")
    assert (scram.username, scram.password) == ("gw-03", SECRET)
    assert isinstance(faust_credentials(KafkaAccess("k:9093", "tls", tls=tls)), SSLCredentials)


def test_secrets_are_in_no_text_of_the_access(sasl: Sasl) -> None:
    access = KafkaAccess("k:9093", "scram", sasl)
    assert SECRET not in repr(access)
    assert SECRET not in repr(faust_credentials(access))


def test_scram_without_credentials_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="QUAYSTREAM_USERNAME_FILE and QUAYSTREAM_PASSWORD_FILE"):
        client_options(KafkaAccess("k:9093", "scram"))


def test_mtls_without_a_certificate_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="QUAYSTREAM_CERT_FILE and QUAYSTREAM_KEY_FILE"):
        client_options(KafkaAccess("k:9093", "mtls"))


def test_file_that_is_missing_or_empty_is_named(sasl: Sasl) -> None:
    sasl.password_file.write_text("\n")
    with pytest.raises(ConfigurationError, match=r"QUAYSTREAM_PASSWORD_FILE=.*it is empty"):
        client_options(KafkaAccess("k:9093", "scram", sasl))
    sasl.password_file.unlink()
    with pytest.raises(ConfigurationError, match=r"QUAYSTREAM_PASSWORD_FILE=.*No such file"):
        client_options(KafkaAccess("k:9093", "scram", sasl))


def test_authority_that_is_no_certificate_is_named(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    with pytest.raises(ConfigurationError, match="QUAYSTREAM_CA_FILE"):
        tls_context(KafkaAccess("k:9093", "tls", tls=Tls(ca_file=tmp_path / "ca.pem")))


def test_encrypted_key_is_refused_instead_of_asking_for_its_password(tls: Tls, tmp_path: Path) -> None:
    assert tls.key_file is not None
    locked = tmp_path / "locked.pem"
    command = ["openssl", "ec", "-in", str(tls.key_file), "-aes256", "-passout", "pass:x", "-out", str(locked)]
    subprocess.run(command, check=True, capture_output=True)
    with pytest.raises(ConfigurationError, match="unencrypted key"):
        tls_context(KafkaAccess("k:9093", "mtls", tls=Tls(tls.ca_file, tls.cert_file, locked)))


def test_access_comes_from_the_settings(monkeypatch: pytest.MonkeyPatch, sasl: Sasl) -> None:
    assert access_from(load_settings()) == KafkaAccess("127.0.0.1:9092")
    monkeypatch.setenv("QUAYSTREAM_BROKERS", "a:9093,b:9093")
    monkeypatch.setenv("QUAYSTREAM_KAFKA_SECURITY", "scram")
    monkeypatch.setenv("QUAYSTREAM_USERNAME_FILE", str(sasl.username_file))
    monkeypatch.setenv("QUAYSTREAM_PASSWORD_FILE", str(sasl.password_file))
    assert access_from(load_settings()) == KafkaAccess("a:9093,b:9093", "scram", sasl)
