"""Settings: who wins, what is refused with which line, and what is never shown."""

import json
import os
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from schemas.errors import ConfigurationError
from streams.settings import Settings, load_settings, masked, parse_span, span_text


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith("QUAYSTREAM_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def stack_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("QUAYSTREAM_HOME", str(tmp_path))
    file = tmp_path / "stack.json"
    file.write_text(json.dumps({"ports": {}, "settings": {"brokers": "stack:1"}}))
    return file


@pytest.fixture
def toml_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "settings.toml"
    file.write_text('brokers = "toml:1"\n')
    monkeypatch.setenv("QUAYSTREAM_CONFIG", str(file))
    return file


def refusal() -> str:
    with pytest.raises(ConfigurationError) as caught:
        load_settings()
    return str(caught.value)


def test_defaults_are_those_of_the_local_stack() -> None:
    settings = load_settings()
    assert settings.brokers == "127.0.0.1:9092"
    assert settings.database_url == "postgresql://quaystream@127.0.0.1:5433/quaystream"
    assert settings.raw_retention == timedelta(days=90)
    assert settings.web_port is None


def test_environment_wins_over_everything(stack_file: Path, toml_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    del stack_file, toml_file
    monkeypatch.setenv("QUAYSTREAM_BROKERS", "env:1")
    assert load_settings().brokers == "env:1"


def test_toml_wins_over_the_stack(stack_file: Path, toml_file: Path) -> None:
    del stack_file, toml_file
    assert load_settings().brokers == "toml:1"


def test_the_stack_wins_over_defaults(stack_file: Path) -> None:
    del stack_file
    assert load_settings().brokers == "stack:1"


def test_the_stack_is_looked_for_in_the_home_that_toml_names(tmp_path: Path, toml_file: Path) -> None:
    home = tmp_path / "elsewhere"
    home.mkdir()
    (home / "stack.json").write_text(json.dumps({"settings": {"group": "from-there"}}))
    toml_file.write_text(f'home = "{home}"\n')
    assert load_settings().group == "from-there"


def test_home_is_in_the_repository_we_are_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".git").mkdir()
    inner = tmp_path / "docs"
    inner.mkdir()
    monkeypatch.chdir(inner)
    assert load_settings().home == tmp_path / ".quaystream"


def test_empty_variable_is_no_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUAYSTREAM_WEB_PORT", "")
    assert load_settings().web_port is None


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("90d", timedelta(days=90)),
        ("36h", timedelta(hours=36)),
        ("5m", timedelta(minutes=5)),
        ("10s", timedelta(seconds=10)),
    ],
)
def test_durations_are_read_and_written_alike(text: str, span: timedelta) -> None:
    assert parse_span(text) == span
    assert parse_span(span_text(span)) == span


