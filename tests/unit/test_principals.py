"""Who may do what, read from a file: what is meant, and what is refused before anybody gets a right."""

from pathlib import Path

import pytest

from deploy.principals import Right, load_principals
from schemas.errors import ConfigurationError
from schemas.topics import BACKFILL_TOPICS, EVENT_TOPICS


def written(folder: Path, text: str) -> Path:
    file = folder / "principals.yaml"
    file.write_text(text)
    return file


def test_kinds_of_topics_are_every_topic_of_that_kind_by_name(tmp_path: Path) -> None:
    text = "reader: {proofs: [password], may: [{topics: [events, backfill], do: [Read]}, {groups: [g], do: [Read]}]}"
    (reader,) = load_principals(written(tmp_path, text)).values()
    topics = [topic.name for topic in (*EVENT_TOPICS, *BACKFILL_TOPICS)]
    assert reader.rights == (*(Right("topic", name, ("Read",)) for name in topics), Right("group", "g", ("Read",)))


def test_shipped_gateways_write_their_own_topic_and_nothing_else() -> None:
    gateways = {name: one for name, one in load_principals().items() if name.startswith("gateway")}
    assert {name: one.rights for name, one in gateways.items()} == {
        "gateway-01": (Right("topic", "crane-events", ("Write", "Describe")),),
        "gateway-02": (Right("topic", "gate-events", ("Write", "Describe")),),
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: {proofs: [password], may: [{topics: [nowhere], do: [Read]}]}", "'nowhere' is no topic"),
        ("a: {proofs: [password], may: [{topics: [events], do: [All]}]}", "may.0.do.0"),
        ("a: {proofs: [], may: []}", "proofs"),
        ("a: {proofs: [password], may: [], super: true}", "super"),
        ("broker: {proofs: [password], may: []}", "'broker' cannot be a principal"),
        ("'a/../b': {proofs: [password], may: []}", "cannot be a principal"),
        ("a: {proofs: [password], speaks_for: nobody, may: []}", "speaks_for"),
        ("- a", "does not say who may do what"),
        (": [", "does not say who may do what"),
    ],
)
def test_what_makes_no_sense_is_one_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_principals(written(tmp_path, text))
    assert said in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot read"):
        load_principals(tmp_path / "none.yaml")
