"""The agenda and the outbox: the order of time, ties in the order of entry."""

from collections.abc import Iterator

from connectors.simulator.agenda import Agenda
from connectors.simulator.envelope import Rendered
from connectors.simulator.facts import Fact
from connectors.simulator.gateways import Gateway
from connectors.simulator.outbox import Outbox, Sending

GATEWAY = Gateway("/here", numbered=True, mode="structured", offset_s=0)


def fact(time_ms: int, subject: str = "a") -> Fact:
    return Fact(time_ms, GATEWAY, "type", subject, {})


def subjects(agenda: Agenda) -> list[tuple[int, str]]:
    return [(f.time_ms, f.subject) for f in agenda]


def sending(send_ms: int, name: str) -> Sending:
    return Sending(send_ms, Rendered(name, b"", (), b""), "accepted", None)


def test_actors_and_single_facts_are_merged_by_time() -> None:
    agenda = Agenda(end_ms=100)
    agenda.follow(iter([fact(1, "actor"), fact(5, "actor"), fact(9, "actor")]))
    agenda.post(fact(7, "single"))
    agenda.post(fact(5, "tie"))
    assert subjects(agenda) == [(1, "actor"), (5, "tie"), (5, "actor"), (7, "single"), (9, "actor")]


def test_what_lies_beyond_the_end_never_happens() -> None:
    agenda = Agenda(end_ms=5)
    agenda.post(fact(5))
    agenda.follow(iter([fact(4), fact(6)]))
    assert subjects(agenda) == [(4, "a")]


def test_an_actor_may_post_while_it_is_asked() -> None:
    agenda = Agenda(end_ms=100)

    def actor() -> Iterator[Fact]:
        yield fact(1, "actor")
        agenda.post(fact(2, "posted"))
        yield fact(3, "actor")

    agenda.follow(actor())
    assert subjects(agenda) == [(1, "actor"), (2, "posted"), (3, "actor")]


def test_calls_are_made_when_their_time_has_come() -> None:
    agenda = Agenda(end_ms=100)
    agenda.post(fact(1))
    agenda.call(5, lambda: agenda.post(fact(6, "called")))
    agenda.post(fact(9))
    assert subjects(agenda) == [(1, "a"), (6, "called"), (9, "a")]


def test_outbox_hands_out_what_is_due_and_takes_more_meanwhile() -> None:
    outbox = Outbox()
    for send_ms, name in ((7, "c"), (3, "a"), (3, "b")):
        outbox.put(sending(send_ms, name))
    handed = []
    for due in outbox.due(5):
        handed.append(due.record.topic)
        if due.record.topic == "a":
            outbox.put(sending(4, "follower"))
    assert handed == ["a", "b", "follower"]
    assert [due.record.topic for due in outbox.due(100)] == ["c"]
