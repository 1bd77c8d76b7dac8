"""The API keeps its own document (schemathesis says so), the page is whole and brings nothing from elsewhere."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings

from connectors.board.server import PAGE
from schemas.generate import OPENAPI_FILE, ROOT
from tests.support.board import CRANE, NOW, SITE, answers, minute
from tests.support.served_board import Served
from tests.support.waiting import wait_until

FILES = sorted(Path(str(PAGE)).iterdir())


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    said = answers(crane_minute=[minute(CRANE, NOW)], completeness=[{"site": SITE, "received": 9, "expected": 10}])
    served = Served(said)
    yield served
    served.end()


@pytest.fixture(scope="module")
def api(served: Served) -> schemathesis.BaseSchema:
    return schemathesis.openapi.from_url(f"{served.url}/api/v1/openapi.json").exclude(path="/api/v1/stream")


def test_the_api_answers_as_its_document_says(api: schemathesis.BaseSchema) -> None:
    """By hand and not by schemathesis' pytest plugin, which wants another pytest."""
    operations = [found.ok() for found in api.get_all_operations()]
    assert [operation.path for operation in operations] == ["/api/v1/port", "/api/v1/sites/{site}"]
    for operation in operations:

        @given(case=operation.as_strategy())
        @settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck), database=None)
        def holds(case: schemathesis.Case) -> None:
            case.call_and_validate(timeout=10)

        holds()


def test_the_document_served_is_the_one_committed(served: Served) -> None:
    assert served.get("/api/v1/openapi.json").text == (ROOT / OPENAPI_FILE).read_text(encoding="utf-8")


def test_a_site_is_the_same_alone_and_in_the_port(served: Served) -> None:
    (site,) = served.get("/api/v1/port").json()["sites"]
    assert served.get(f"/api/v1/sites/{SITE}").json() == site
    assert site["completeness"] == {"value": 0.9, "received": 9, "expected": 10}


def test_the_stream_tells_the_whole_port_at_once(served: Served) -> None:
    with served.watch() as stream:
        assert stream.headers["Content-Type"] == "text/event-stream"
        data = next(line for line in stream.iter_lines() if line.startswith(b"data: "))
    change = json.loads(data.removeprefix(b"data: "))
    assert (change["whole"], change["sites"][0]["site"]) == (True, SITE)


def test_more_viewers_than_agreed_are_refused(served: Served) -> None:
    wait_until(lambda: served.feed.viewers == 0, 10, "the viewers of other tests have gone")
    with served.watch(), served.watch(), served.watch() as refused:
        assert (refused.status_code, refused.json()["title"]) == (503, "Too many viewers")


def test_an_absent_database_is_a_503_in_the_api_and_in_readyz(served: Served) -> None:
    served.eye.is_away = True
    try:
        while served.get("/api/v1/port").status_code == 200:
            pass
        answers = {path: served.get(path) for path in ("/api/v1/port", f"/api/v1/sites/{SITE}", "/readyz", "/livez")}
    finally:
        served.eye.is_away = False
    codes = [answer.status_code for answer in answers.values()]
    assert codes == [503, 503, 503, 200]
    assert answers["/api/v1/port"].headers["Content-Type"].startswith("application/problem+json")


@pytest.mark.parametrize("method", ["post", "put", "delete", "patch"])
def test_nothing_can_be_written(served: Served, method: str) -> None:
    assert requests.request(method, f"{served.url}/api/v1/port", timeout=10).status_code == 405


@pytest.mark.parametrize("file", [file for file in FILES if file.is_file()], ids=lambda file: file.name)
def test_every_file_of_the_page_is_served_and_brings_nothing_from_elsewhere(served: Served, file: Path) -> None:
    answer = served.get("/" if file.name == "index.html" else f"/{file.name}")
    assert answer.content == file.read_bytes()
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert set(re.findall(r"https?://[^\"'\s]+", answer.text)) <= {"http://www.w3.org/2000/svg"}


def test_both_languages_say_everything() -> None:
    text = (Path(str(PAGE)) / "words.js").read_text(encoding="utf-8")
    _, english, vietnamese = re.split(r"^  (?:en|vi): \{$", text, flags=re.MULTILINE)
    english, vietnamese = english.split("\n  },")[0], vietnamese.split("\n  },")[0]
    words = [dict(re.findall(r"^    (\w+): \"(.*)\",$", part, re.MULTILINE)) for part in (english, vietnamese)]
    assert list(words[0]) == list(words[1])
    places = [{key: sorted(re.findall(r"\{\w+\}", said)) for key, said in part.items()} for part in words]
    assert places[0] == places[1]
    assert not [
        key for key, said in words[1].items() if said == words[0][key] and not re.fullmatch(r"[\W\w]{0,4}", said)
    ]


def test_every_word_the_page_asks_for_is_there() -> None:
    folder = Path(str(PAGE))
    asked = {
        key for name in ("views.js", "board.js") for key in re.findall(r"say\(\"(\w+)\"", (folder / name).read_text())
    }
    said = set(re.findall(r"^    (\w+): \"", (folder / "words.js").read_text(encoding="utf-8"), re.MULTILINE))
    assert asked <= said
