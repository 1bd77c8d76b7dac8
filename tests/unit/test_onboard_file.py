"""What a file of onboarding may say: every fault at once, each with its line, by the code lists; and how one is drafted."""

from pathlib import Path

import pytest
import yaml

from schemas.errors import ConfigurationError
from schemas.onboard import FaultsError, read_port, read_ports
from schemas.onboard.draft import draft
from schemas.onboard.probe import probes_of
from schemas.sla import load_profiles
from schemas.topics import EVENT_TOPICS
from tests.support import onboarding

GOOD = yaml.safe_dump(onboarding.document(1), sort_keys=False)


def faults(tmp_path: Path, text: str) -> list[str]:
    file = tmp_path / "port.yaml"
    file.write_text(text)
    with pytest.raises(FaultsError) as raised:
        read_port(file)
    assert raised.value.exit_code == 2
    return raised.value.faults


def test_a_good_file_is_a_site_of_the_code_list(tmp_path: Path) -> None:
    port = read_port(onboarding.write(tmp_path, 1))
    assert port.site.site_id == "VNHPH-PORT01"
    assert [asset.asset_id for asset in port.site.assets] == [
        f"VNHPH-PORT01-{n}" for n in ("STS01", "STS01_UE", "GATE01")
    ]
    assert port.site.assets[1].carried_by == "VNHPH-PORT01-STS01"
    assert port.site.utc_offset.total_seconds() == 7 * 3600
    assert [gateway.name for gateway in port.gateways] == [f"vnhph-port01-{n}" for n in ("gw-01", "gw-02", "tos-01")]
    ((baseline,),) = [port.baselines]
    # 12 touches a visit, over 400 visits.
    assert (baseline.values[0].numerator, baseline.values[0].divides_by) == (4800.0, 400.0)


def line_of(text: str, words: str) -> int:
    (found,) = [number for number, line in enumerate(text.splitlines(), 1) if words in line]
    return found


CASES = {
    "VNHPH-PORT01": ("VNH01-PORT01", "site.id: 'VNH01-PORT01' does not begin with a UN/LOCODE: write VNHPH-TANVU"),
    "id: STS01\n": ("id: sts 1\n", "assets[0].id: String should match pattern '^[A-Z0-9_]{1,32}$'"),
    "kind: gate": ("kind: door", "assets[2].kind: Input should be 'crane', 'gate', 'cell' or 'device'"),
    "- remote-crane-control": (
        "- mobile-robot-control",
        "sla[0]: mobile-robot-control is asked of no device of this site",
    ),
    "kpi: touch_points": ("kpi: touches", "baselines[0].values[0].kpi: 'touches' is no KPI"),
    "commercial: 90": ("secret: 90", "retention.secret"),
    "personal: 30": ("personal: 29", "retention.personal: keys of pseudonyms are kept 30 days and no shorter"),
    "bytes_per_s: 1048576": ("bytes_per_s: 1.5", "gateways[0].bytes_per_s: Input should be a valid integer"),
    "utc_offset: +07:00": ("utc_offset: 7", 'site.utc_offset: write hours and minutes in quotes, such as "07:00"'),
    "carried_by: STS01": ("carried_by: GATE01", "assets[1].carried_by: 'GATE01' is no crane of this file"),
    "  - gate-events": (
        "  - vessel-events",
        "assets[2].gateways: none of them writes gate-events, which a gate reports to",
    ),
    "sd: 2.0": ("note: x", "baselines[0].values[0].note: is no word of this file"),
    "source: /vnhph/port01/gw-02": (
        "source: /vnhph/port01/gw-01",
        "gateways[1].source: '/vnhph/port01/gw-01' is the source",
    ),
    "- OUT1": ("- OUT 1", "assets[2].lanes[1]"),
}


@pytest.mark.parametrize("old", CASES)
def test_a_fault_is_told_with_its_line(old: str, tmp_path: Path) -> None:
    text = GOOD.replace("'+07:00'", "+07:00")
    new, said = CASES[old]
    assert old in text
    found = faults(tmp_path, text.replace(old, new, 1))
    assert any(f", {said}" in fault for fault in found), found
    assert all(fault.startswith("line ") for fault in found)


