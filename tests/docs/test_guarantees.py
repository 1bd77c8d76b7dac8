"""Every test that docs/guarantees.md names exists."""

import re

from tests.support.documents import ROOT

NAMED = set(re.findall(r"`(test_\w+)`", (ROOT / "docs/guarantees.md").read_text()))
DEFINED = {
    name for path in (ROOT / "tests").rglob("test_*.py") for name in re.findall(r"def (test_\w+)\(", path.read_text())
}


def test_every_test_that_is_named_as_a_proof_exists() -> None:
    assert len(NAMED) > 30
    assert sorted(NAMED - DEFINED) == []
