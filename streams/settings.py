"""Effective settings: environment `QUAYSTREAM_*`, over a TOML file, over the local stack's, over defaults.

Secrets are named by file and read only when a connection needs them. `load_settings` is the way in;
whatever is wrong becomes one line that names the variable and how to mend it.
"""

import difflib
import json
import os
import re
import tomllib
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import quote, urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from schemas.errors import ConfigurationError

PREFIX = "QUAYSTREAM_"
UNITS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
# Kubernetes tells every pod about every service in variables of these shapes.
SERVICE_LINK = re.compile(r"_SERVICE_(HOST|PORT)(_|$)|_PORT_\d+_(TCP|UDP)(_|$)")
NEEDED_FILES = {
    "plaintext": (),
    "tls": (),
    "scram": ("username_file", "password_file"),
    "mtls": ("cert_file", "key_file"),
}
# What a proof at the brokers is made of.
ACCESS = frozenset(
    {
        *("kafka_security", "sasl_mechanism", "username_file", "password_file"),
        *("ca_file", "cert_file", "key_file", "signing_key_file"),
    }
)


def parse_span(value: object) -> object:
    """A duration from text such as `90d`, `36h`, `5m` or `10s`; other types pass through."""
    if not isinstance(value, str):
        return value
    found = re.fullmatch(r"\s*(\d{1,9})\s*([dhms])\s*", value)
    if not found:
        message = "not a duration"
        raise ValueError(message)
    return timedelta(seconds=int(found[1]) * UNITS[found[2]])


def span_text(span: timedelta) -> str:
    """The shortest text that `parse_span` reads back as the same whole seconds."""
    seconds = int(span.total_seconds())
    unit, size = next((unit, size) for unit, size in UNITS.items() if seconds % size == 0)
    return f"{seconds // size}{unit}"


def _database_url(url: str) -> str:
    if urlsplit(url).scheme not in {"postgresql", "postgres"} or not urlsplit(url).netloc:
        message = "not a PostgreSQL URL"
        raise ValueError(message)
    return url


def _default_home() -> Path:
    """`.quaystream` in the repository we are in, else in the current folder."""
    here = Path.cwd()
    roots = (folder for folder in (here, *here.parents) if (folder / ".git").exists())
    return next(roots, here) / ".quaystream"


Span = Annotated[timedelta, BeforeValidator(parse_span), Field(gt=timedelta(0))]
DatabaseUrl = Annotated[str, AfterValidator(_database_url)]
Folder = Annotated[Path, AfterValidator(lambda path: path.expanduser().absolute())]
SPAN = "a duration such as 90d, 36h, 5m or 10s"
URL = "a URL such as postgresql://user@host:5432/database"
FILE = "the path of a readable file"
COUNT = "a whole number above 0"


