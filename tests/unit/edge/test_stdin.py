"""JSON lines from a pipe."""

import json
import os
from pathlib import Path

from connectors.stdin.source import StdinSource
from tests.support.doors import a_door
from tests.support.edge import words


async def test_lines_of_a_pipe_are_taken_in_order_and_the_source_ends_with_it(tmp_path: Path) -> None:
    incoming, outgoing = os.pipe()
    with os.fdopen(outgoing, "w") as writer:
        writer.write("".join(json.dumps(words(data={"load_t": float(n)})) + "\n" for n in range(1, 4)))
        writer.write("no event\n" + json.dumps(words(data={"load_t": 5.0})) + "\nnor this")
    async with a_door(tmp_path) as opened:
        with os.fdopen(incoming, "rb") as reader:
            await StdinSource(reader).run(opened.door)
        assert [event["data"]["load_t"] for event in await opened.kept()] == [1, 2, 3, 5]
        assert opened.errors("invalid") == 2
        assert [value for _, _, value, _ in await opened.refused()] == [b"no event", b"nor this"]
