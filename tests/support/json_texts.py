"""JSON as senders really write it: numbers no float holds, literals that are not JSON, keys given twice, bytes that are no text."""

import json
from typing import Any

from hypothesis import strategies as st

Strategy = st.SearchStrategy[Any]


class Raw(str):
    """Text that goes into the document as it is."""

    __slots__ = ()


class Twice(list[tuple[str, Any]]):
    """The members of an object, of which one key may come twice."""


def to_bytes(value: Any) -> bytes:
    """The document of a value; lone surrogates become the escapes or the bytes a careless sender writes."""
    return to_text(value).encode("utf-8", "surrogatepass")


def to_text(value: Any) -> str:
    """JSON text. Short strings keep their characters, long ones are escaped: both forms must be read."""
    if isinstance(value, Raw):
        return str(value)
    if isinstance(value, (dict, Twice)):
        members = value.items() if isinstance(value, dict) else value
        return "{" + ",".join(f"{to_text(name)}:{to_text(inner)}" for name, inner in members) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(to_text, value)) + "]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=len(value) % 2 == 0)
    return json.dumps(value)


NUMBERS: Strategy = st.one_of(
    st.sampled_from(
        [
            *("NaN", "Infinity", "-Infinity", "1e999", "-1e999", "1e309", "1.7976931348623159e308", "1e-400"),
            *(
                "-0",
                "-0.0",
                "0.0",
                "1.0",
                "40.0",
                "1e2",
                "1E+2",
                "4e1",
                "0e0",
                "-1",
                "01",
                "+1",
                ".5",
                "1.",
                "1e",
                "0x10",
            ),
            *(str(2**31), str(2**53 + 1), str(2**63 - 1), str(2**63), str(2**64), str(-(2**63) - 1), "9" * 25),
            *("1" + "0" * 308, "1" + "0" * 309, "9" * 400, "9" * 401, "9" * 4300, "9" * 4301),
        ]
    ).map(Raw),
    st.integers(-10, 300),
    st.integers(),
    st.floats(),
    st.floats(-200, 200),
)
TEXTS: Strategy = st.one_of(
    st.sampled_from(["", " ", "\0", "a\0b", "\ud800", "a\udfffb", "\U0001f6a2", "é", "0", "1", "true", "null"]),
    st.sampled_from([63, 64, 65, 255, 256, 257, 511, 512, 513, 65_535, 65_536, 65_537]).map(lambda n: "\U0001f6a2" * n),
    st.text(max_size=8),
    st.text(st.characters(exclude_categories=()), max_size=4),
)
DEEP: Strategy = st.sampled_from([2, 61, 62, 63, 64, 65, 66, 900, 1_100, 100_000]).map(lambda n: Raw("[" * n + "]" * n))
LEAVES: Strategy = st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS)
ANYTHING: Strategy = st.one_of(
    LEAVES,
    DEEP,
    st.recursive(
        LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3), max_leaves=6
    ),
)


@st.composite
def disturbed(draw: st.DrawFn, members: dict[str, Any], names: tuple[str, ...]) -> Any:
    """An object with up to three things done to it: a member dropped, replaced, renamed, added, or given twice."""
    pairs = list(members.items())
    for _ in range(draw(st.sampled_from([0, 0, 1, 1, 1, 2, 3]))):
        what = draw(st.sampled_from(["drop", "replace", "replace", "rename", "add", "twice"]))
        known = [name for name, _ in pairs] or ["nothing"]
        name = draw(st.sampled_from([*names, *known]))
        if what == "drop":
            pairs = [pair for pair in pairs if pair[0] != name]
        elif what == "replace":
            value = draw(ANYTHING)
            pairs = [(n, value if n == name else v) for n, v in pairs]
        elif what == "rename":
            other = draw(TEXTS)
            pairs = [(other if n == name else n, v) for n, v in pairs]
        elif what == "add":
            pairs.append((draw(st.one_of(TEXTS, st.sampled_from(names))), draw(ANYTHING)))
        else:
            pairs.append((name, draw(st.one_of(ANYTHING, st.sampled_from([v for _, v in pairs] or [None])))))
    return Twice(pairs)
