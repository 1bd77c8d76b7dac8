"""What fuzzing found worth keeping, played again without instruments: no error, nothing slow."""

import time

import pytest

from tests.fuzz.corpus import kept
from tests.fuzz.targets import TARGETS

LONGEST_S = 0.1


@pytest.mark.parametrize("name", TARGETS)
def test_every_decoder_has_a_corpus(name: str) -> None:
    assert kept(name)


@pytest.mark.parametrize("name", TARGETS)
def test_the_corpus_raises_nothing_and_is_not_slow(name: str) -> None:
    target = TARGETS[name]
    contents = [*target.seeds(), *kept(name)]
    target.one(contents[0])  # what is built on first use
    for content in contents:
        tries = []
        while not tries or (tries[-1] > LONGEST_S and len(tries) < 3):
            started = time.thread_time()
            target.one(content)
            tries.append(time.thread_time() - started)
        assert min(tries) <= LONGEST_S, content[:200]
