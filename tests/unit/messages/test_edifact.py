"""EDIFACT: syntax, counts, what a broken part costs, what a report means. Vectors of ISO 9735 and of the domain's words."""

import re
from collections.abc import Iterator

import pytest

from connectors.edifact.interchange import Broken, Message, read
from connectors.edifact.syntax import Segment, raw_segments, segment_of, signs_of, text_of
from connectors.kafka.outgoing import problem_of
from schemas.errors import ConfigurationError
from tests.support.messages import MESSAGES, events, refusals, said

SAMPLE = (MESSAGES / "D95BCOARRI.edi").read_bytes()
GATE_OUT = (
    "UNH+1+CODECO:D:00B:UN:SMDG21'BGM+36+TVGO261124001+9'NAD+CF+QSY:172:20'EQD+CN+QSYU2045188+45G1:102:5++3+5'"
    "DTM+7:202611240858:203'\nLOC+165+VNHPH:139:6+TANVU:TER:ZZZ'MEA+AAE+VGM+KGM:24350'SEL+VN0091827+CA'"
    "TDT+1++3+++++15C12345:146'CNT+16:1'UNT+11+1'\n"
)


def lift(
    number: str = "TNVU3507128", document: str = "98", when: str = "DTM+203:202611240912:203", reference: int = 1
) -> str:
    """A COARRI of one box; its segments are counted."""
    body = f"BGM+{document}+TVDI{reference}+9'EQD+CN+{number}+22G1:102:5++3+5'{when}'CNT+16:1'"
    return f"UNH+{reference}+COARRI:D:95B:UN'{body}UNT+6+{reference}'"


def interchange(*messages: str, repertoire: str = "UNOA:2", count: int | None = None, reference: str = "7") -> str:
    return f"UNB+{repertoire}+A+B+261124:0930+7'{''.join(messages)}UNZ+{len(messages) if count is None else count}+{reference}'"


def segments(text: str) -> Iterator[Segment]:
    signs, rest = signs_of(text)
    return (segment_of(raw, signs, n) for n, (raw, _) in enumerate(raw_segments(rest, signs), start=1))


def test_released_signs_are_text() -> None:
    (found,) = segments("FTX+AAA+++A?+B?:C?'D??+E:F'")
    assert found == Segment("FTX", (("AAA",), ("",), ("",), ("A+B:C'D?",), ("E", "F")), 1)
    assert text_of(found) == "FTX+AAA+++A?+B?:C?'D??+E:F'"


def test_service_string_advice_changes_every_sign_and_line_breaks_are_noise() -> None:
    (found,) = segments("UNA|*,! ~\r\nFTX*AAA***A!*B|C~\r\n")
    assert found.elements == (("AAA",), ("",), ("",), ("A*B", "C"))


def test_without_a_release_character_a_question_mark_is_text() -> None:
    (found,) = segments("UNA:+.  'FTX+WHY?'")
    assert found.get(0) == "WHY?"


@pytest.mark.parametrize("advice", ["UNA:+.", "UNA::.? '", "UNA +.? '"])
def test_advice_that_names_no_separators_is_refused(advice: str) -> None:
    (broken,) = read(advice.encode())
    assert isinstance(broken, Broken)
    assert "UNA" in broken.why


def test_gate_out_of_the_domains_words_is_a_milestone_and_a_step() -> None:
    cargo, step = events("edifact", GATE_OUT)
    assert (cargo["subject"], cargo["time"]) == ("VNHPH-TANVU-QSYU2045188", "2026-11-24T01:58:00.000Z")
    assert cargo["data"]["milestone"] == "gated_out"
    assert "truck_plate" not in cargo["data"]
    assert step["data"]["truck_plate"] == "15C12345"
    assert (step["data"]["direction"], step["data"]["weight_kg"]) == ("out", 24_350)


def test_partner_may_have_no_gate_steps() -> None:
    (cargo,) = events("edifact", GATE_OUT, gate_steps=False)
    assert cargo["type"] == "io.quaystream.cargo.milestone.v1"


def oracle(text: str) -> list[tuple[str, str, str, float]]:
    """Number, local time, cell and weight of each box of the sample, by lines alone."""
    found = []
    for group in text.split("EQD+CN+")[1:]:
        (weight,) = re.findall(r"MEA\+AAE\+EGW\+KGM:(\d+)'", group)
        (when,) = re.findall(r"DTM\+203:(\d{12}):203'", group)
        (cell,) = re.findall(r"LOC\+147\+(\d+)", group)
        found.append((group[:11], when, cell, float(weight)))
    return found