def test_all_faults_come_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = (
        GOOD.replace("kind: crane", "kind: krane")
        .replace("kpi: touch_points", "kpi: touches")
        .replace("name: Port 1", "nam: Port 1")
    )
    found = faults(tmp_path, text)
    lines = [int(fault.split()[1].rstrip(",")) for fault in found]
    assert lines == sorted(lines)
    assert {line_of(text, words) for words in ("nam: Port 1", "kind: krane", "kpi: touches")} <= set(lines)
    assert any("site.name: is missing" in fault for fault in found)


def test_a_part_that_is_said_twice_is_a_fault(tmp_path: Path) -> None:
    assert faults(tmp_path, GOOD + "sla: []\n") == [f"line {len(GOOD.splitlines()) + 1}, sla: is said twice"]


@pytest.mark.parametrize("text", ["", "[]", "site: [", "a: &a [*a]", "\x00"])
def test_what_is_no_file_is_refused_and_not_a_crash(text: str, tmp_path: Path) -> None:
    file = tmp_path / "port.yaml"
    file.write_text(text)
    with pytest.raises(ConfigurationError):
        read_port(file)


def test_two_files_may_not_claim_the_same(tmp_path: Path) -> None:
    first = onboarding.write(tmp_path, 1)
    second = tmp_path / "second.yaml"
    second.write_text(onboarding.write(tmp_path, 2).read_text().replace("/vnhph/port02/tos-01", "/vnhph/port01/tos-01"))
    with pytest.raises(ConfigurationError, match=r"second\.yaml: source /vnhph/port01/tos-01 is in .*port01\.yaml too"):
        read_ports([first, second])


def test_a_test_message_is_a_good_event_of_its_topic_in_all_but_its_time(tmp_path: Path) -> None:
    said = onboarding.document(1)
    said["gateways"][0]["topics"] = [topic.name for topic in EVENT_TOPICS]
    probes = probes_of(read_port(onboarding.write(tmp_path, 1, gateways=said["gateways"])), "run")
    assert [probe.topic for probe in probes[:5]] == [topic.name for topic in EVENT_TOPICS]
    types = {topic.name: topic.types for topic in EVENT_TOPICS}
    assert all(probe.event["type"] in types[probe.topic] for probe in probes)
    assert len({(probe.gateway.source, probe.event_id) for probe in probes}) == len(probes)


TABLE = """id,kind,type,gateway,name,lanes,carried_by
VNHPH-NAMDV-STS01,crane,STS,/vnhph/namdv/gw-01,Quay crane 1,,
VNHPH-NAMDV-STS01_UE,device,UE,/vnhph/namdv/gw-01,,,VNHPH-NAMDV-STS01
VNHPH-NAMDV-GATE01,gate,GATE,/vnhph/namdv/gw-02,,IN1 OUT1,
"""


def test_a_table_of_assets_drafts_a_file_that_holds(tmp_path: Path) -> None:
    file = tmp_path / "namdv.yaml"
    file.write_text(draft(TABLE, "assets.csv"))
    port = read_port(file)
    assert port.site_id == "VNHPH-NAMDV"
    assert {g.source: g.topics for g in port.gateways} == {
        "/vnhph/namdv/gw-01": ("crane-events", "cell-events"),
        "/vnhph/namdv/gw-02": ("gate-events",),
    }
    assert [(a.id, a.lanes, a.carried_by) for a in port.assets] == [
        ("STS01", (), None),
        ("STS01_UE", (), "STS01"),
        ("GATE01", ("IN1", "OUT1"), None),
    ]
    assert set(port.sla) <= {profile.profile_id for profile in load_profiles()}
    assert "remote-crane-control" in port.sla


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "has no line"),
        ("id,kind\nVNHPH-NAMDV-STS01,crane\n", "the header lacks type, gateway"),
        (TABLE.replace(",crane,", ",krane,"), "line 2: 'krane' is no kind"),
        (TABLE.replace("VNHPH-NAMDV-GATE01", "GATE01"), "line 4: 'GATE01' is no subject"),
        (TABLE.replace("VNHPH-NAMDV-GATE01", "VNHPH-TANVU-GATE01"), "it is of several sites"),
        (TABLE + "VNHPH-NAMDV-GATE02,gate\n", "line 5: has more or fewer fields"),
    ],
)
def test_a_table_that_cannot_be_used_is_told_by_line(text: str, said: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        draft(text, "assets.csv")
    assert said in str(raised.value)
