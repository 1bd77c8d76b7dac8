"""Which asset a network element is: a mapping, else its name at a site; and what the command says of a wrong one."""

from pathlib import Path

import pytest

from connectors.network.subjects import Subjects, asset_name, load_subjects, subjects_at
from schemas.errors import ConfigurationError
from schemas.identifiers import is_subject

GNB = "SubNetwork=VN,ManagedElement=gnb-tanvu-01"


@pytest.mark.parametrize(
    ("element", "expected"),
    [
        (GNB, "GNB_TANVU_01"),
        ("seliitdus00487", "SELIITDUS00487"),
        ("O-DU-1122", "O_DU_1122"),
        ("x" * 40, "X" * 32),
        ("A=", "A_"),
        ("", "UNNAMED"),
        ("trạm 5", "TR_M_5"),
    ],
)
def test_element_has_the_last_part_of_its_name(element: str, expected: str) -> None:
    assert asset_name(element) == expected
    assert is_subject(f"VNHPH-TANVU-{asset_name(element)}")


def test_first_matching_pattern_counts_and_an_object_goes_before_its_element(tmp_path: Path) -> None:
    file = tmp_path / "cells.yaml"
    file.write_text(
        'site: VNHPH-TANVU\nsubjects:\n  "*gnb-tanvu-01,NRCellDU=3": VNHPH-TANVU-CELL03\n  "*gnb-tanvu-01*": VNHPH-TANVU-GNB01\n'
    )
    subjects = load_subjects(str(file))
    assert subjects.of(GNB, "NRCellDU=3") == "VNHPH-TANVU-CELL03"
    assert subjects.of(GNB, "NRCellDU=4") == "VNHPH-TANVU-GNB01"
    assert subjects.of(GNB, None) == "VNHPH-TANVU-GNB01"
    assert subjects.of("other", "NRCellDU=3") == "VNHPH-TANVU-OTHER"
    assert Subjects().of("other", None) == "VNHPH-DEEPC2-OTHER"


@pytest.mark.parametrize("text", ["", "- a", "site: tanvu", "subjects: {a: STS01}", "sites: VNHPH-TANVU", "a: [", "\0"])
def test_mapping_that_is_none_is_named(text: str, tmp_path: Path) -> None:
    file = tmp_path / "cells.yaml"
    file.write_text(text)
    with pytest.raises(ConfigurationError, match=r"cells\.yaml"):
        load_subjects(str(file))


def test_site_that_is_none_is_named() -> None:
    with pytest.raises(ConfigurationError, match="--site"):
        subjects_at("tanvu")