def test_report_of_genoa_has_all_its_boxes() -> None:
    found = events("edifact", SAMPLE, offset="+01:00")
    data = [event["data"] for event in found]
    assert [(d["equipment_reference"], d["local_time"], d["stowage_cell"], d["weight_kg"]) for d in data] == oracle(
        SAMPLE.decode("latin-1")
    )
    assert [d["milestone"] for d in data] == ["discharged"] * 2 + ["loaded"] * 19
    assert found[0]["subject"] == "ITGOA-VTE-FCIU9908030"
    assert found[0]["time"] == "2016-02-03T08:13:00.000Z"
    assert {event["source"] for event in found} == {"/edifact/itgoavte"}
    assert [d["dangerous_goods"] for d in data if "dangerous_goods" in d] == [[{"class": "8", "un_number": "2735"}]]
    assert [problem_of({"specversion": "1.0", **event}) for event in found] == [None] * 21


def test_offset_that_nobody_gave_is_said_and_noted_where_the_port_is_abroad() -> None:
    found, notes = said("edifact", SAMPLE)
    assert notes == {"offset_assumed: +07:00 for ITGOA": 21}
    assert {part.event["data"]["offset_assumed"] for part in found} == {"+07:00"}  # type: ignore[union-attr]
    assert said("edifact", GATE_OUT)[1] == {}


def test_file_read_twice_gives_the_same_identities_and_no_two_are_the_same() -> None:
    first, again = events("edifact", SAMPLE), events("edifact", SAMPLE.replace(b"\n", b"\r\n"))
    ids = [event["id"] for event in first]
    assert ids == [event["id"] for event in again]
    assert len(set(ids)) == 21
    assert ids[0].startswith("1452515554132.1602041728/1452515553811/8/")


def test_broken_message_is_one_refusal_and_its_neighbours_pass() -> None:
    broken = lift("CSQU3054383", reference=2).replace("UNT+6", "UNT+9")
    found, _ = said("edifact", interchange(lift(), broken, lift("MSKU9070323", reference=3)))
    assert [getattr(part, "why", None) for part in found] == [None, "UNT says 9, there are 6 segments", None]
    (refused,) = [part for part in found if hasattr(part, "part")]
    assert refused.part.decode() == broken
    assert refused.place == "interchange 7, message 2"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (interchange(lift(), count=2), "UNZ says 2, there are 1: one may be missing"),
        (interchange(lift(), reference="8"), "UNZ has reference '8'"),
        (interchange(lift()).rpartition("UNZ")[0], "no UNZ: the file ends; a message may be missing"),
        (interchange(lift(), "UNH+2+COARRI:D:95B:UN'BGM+98+X+9'"), "no UNT: its interchange ends"),
        (interchange(lift(), "FTX+AAA'"), "segments outside a message"),
        (interchange(lift(), lift(reference=2).replace("UNT+6+2", "UNT+6+3")), "UNT has reference '3', UNH '2'"),
        (
            interchange(lift(), lift(reference=2).replace("CNT+16:1", "CNT+16:5")),
            "CNT says 5 pieces of equipment, there are 1",
        ),
        (interchange(lift(), lift(reference=2).replace("+9'", "+1'")), "BGM function 1: taken are 9, 4, 5 and 22"),
        (interchange(lift(), lift(document="999", reference=2)), "COARRI with document code 999"),
        (interchange(lift(), lift(when="DTM+137:202611240912:203", reference=2)), "no DTM 203 or 7"),
        (interchange(lift(), lift(when="DTM+203:202613240912:203", reference=2)), "is no time of format 203"),
        (interchange(lift(), lift(reference=2).replace("EQD", "eqd")), "does not begin with a tag"),
        (interchange(lift()) + "UNH+4+COAR", "has no terminator"),
    ],
)
def test_each_fault_is_one_refusal_that_says_what_it_is_and_the_good_message_passes(text: str, why: str) -> None:
    found, _ = said("edifact", text)
    reasons = [part.why for part in found if hasattr(part, "why")]
    assert len(reasons) == 1 or why.startswith(("UNZ", "segments"))
    assert any(why in reason for reason in reasons)
    assert sum(hasattr(part, "event") for part in found) == 1


def test_repertoires_a_to_c_are_read_and_their_signs_are_checked() -> None:
    accented = lift().replace("BGM", "FTX+AAA+++CAFÉ'BGM").replace("UNT+6", "UNT+7")
    assert len(events("edifact", interchange(accented, repertoire="UNOC:3"))) == 1
    assert refusals("edifact", interchange(accented, repertoire="UNOA:2")) == ["UNOA has no 'É'"]
    assert refusals("edifact", interchange(lift(), repertoire="UNOX:2")) == [
        "repertoire 'UNOX' is not read: UNOA, UNOB, UNOC"
    ]


def test_wrong_check_digit_is_judged_by_the_model_and_not_mended() -> None:
    (event,) = events("edifact", lift("CSQU3054384"))
    assert event["data"]["equipment_reference"] == "CSQU3054384"
    assert problem_of({"specversion": "1.0", **event}) == "data: equipment_reference: bad_check_digit, expected 3"


