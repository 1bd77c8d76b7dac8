"""Documents name only files that exist, and nothing that belongs to one machine or one registry."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.documents import ROOT, Document, documents

DOCUMENTS = documents()
# All but those that say where recordings are from.
OURS = [document for document in DOCUMENTS if not document.name.startswith("tests/data/")]
ROOMS = ("schemas", "streams", "connectors", "deploy", "tests", "docs")
# Written apart, so that this file does not find itself.
REGISTRIES = [
    "".join(parts)
    for parts in (
        ("pypi", ".org"),
        ("python", "hosted.org"),
        ("npm", "js.org"),
        ("maven", ".org"),
        ("repo.maven.", "apache"),
        ("deb.", "debian.org"),
        ("proxy.", "golang.org"),
        ("docker", ".io"),
        ("index", "-url ="),
    )
]
MACHINES = ["".join(parts) for parts in (("/wo", "rk/"), ("/ro", "ot/"), ("/tm", "p/qs-"))]
FROM_ELSEWHERE = {"LICENSE", "requirements.lock"}


def texts() -> Iterator[tuple[str, str]]:
    """Every text file of the repository that we write by hand, by name."""
    for path in sorted(ROOT.rglob("*")):
        parts = path.relative_to(ROOT).parts
        if path.is_dir() or path.name in FROM_ELSEWHERE or any(p.startswith(".") or p == "__pycache__" for p in parts):
            continue
        try:
            yield path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue


def named_paths(document: Document) -> Iterator[str]:
    """Paths in backticks that begin in one of our folders; placeholders are left out."""
    for code in document.inline():
        if re.fullmatch(rf"({'|'.join(ROOMS)})/[\w./*-]+", code):
            yield code


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda d: d.name)
def test_document_names_only_paths_that_exist(document: Document) -> None:
    assert [path for path in named_paths(document) if not list(ROOT.glob(path.rstrip("/")))] == []


def test_the_tree_of_the_readme_is_the_tree() -> None:
    text = Document(ROOT / "README.md").text
    block = re.search(r"^## The tree\n+```\n(.*?)```", text, re.MULTILINE | re.DOTALL)
    assert block is not None
    above, missing = ROOT, []
    for line in block[1].splitlines():
        name = line.split()[0]
        path = (above if line.startswith(" ") else ROOT) / name
        above = above if line.startswith(" ") else path
        missing += [] if path.exists() else [name]
    assert missing == []


def test_folders_named_behind_a_room_are_in_it() -> None:
    text = Document(ROOT / "README.md").text
    line = re.search(r"^connectors/\s+effects: (.+)$", text, re.MULTILINE)
    assert line is not None
    there = {f"{path.name}/" for path in (ROOT / "connectors").iterdir() if (path / "__init__.py").exists()}
    assert set(line[1].split()) == there


def test_no_file_names_a_package_registry() -> None:
    assert [(name, word) for name, text in texts() for word in REGISTRIES if word in text] == []


def test_no_file_names_a_folder_of_one_machine() -> None:
    assert [(name, word) for name, text in texts() for word in MACHINES if word in text] == []


@pytest.mark.parametrize("document", OURS, ids=lambda d: d.name)
def test_addresses_in_documents_are_loopback(document: Document) -> None:
    hosts = set(re.findall(r"https?://([\w.-]+)", document.text))
    assert sorted(hosts - {"127.0.0.1", "localhost"}) == []


def test_every_name_in_the_walk_through_is_a_name_in_the_code() -> None:
    sources = "".join(
        path.read_text(encoding="utf-8") for room in ROOMS[:4] for path in Path(ROOT / room).rglob("*.py")
    )
    walk = Document(ROOT / "docs/follow-one-event.md")
    names = [
        code
        for code in walk.inline()
        if re.fullmatch(r"[A-Za-z_]+(\.[a-z_]+)*(\(\d*\))?", code) and not code.endswith(".jsonl")
    ]
    missing = [
        name for name in names if not re.search(rf"\b{re.escape(name.partition('(')[0].rsplit('.', 1)[-1])}\b", sources)
    ]
    assert names
    assert missing == []
