"""A program of the outage drill that ends instead of getting ready."""

import os
from pathlib import Path

import pytest

from schemas.errors import CheckFailedError
from streams.cli.benchmark.outage.programs import Program


def test_a_program_that_ends_is_not_waited_for_and_its_last_words_are_told(tmp_path: Path) -> None:
    program = Program(os.environ, tmp_path / "words.log", "gateway", str(tmp_path / "missing.toml"))
    program.start()
    with pytest.raises(CheckFailedError, match=r"the gateway ended with 2: .*missing\.toml"):
        program.await_ready(within_s=60.0)