@pytest.mark.parametrize(
    ("when", "time"),
    [
        ("DTM+203:202611240912:203", "2026-11-24T02:12:00.000Z"),
        ("DTM+203:20261124091230:204", "2026-11-24T02:12:30.000Z"),
        ("DTM+203:2611240912:201", "2026-11-24T02:12:00.000Z"),
        ("DTM+203:20261124:102", "2026-11-23T17:00:00.000Z"),
        ("DTM+203:202611240912?+0100:205", "2026-11-24T08:12:00.000Z"),
        ("DTM+203:202611240912UTC:303", "2026-11-24T09:12:00.000Z"),
    ],
)
def test_local_times_are_of_the_partners_offset_and_others_of_their_own(when: str, time: str) -> None:
    (event,) = events("edifact", lift(when=when))
    assert event["time"] == time
    assert event["data"].get("time_precision") == ("day" if ":102" in when else None)


def test_partner_says_what_a_document_code_means() -> None:
    (event,) = events("edifact", lift(document="119"), coarri={"119": "restowed"})
    assert event["data"]["milestone"] == "restowed"
    with pytest.raises(ConfigurationError, match="119 is a number: write it in quotes"):
        events("edifact", lift(), coarri={119: "restowed"})
    with pytest.raises(ConfigurationError, match=r"coarri\.119"):
        events("edifact", lift(), coarri={"119": "sunk"})


def test_other_messages_and_other_equipment_are_noted() -> None:
    other = "UNH+1+BAPLIE:D:95B:UN'BGM++1+9'UNT+3+1'"
    chassis = lift(reference=2).replace("EQD+CN", "EQD+CH")
    found, notes = said("edifact", interchange(other, chassis))
    assert (found, notes) == ([], {"nothing_for_us: BAPLIE": 1, "nothing_for_us: equipment CH": 1})


def test_one_box_of_a_message_may_be_refused_alone() -> None:
    two = "EQD+CN+TNVU3507128+22G1'DTM+203:202611240912:203'MEA+AAE+VGM+LBR:9'EQD+CN+CSQU3054383'DTM+203:202611240912:203'"
    text = f"UNH+1+COARRI:D:95B:UN'BGM+98+X+9'{two}CNT+16:2'UNT+9+1'"
    found, _ = said("edifact", text)
    assert [hasattr(part, "event") for part in found] == [False, True]
    assert found[0].why == "TNVU3507128: MEA VGM in unit LBR: read are KGM, TNE"  # type: ignore[union-attr]


def test_messages_may_stand_without_an_interchange() -> None:
    (message,) = read(lift().encode())
    assert isinstance(message, Message)
    assert message.interchange.reference == ""


def test_interchanges_may_follow_each_other_each_with_its_advice() -> None:
    two = f"UNA:+.? '{interchange(lift())}\r\nUNA:+.? '\r\n{interchange(lift('CSQU3054383', reference=2))}\r\n\x1a"
    assert [event["data"]["equipment_reference"] for event in events("edifact", two)] == ["TNVU3507128", "CSQU3054383"]


def test_groups_are_counted_too() -> None:
    group = f"UNG+COARRI+A+B+261124:0930+1+UN+D:95B'{lift()}UNE+1+1'"
    whole = f"UNB+UNOA:2+A+B+261124:0930+7'{group}UNZ+1+7'"
    assert len(events("edifact", whole)) == 1
    assert refusals("edifact", whole.replace("UNE+1", "UNE+2")) == ["UNE says 2, there are 1: one may be missing"]
    assert refusals("edifact", whole.replace("UNZ+1", "UNZ+2")) == ["UNZ says 2, there are 1: one may be missing"]


def test_boxes_on_one_truck_are_one_visit_and_its_plate_is_in_no_name() -> None:
    def box(number: str, leg: str) -> str:
        return f"EQD+CN+{number}+22G1'DTM+7:202611240858:203'{leg}"

    first, second = "TDT+1++3+++++15C-123.45:146'", "TDT+1++3+++++16C54321:146'"
    boxes = (
        box("TNVU3507128", first)
        + box("CSQU3054383", second)
        + box("MSKU9070323", first)
        + box("QSYU2045188", "TDT+1++2'")
    )
    text = f"UNH+1+CODECO:D:95B:UN'BGM+34+DOC7+9'{boxes}CNT+16:4'UNT+16+1'"
    steps = [event["data"] for event in events("edifact", text) if "gate.step" in event["type"]]
    assert [(step["visit_id"], step["truck_plate"]) for step in steps] == [
        ("DOC7-1", "15C12345"),
        ("DOC7-2", "16C54321"),
        ("DOC7-1", "15C12345"),
    ]
    assert {step["direction"] for step in steps} == {"in"}


def test_partner_says_which_reference_names_a_visit() -> None:
    text = GATE_OUT.replace("DTM+7", "RFF+AAO:VISIT9'DTM+7").replace("UNT+11", "UNT+12")
    _, step = events("edifact", text, visit="AAO")
    assert step["data"]["visit_id"] == "VISIT9"
