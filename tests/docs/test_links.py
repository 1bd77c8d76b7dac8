"""Every relative link leads somewhere."""

import re

import pytest

from tests.support.documents import ROOT, Document, documents

DOCUMENTS = documents()


def anchors(text: str) -> set[str]:
    """The anchors of a document's headings, as they are made from their words."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda d: d.name)
def test_every_relative_link_resolves(document: Document) -> None:
    broken = []
    for link in document.links():
        target, _, anchor = link.partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        path = (document.path.parent / target).resolve() if target else document.path
        if not path.exists() or (anchor and anchor not in anchors(path.read_text(encoding="utf-8"))):
            broken.append(link)
    assert broken == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda d: d.name)
def test_links_stay_inside_the_repository(document: Document) -> None:
    outside = [
        link
        for link in document.links()
        if not re.match(r"[a-z]+:", link)
        and not (document.path.parent / link.partition("#")[0]).resolve().is_relative_to(ROOT)
    ]
    assert outside == []


def test_every_page_of_the_documents_is_reached_from_the_readme() -> None:
    by_path = {document.path: document for document in DOCUMENTS}
    reached, pending = set(), [ROOT / "README.md"]
    while pending:
        path = pending.pop()
        if path in reached or path not in by_path:
            continue
        reached.add(path)
        links = (link.partition("#")[0] for link in by_path[path].links())
        pending += [(path.parent / link).resolve() for link in links if link]
    pages = {path for path in by_path if path.is_relative_to(ROOT / "docs")}
    assert sorted(path.relative_to(ROOT).as_posix() for path in pages - reached) == []