class Settings(BaseSettings):
    """Every setting with its default. The descriptions are what a person should write instead."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, frozen=True, extra="forbid")

    brokers: str = Field(default="127.0.0.1:9092", pattern=r"^[^\s,]+:\d+(,[^\s,]+:\d+)*$", description="host:port,…")
    database_url: DatabaseUrl = Field(default="postgresql://quaystream@127.0.0.1:5433/quaystream", description=URL)
    owner_url: DatabaseUrl | None = Field(default=None, description=URL)
    reader_url: DatabaseUrl | None = Field(default=None, description=URL)
    database_password_file: Path | None = Field(default=None, description=FILE)
    owner_password_file: Path | None = Field(default=None, description=FILE)
    api_url: DatabaseUrl | None = Field(default=None, description=URL)
    api_password_file: Path | None = Field(default=None, description=FILE)
    reader_password_file: Path | None = Field(default=None, description=FILE)
    group: str = Field(default="quaystream", min_length=1, description="the name of the consumer group")
    raw_retention: Span = Field(default=timedelta(days=90), description=SPAN)
    max_age: Span = Field(
        default_factory=lambda given: given.get("raw_retention", timedelta(days=90)), description=SPAN
    )
    max_future: Span = Field(default=timedelta(minutes=5), description=SPAN)
    max_record_bytes: int = Field(default=1_048_576, gt=0, description=COUNT)
    web_port: int | None = Field(default=None, ge=1, le=65_535, description="a port, 1 to 65535")
    web_bind: str = Field(default="127.0.0.1", min_length=1, description="the address to listen on")
    home: Folder = Field(default_factory=_default_home, description="the path of a writable folder")
    batch_rows: int = Field(default=10_000, gt=0, description=COUNT)
    backfill_rate: int = Field(default=2_000, ge=0, description="a whole number, 0 or more")
    linger_ms: int = Field(default=5, ge=0, description="milliseconds, 0 or more")
    session_timeout: Span = Field(default=timedelta(seconds=15), description=SPAN)
    dead_letter_run: int = Field(default=5_000, gt=0, description=COUNT)
    dead_letter_share: float = Field(default=0.5, gt=0, le=1, description="a share above 0, at most 1")
    dead_letter_window: int = Field(default=100_000, gt=0, description=COUNT)
    kafka_security: Literal["plaintext", "tls", "scram", "mtls"] = Field(
        default="plaintext", description="plaintext, tls, scram or mtls"
    )
    sasl_mechanism: Literal["SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        default="SCRAM-SHA-512", description="SCRAM-SHA-256 or SCRAM-SHA-512"
    )
    username_file: Path | None = Field(default=None, description=FILE)
    password_file: Path | None = Field(default=None, description=FILE)
    ca_file: Path | None = Field(default=None, description=FILE)
    cert_file: Path | None = Field(default=None, description=FILE)
    key_file: Path | None = Field(default=None, description=FILE)
    signing_key_file: Path | None = Field(default=None, description=FILE)
    gateway_keys_file: Path | None = Field(default=None, description=FILE)
    pseudonym_keys_file: Path | None = Field(default=None, description=FILE)
    pseudonyms_only: str = Field(
        default="", pattern=r"^(all|[A-Z0-9]+-[A-Z0-9]+(,[A-Z0-9]+-[A-Z0-9]+)*|)$", description="SITE,… or all"
    )
    token_keys: str | None = Field(default=None, min_length=1, description="the path or https address of a JWKS")
    token_issuer: str | None = Field(default=None, min_length=1, description="the `iss` of the tokens")
    token_audience: str | None = Field(default=None, min_length=1, description="the `aud` of the tokens")
    contracts: Path | None = Field(default=None, description="the path of a folder of contracts")
    log_format: Literal["json", "console"] = Field(default="console", description="json or console")
    trace_export: Literal["off", "otlp"] = Field(default="off", description="off or otlp")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        del dotenv_settings, file_secret_settings
        files = (InitSettingsSource(settings_cls, given) for given in _from_files())
        return (init_settings, env_settings, *files)

    @model_validator(mode="after")
    def _has_what_security_needs(self) -> "Settings":
        missing = [name for name in NEEDED_FILES[self.kafka_security] if getattr(self, name) is None]
        if missing:
            names = " and ".join(map(variable, missing))
            message = f"{variable('kafka_security')}={self.kafka_security} needs {names}: set it to {FILE}"
            raise ValueError(message)
        return self

    def sites_of_pseudonyms(self) -> frozenset[str] | None:
        """The sites of `pseudonyms_only`; None: all."""
        names = self.pseudonyms_only
        return None if names == "all" else frozenset(names.split(",") if names else ())

    def worker_dsn(self) -> str:
        """The worker's connection URL, password included; raises ConfigurationError as the others do."""
        return _dsn("database", self.database_url, self.database_password_file)

    def worker_password(self) -> Callable[[], str] | None:
        """Reads the worker's password anew; None where it is in the URL. What it gives raises ConfigurationError."""
        file = self.database_password_file
        return None if file is None else partial(_secret, "database", file)

    def owner_dsn(self) -> str:
        """The owner's connection URL, for migrations only."""
        return _dsn("owner", self.owner_url, self.owner_password_file)

    def reader_dsn(self) -> str:
        """The reader's connection URL."""
        return _dsn("reader", self.reader_url, self.reader_password_file)

    def api_dsn(self) -> str:
        """The read API's connection URL: role quaystream_api (`quaystream share login`)."""
        return _dsn("api", self.api_url, self.api_password_file)