def test_max_age_follows_the_raw_retention(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUAYSTREAM_RAW_RETENTION", "36h")
    assert load_settings().max_age == timedelta(hours=36)


def test_max_age_may_differ_from_the_raw_retention(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUAYSTREAM_MAX_AGE", "1000d")
    assert load_settings().max_age == timedelta(days=1000)


@pytest.mark.parametrize(
    ("name", "value", "advice"),
    [
        ("RAW_RETENTION", "ninety", "write a duration such as 90d, 36h, 5m or 10s"),
        ("MAX_FUTURE", "0s", "write a duration such as 90d, 36h, 5m or 10s"),
        ("WEB_PORT", "99999", "write a port, 1 to 65535"),
        ("BROKERS", "localhost", "write host:port,…"),
        ("DATABASE_URL", "mysql://host/database", "write a URL such as postgresql://user@host:5432/database"),
        ("BATCH_ROWS", "0", "write a whole number above 0"),
        ("DEAD_LETTER_SHARE", "1.5", "write a share above 0, at most 1"),
        ("KAFKA_SECURITY", "none", "write plaintext, tls, scram or mtls"),
        ("LOG_FORMAT", "xml", "write json or console"),
    ],
)
def test_wrong_value_is_one_line_that_names_it_and_the_cure(
    name: str, value: str, advice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"QUAYSTREAM_{name}", value)
    line = refusal()
    assert line.startswith(f"QUAYSTREAM_{name}={value}: ")
    assert line.endswith(advice)
    assert "\n" not in line


def test_wrong_value_in_toml_names_the_file(toml_file: Path) -> None:
    toml_file.write_text("group = 3\n")
    assert refusal().startswith(f"group in {toml_file}=3: ")


def test_unknown_name_in_toml_is_refused(toml_file: Path) -> None:
    toml_file.write_text('broker = "a:1"\n')
    assert refusal() == f"broker in {toml_file}: `broker` is not a setting: remove it"


def test_missing_toml_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUAYSTREAM_CONFIG", "/nowhere.toml")
    assert refusal().startswith("cannot read QUAYSTREAM_CONFIG=/nowhere.toml")


def test_damaged_stack_file_is_refused(stack_file: Path) -> None:
    stack_file.write_text("{")
    assert str(stack_file) in refusal()


def test_misspelt_variable_names_the_right_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUAYSTREAM_BROKRES", "a:1")
    assert refusal() == "QUAYSTREAM_BROKRES is not a setting: remove it or rename it (QUAYSTREAM_BROKERS)"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("QUAYSTREAM_TEST_SEED", "1"),
        ("QUAYSTREAM_WORKER_SERVICE_HOST", "10.0.0.1"),
        ("QUAYSTREAM_WORKER_SERVICE_PORT_METRICS", "6066"),
        ("QUAYSTREAM_WORKER_PORT", "tcp://10.0.0.1:6066"),
        ("QUAYSTREAM_WORKER_PORT_6066_TCP_ADDR", "10.0.0.1"),
    ],
)
def test_variables_of_tests_and_of_kubernetes_are_left_alone(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    load_settings()


@pytest.mark.parametrize(("security", "needed"), [("scram", "USERNAME_FILE"), ("mtls", "CERT_FILE")])
def test_security_says_which_files_it_needs(security: str, needed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUAYSTREAM_KAFKA_SECURITY", security)
    assert f"QUAYSTREAM_KAFKA_SECURITY={security} needs QUAYSTREAM_{needed}" in refusal()


def test_who_says_how_to_be_let_in_says_all_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of the stack's proof beside one's own would be refused, or shown to the wrong door."""
    stack = {"brokers": "a:1", "kafka_security": "scram", "username_file": "/u", "password_file": "/p", "ca_file": "/c"}
    (tmp_path / "stack.json").write_text(json.dumps({"settings": stack}))
    monkeypatch.setenv("QUAYSTREAM_HOME", str(tmp_path))
    assert load_settings().username_file == Path("/u")
    monkeypatch.setenv("QUAYSTREAM_KAFKA_SECURITY", "tls")
    settings = load_settings()
    assert (settings.username_file, settings.password_file, settings.ca_file) == (None, None, None)
    assert settings.brokers == "a:1"


def test_the_workers_password_is_read_at_each_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "password"
    monkeypatch.setenv("QUAYSTREAM_DATABASE_PASSWORD_FILE", str(file))
    password = load_settings().worker_password()
    assert password is not None
    for text in ("one", "two"):
        file.write_text(f"{text}\n")
        assert password() == text
    file.unlink()
    with pytest.raises(ConfigurationError, match="QUAYSTREAM_DATABASE_PASSWORD_FILE"):
        password()


def test_connection_url_holds_the_password_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "password"
    file.write_text("p@ss/w:rd\n")
    monkeypatch.setenv("QUAYSTREAM_DATABASE_PASSWORD_FILE", str(file))
    monkeypatch.setenv("QUAYSTREAM_DATABASE_URL", "postgresql://me:old@a:1,b:2/db?sslmode=verify-full")
    dsn = load_settings().worker_dsn()
    assert dsn == "postgresql://me:p%40ss%2Fw%3Ard@a:1,b:2/db?sslmode=verify-full"  # not a secret


def test_missing_password_file_is_refused_when_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUAYSTREAM_DATABASE_PASSWORD_FILE", "/nowhere")
    settings = load_settings()
    with pytest.raises(ConfigurationError, match="cannot read QUAYSTREAM_DATABASE_PASSWORD_FILE=/nowhere"):
        settings.worker_dsn()


def test_absent_url_says_how_to_get_one() -> None:
    with pytest.raises(ConfigurationError, match="QUAYSTREAM_OWNER_URL is not set: run `quaystream up`"):
        load_settings().owner_dsn()


@pytest.mark.parametrize(
    "url", ["postgresql://me:s3cret@host/db", "postgresql://me@host/db?password=s3cret&sslmode=require"]
)
def test_no_password_is_shown(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUAYSTREAM_READER_URL", url)
    shown = json.dumps(masked(load_settings()))
    assert "s3cret" not in shown
    assert "***" in shown


def test_no_password_is_in_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUAYSTREAM_READER_URL", "mysql://me:s3cret@host/db")
    assert "s3cret" not in refusal()


def test_settings_are_frozen() -> None:
    with pytest.raises(ValidationError):
        setattr(load_settings(), "group", "other")  # noqa: B010 -- mypy would refuse the plain form


def test_every_setting_says_what_to_write() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []
