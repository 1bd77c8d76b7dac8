"""The gateway's file: what is right is read, and what is wrong is one line that says where."""

from pathlib import Path

import pytest

from connectors.edge.config import load_config
from schemas.errors import ConfigurationError

RIGHT = """
source = "/vnhph/tanvu/gw-03"
[spool]
path = "spool.db"
max_bytes = "4GiB"
max_age = "12h"
when_full = "drop_oldest"
[delivery]
catch_up_per_s = 500
live_for = "3s"
[[sources]]
kind = "http"
name = "http"
port = 8080
[[sources]]
kind = "stdin"
name = "pipe"
"""


def load(folder: Path, text: str) -> object:
    file = folder / "gateway.toml"
    file.write_text(text)
    return load_config(file)


def test_every_word_is_read(tmp_path: Path) -> None:
    (tmp_path / "gateway.toml").write_text(RIGHT)
    config = load_config(tmp_path / "gateway.toml")
    bounds, delivery = config.spool.bounds(), config.delivery.delivery()
    assert (bounds.max_bytes, bounds.max_age.total_seconds(), bounds.when_full) == (4 * 1024**3, 43_200, "drop_oldest")
    assert (delivery.catch_up_per_s, delivery.live_for.total_seconds(), delivery.timeout.total_seconds()) == (
        500,
        3,
        30,
    )
    assert [source.name for source in config.sources] == ["http", "pipe"]


@pytest.mark.parametrize(
    ("was", "becomes", "says"),
    [
        ('"4GiB"', '"4GB"', "spool.max_bytes: write a size such as 512MiB or 4GiB"),
        ('"12h"', "12", "spool.max_age: write a duration such as 30d, 12h, 5m or 2s"),
        ('"drop_oldest"', '"drop"', "spool.when_full: Input should be 'refuse' or 'drop_oldest'"),
        ("max_bytes", "max_byte", "spool.max_byte: not a word of this file"),
        ("port = 8080", "port = 80800", "sources.0.port: Input should be less than or equal to 65535"),
        ("port = 8080", "", "sources.0.port: Field required"),
        ('"pipe"', '"http"', "two sources are named http"),
        ('kind = "stdin"', 'kind = "mqtt5"', "sources.1: Input tag 'mqtt5' found using 'kind'"),
        ('source = "/vnhph/tanvu/gw-03"', "", "source: Field required"),
        ("[spool]", "[spool", "is not TOML"),
        ('kind = "stdin"', 'kind = "files"\nfolder = "."\nformat = "csv"', "sources.1: `mapping` is for"),
        ('kind = "stdin"', 'kind = "files"\nfolder = "none"', "none is not a folder"),
        ('kind = "stdin"', 'kind = "files"\nfolder = "."\nformat = "csv"\nmapping = "none"', "no mapping none"),
    ],
)
def test_what_is_wrong_is_one_line_that_says_where(tmp_path: Path, was: str, becomes: str, says: str) -> None:
    assert was in RIGHT
    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path, RIGHT.replace(was, becomes))
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