def load_settings() -> Settings:
    """The effective settings; raises ConfigurationError."""
    _refuse_unknown_variables()
    try:
        return Settings()
    except ValidationError as error:
        raise ConfigurationError(_explain(error)) from error


def masked(settings: Settings) -> dict[str, Any]:
    """Settings as plain JSON values with every secret masked, to show to people."""
    return {name: _shown(value) for name, value in settings}


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return PREFIX + name.upper()


def _shown(value: object) -> object:
    if isinstance(value, timedelta):
        return span_text(value)
    if isinstance(value, Path):
        return str(value)
    return mask(value) if isinstance(value, str) else value


def mask(text: str) -> str:
    """The text with the passwords of any URL in it masked."""
    text = re.sub(r"(://[^:/@\s]*):[^\s/]*@", r"\1:***@", text)
    return re.sub(r"([?&](?:ssl)?password=)[^&]*", r"\1***", text)


def _dsn(role: str, url: str | None, password_file: Path | None) -> str:
    if url is None:
        message = f"{variable(role + '_url')} is not set: run `quaystream up` or set it to {URL}"
        raise ConfigurationError(message)
    if password_file is None:
        return url
    parts = urlsplit(url)
    user, _, host = parts.netloc.rpartition("@")
    password = quote(_secret(role, password_file), safe="")
    return parts._replace(netloc=f"{user.partition(':')[0]}:{password}@{host}").geturl()


def _secret(role: str, file: Path) -> str:
    try:
        return file.read_text().rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        name = variable(role + "_password_file")
        reason = getattr(error, "strerror", None) or "not text"
        message = f"cannot read {name}={file} ({reason}): set it to {FILE} with the password"
        raise ConfigurationError(message) from error


def _from_files() -> tuple[dict[str, Any], dict[str, Any]]:
    toml = _toml()
    home = os.environ.get(variable("home")) or toml.get("home") or _default_home()
    stack = _stack(Path(str(home)).expanduser())
    if os.environ.get(variable("kafka_security")) or "kafka_security" in toml:
        # Who says how to be let in says all of it: half of another's proof would be refused, or worse, be taken.
        stack = {name: value for name, value in stack.items() if name not in ACCESS}
    return toml, stack


def _toml() -> dict[str, Any]:
    path = os.environ.get(variable("config"))
    if not path:
        return {}
    try:
        return tomllib.loads(Path(path).read_text())
    except (OSError, ValueError) as error:
        message = f"cannot read {variable('config')}={path} ({error}): set it to the path of a TOML file"
        raise ConfigurationError(message) from error


def _stack(home: Path) -> dict[str, Any]:
    try:
        return dict(json.loads((home / "stack.json").read_text())["settings"])
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError, LookupError, TypeError) as error:
        message = f"cannot read {home / 'stack.json'} ({error}): remove it, `quaystream up` writes it"
        raise ConfigurationError(message) from error


def _refuse_unknown_variables() -> None:
    known = {variable(name) for name in (*Settings.model_fields, "config")}
    for name, value in os.environ.items():
        if name in known or not name.startswith(PREFIX) or _is_foreign(name, value):
            continue
        near = difflib.get_close_matches(name, sorted(known), n=2, cutoff=0.8) or ["`quaystream config` lists them"]
        message = f"{name} is not a setting: remove it or rename it ({' or '.join(near)})"
        raise ConfigurationError(message)


def _is_foreign(name: str, value: str) -> bool:
    return (
        name.startswith(f"{PREFIX}TEST_")
        or SERVICE_LINK.search(name) is not None
        or value.startswith(("tcp://", "udp://"))
    )


def _explain(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    said = first["msg"].removeprefix("Value error, ")
    if not first["loc"]:
        return said
    name = str(first["loc"][0])
    field = Settings.model_fields.get(name)
    if field is None:
        return f"{_where(name)}: `{name}` is not a setting: remove it"
    given = f"{_where(name)}={mask(str(first['input']))}"
    return f"{given}: {said[:1].lower()}{said[1:]}; write {field.description}"


def _where(name: str) -> str:
    if os.environ.get(variable(name)):
        return variable(name)
    toml, _ = _from_files()
    return f"{name} in {os.environ[variable('config')] if name in toml else 'stack.json'}"
