"""The page of settings: every field of `Settings` with its default and what it is for."""

from datetime import timedelta
from typing import Any, Final

from pydantic.fields import FieldInfo

from streams.cli.reference.markdown import code, table
from streams.settings import Settings, span_text, variable


def _holds(what: str) -> str:
    return f"Holds {what}."


def _tokens(what: str) -> str:
    return f"Bearer tokens of the read API: {what}"


MEANINGS: Final = {
    "brokers": "Kafka's bootstrap addresses.",
    "database_url": "The database, as the worker's role. Most commands use it too.",
    "owner_url": "The database, as its owner: for `migrate`, `offsets reset` and `verify`.",
    "reader_url": "The database, as the reader: for `export`.",
    "database_password_file": _holds("the worker's password, put into `QUAYSTREAM_DATABASE_URL` when it connects"),
    "owner_password_file": _holds("the owner's password"),
    "api_url": "The database, as the read API's role `quaystream_api` ([how](../how-to/share.md)).",
    "api_password_file": _holds("the read API's password"),
    "token_keys": _tokens("the JWKS they are verified with, a file or an https address."),
    "token_issuer": _tokens("who issues them, their claim `iss`."),
    "token_audience": _tokens("whom they are for, their claim `aud`."),
    "reader_password_file": _holds("the reader's password"),
    "group": "The consumer group. One database has one group: a worker with another is refused.",
    "raw_retention": "How long raw rows are kept; rollups stay for ever.",
    "max_age": "Events older than this at the broker's append time are refused as `too_old`. Raise it to load "
    "history: raw rows are then kept as long.",
    "max_future": "Events further than this ahead of the broker's append time are refused as `clock_skew`.",
    "max_record_bytes": "Record values larger than this are refused as `too_large`.",
    "web_port": "Where the worker serves `/metrics`, `/livez` and `/readyz`. A given port that is taken ends the worker.",
    "web_bind": "The address those pages listen on. They have no authentication.",
    "home": "The local stack's data, and what it tells the commands (`stack.json`).",
    "batch_rows": "At most so many records in one transaction: batch size sets cost.",
    "backfill_rate": "At most so many records of history a second and worker, less while live records wait; `0` pauses "
    "[back-fill](../how-to/backfill.md).",
    "linger_ms": "How long a batch waits for more records: linger sets latency. Rows or milliseconds, whichever comes "
    "first.",
    "session_timeout": "How long Kafka waits for a silent worker before it gives its partitions to others. Heartbeats are "
    "five times as frequent, and at least one a second: by their answers a worker learns that another has left.",
    "dead_letter_run": "This many poison records in a row pause their partition.",
    "dead_letter_share": "More poison than this share of the window pauses the partition.",
    "dead_letter_window": "The records of one partition that the share is measured over.",
    "kafka_security": "How to be let in by the brokers. `scram` is SASL over TLS.",
    "sasl_mechanism": "For `scram`.",
    "username_file": _holds("the name for `scram`"),
    "password_file": _holds("the password for `scram`"),
    "ca_file": "The authorities that sign the brokers' certificates, as PEM; unset: the system's.",
    "cert_file": "Our certificate for `mtls`, as PEM.",
    "key_file": "Its unencrypted key, as PEM.",
    "signing_key_file": "With it our producers sign what they send (docs/how-to/bind-sources.md).",
    "gateway_keys_file": "With it a worker refuses what is not signed by the gateway of its `source`.",
    "pseudonym_keys_file": "With it `gateway`, `publish` and `simulate` send pseudonyms for plates, operators and drivers "
    "([how](../how-to/pseudonyms.md)).",
    "pseudonyms_only": "Sites (`VNHPH-TANVU,…`, or `all`) whose clear names the worker withholds and counts.",
    "contracts": "The folder of the contracts of sharing ([how](../how-to/share.md)); unset: `schemas/share`, as shipped.",
    "log_format": "Log lines for machines (`json`) or for people (`console`).",
    "trace_export": "`otlp` exports each transaction as a span to an OpenTelemetry collector "
    "([logs and traces](../how-to/logs-and-traces.md)); needs the extra `otel`.",
}
# Defaults that are worked out when the settings are read.
WORKED_OUT: Final = {"max_age": "the raw retention", "home": "`.quaystream` in the repository, else here"}
UNSET: Final = {"web_port": "the next free of 6066-6097"}
_INTRO: Final = """# Settings

Environment variables, and the same names in lower case without the prefix in a TOML file that `QUAYSTREAM_CONFIG` names.
The first that says something wins: environment, TOML file, `$QUAYSTREAM_HOME/stack.json` (written by `quaystream up`), default.
An unknown variable with our prefix is refused, so that a misspelt one does not pass unnoticed. `quaystream config` shows what is in force,
secrets masked. Durations are whole numbers with `d`, `h`, `m` or `s`.

"""
_OUTRO: Final = """
A TOML file:

```toml
brokers = "10.0.4.11:9092,10.0.4.12:9092"
raw_retention = "30d"
kafka_security = "scram"
username_file = "/run/secrets/kafka-user"
password_file = "/run/secrets/kafka-password"
```
"""


def page() -> str:
    """The text of the page; raises KeyError for a setting that has no meaning here yet."""
    rows = ((code(variable(n)), _default(n, f), f.description or "", MEANINGS[n]) for n, f in _fields().items())
    return _INTRO + table(("variable", "default", "write", "meaning"), rows) + _OUTRO


def _fields() -> dict[str, FieldInfo]:
    return dict(Settings.model_fields)


def _default(name: str, field: FieldInfo) -> str:
    if name in WORKED_OUT:
        return WORKED_OUT[name]
    if field.default is None:
        return UNSET.get(name, "")
    return code(_text(field.default))


def _text(value: Any) -> str:
    return span_text(value) if isinstance(value, timedelta) else str(value)
