"""The gateway's guide: its file is a valid one, its tables have every word, its program runs as far as Kafka."""

import ast
import configparser
import re
import tomllib
from pathlib import Path

import pytest

from connectors.cloudevents_http.settings import HttpSettings
from connectors.edge import KafkaAccess, Publisher
from connectors.edge.config import Config, DeliveryConfig, SpoolConfig
from connectors.edge.source_settings import SourceSettings
from connectors.files.settings import FilesSettings
from connectors.pm_inbox.settings import FilesAnnounced, PmInboxSettings
from connectors.stdin.settings import StdinSettings
from connectors.ves_http.settings import VesSettings
from streams.settings import Settings, variable
from tests.support.documents import ROOT, Document

GUIDE = Document(ROOT / "docs/how-to/gateway.md")
COLLECTOR = Document(ROOT / "docs/how-to/ves-collector.md")
(FILE,) = GUIDE.blocks("toml")
(UNIT,) = GUIDE.blocks("ini")
(PROGRAM,) = GUIDE.blocks("python")


def test_the_file_of_the_guide_is_valid() -> None:
    config = Config.model_validate(tomllib.loads(FILE))
    assert [source.kind for source in config.sources] == ["http", "files", "files"]


def test_the_file_of_the_collectors_guide_is_valid_and_has_the_words_of_announced_files() -> None:
    (file,) = COLLECTOR.blocks("toml")
    config = Config.model_validate(tomllib.loads(file))
    assert [source.kind for source in config.sources] == ["ves", "pm-xml"]
    (table,) = re.findall(r"^\| word of `files` .+?\n\n", COLLECTOR.text, re.MULTILINE | re.DOTALL)
    first = "".join(line.split("|")[1] for line in table.strip().splitlines()[2:])
    assert set(re.findall(r"`([a-z_]+)`", first)) == set(FilesAnnounced.model_fields)


def test_every_word_of_the_file_is_in_the_guide_and_no_other() -> None:
    told = set(re.findall(r"^\| `([a-z_.]+)` \|", GUIDE.text, re.MULTILINE))
    words = {f"spool.{name}" for name in SpoolConfig.model_fields}
    words |= {f"delivery.{name}" for name in DeliveryConfig.model_fields}
    assert all(f"`{name}`" in GUIDE.text for name in SourceSettings.model_fields)
    assert told - {"id", "http", "files", "stdin", "ves"} == words | {"source", "sources"}


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("http", HttpSettings),
        ("files", FilesSettings),
        ("stdin", StdinSettings),
        ("ves", VesSettings),
        ("pm-xml", PmInboxSettings),
    ],
)
def test_every_word_of_a_source_is_in_its_row(kind: str, settings: type[SourceSettings]) -> None:
    (row,) = re.findall(rf"^\| `{kind}` \| (.+?) \| ", GUIDE.text, re.MULTILINE)
    # What every source has is in the table of the file.
    own = set(settings.model_fields) - set(SourceSettings.model_fields)
    assert own <= set(re.findall(r"`([a-z_]+)`", row))


def test_the_service_sets_settings_that_exist() -> None:
    named = {line.partition("=")[2].partition("=")[0] for line in UNIT.splitlines() if line.startswith("Environment=")}
    assert named - {variable(name) for name in Settings.model_fields} == set()
    parser = configparser.ConfigParser(strict=False)
    parser.read_string(UNIT)
    assert parser["Service"]["Restart"] == "always"


async def test_the_program_of_the_guide_keeps_its_event(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    class Here(Publisher):
        """The same, in a folder of ours and without Kafka."""

        def __init__(self, _path: Path, _access: KafkaAccess, source: str) -> None:
            super().__init__(tmp_path / "spool.db", KafkaAccess("127.0.0.1:1"), source)

    names: dict[str, object] = {}
    exec(compile(ast.parse(PROGRAM), "docs/how-to/gateway.md", "exec"), names)  # noqa: S102
    names["Publisher"] = Here
    await names["main"]()  # type: ignore[operator]
    assert re.search(r"^[0-9a-f]{16}\.1\.1 1$", capsys.readouterr().out, re.MULTILINE)
