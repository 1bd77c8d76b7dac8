"""Which stretch may follow where a partition stands: offsets alone decide."""

import pytest

from streams.core.domain import Limits
from streams.core.record import Stretch, TopicPartition
from streams.core.writes import Progress
from streams.partitions import Misfit, Partitions
from streams.pipeline import Fence
from tests.support.judging import written
from tests.support.records import APPENDED_MS, CRANES, OTHER_CRANES, crane, sent, stretch

TP = CRANES


def owned(*partitions: TopicPartition, expected: int = 0, epoch: int = 1) -> Partitions:
    """Partitions claimed at `expected`."""
    found = Partitions(Limits(dead_letter_run=3))
    found.claim({tp: Fence(expected, epoch) for tp in partitions or (TP,)})
    return found


def at(*offsets: int, tp: TopicPartition = TP, serial: int = 0) -> Stretch:
    return Stretch(tp, serial, [sent(offset, crane(f"e{offset}")) for offset in offsets])


def fitted(partitions: Partitions, *stretches: Stretch) -> tuple[dict[TopicPartition, list[int]], list[Misfit]]:
    """The offsets that fit by partition, and the misfits."""
    fitting, misfits = partitions.fit(stretches, partitions.heads())
    return {s.tp: [record.offset for record in s.records] for s in fitting}, misfits


def test_stretch_at_the_head_fits() -> None:
    assert fitted(owned(expected=5), at(5, 6)) == ({TP: [5, 6]}, [])


def test_records_already_taken_are_cut_off() -> None:
    assert fitted(owned(expected=5), at(3, 4, 5, 6)) == ({TP: [5, 6]}, [])


def test_stretch_that_was_taken_whole_is_left_out() -> None:
    assert fitted(owned(expected=5), at(3, 4)) == ({}, [])


def test_stretches_of_a_partition_are_joined() -> None:
    assert fitted(owned(), at(0, 1), at(2, 3), at(1, 2, 3, 4)) == ({TP: [0, 1, 2, 3, 4]}, [])


def test_joined_stretches_move_the_head() -> None:
    partitions = owned(TP, OTHER_CRANES)
    heads = partitions.heads()
    partitions.fit([at(0, 1), at(0, tp=OTHER_CRANES), at(2)], heads)
    assert heads == {TP: 3, OTHER_CRANES: 1}


def test_fitting_changes_nothing_by_itself() -> None:
    partitions = owned()
    fitted(partitions, at(0, 1))
    assert partitions.heads() == {TP: 0}


def test_hole_at_the_head_is_a_misfit() -> None:
    assert fitted(owned(expected=5), at(7, 8)) == ({}, [Misfit(TP, 5)])


def test_hole_inside_a_stretch_is_no_misfit() -> None:
    assert fitted(owned(expected=5), at(5, 9)) == ({TP: [5, 9]}, [])


def test_hole_between_stretches_is_a_misfit_at_the_end_of_the_first() -> None:
    assert fitted(owned(), at(0, 1), at(4, 5), at(6)) == ({TP: [0, 1]}, [Misfit(TP, 2)])


def test_nothing_of_a_partition_is_taken_after_its_misfit() -> None:
    """Else what comes later would be stored before what is missing."""
    assert fitted(owned(), at(4), at(0, 1)) == ({}, [Misfit(TP, 0)])


def test_misfit_of_one_partition_leaves_the_others_alone() -> None:
    partitions = owned(TP, OTHER_CRANES)
    assert fitted(partitions, at(3), at(0, tp=OTHER_CRANES)) == ({OTHER_CRANES: [0]}, [Misfit(TP, 0)])


def test_hole_is_believed_when_it_was_fetched_after_a_seek_to_it() -> None:
    partitions = owned(expected=5)
    partitions.sought(TP, 5, serial=2)
    assert fitted(partitions, at(7, 8, serial=2)) == ({TP: [7, 8]}, [])
    assert fitted(partitions, at(7, 8, serial=3)) == ({TP: [7, 8]}, [])


def test_hole_fetched_before_the_seek_is_not_believed() -> None:
    partitions = owned(expected=5)
    partitions.sought(TP, 5, serial=2)
    assert fitted(partitions, at(7, 8, serial=1)) == ({}, [Misfit(TP, 5)])


def test_hole_after_a_seek_elsewhere_is_not_believed() -> None:
    partitions = owned(expected=5)
    partitions.sought(TP, 4, serial=2)
    assert fitted(partitions, at(7, 8, serial=2)) == ({}, [Misfit(TP, 5)])


def test_passed_offsets_are_believed_like_a_hole() -> None:
    partitions = owned(expected=5)
    heads = partitions.heads()
    passed = Stretch(TP, 2, (), 9)
    assert partitions.fit([passed], heads) == ([], [Misfit(TP, 5)])
    partitions.sought(TP, 5, serial=2)
    assert partitions.fit([passed], heads) == ([passed], [])
    assert heads == {TP: 9}


def test_passed_offsets_below_the_head_say_nothing() -> None:
    partitions = owned(expected=5)
    partitions.sought(TP, 5, serial=0)
    assert fitted(partitions, Stretch(TP, 0, (), 5)) == ({}, [])


def test_records_follow_passed_offsets() -> None:
    partitions = owned(expected=5)
    partitions.sought(TP, 5, serial=0)
    assert fitted(partitions, Stretch(TP, 0, (), 9), at(9, 10)) == ({TP: [9, 10]}, [])


def test_new_claim_forgets_old_seeks() -> None:
    partitions = owned(expected=5)
    partitions.sought(TP, 5, serial=2)
    partitions.claim({TP: Fence(5, 2)})
    assert fitted(partitions, at(7, serial=2)) == ({}, [Misfit(TP, 5)])


def test_partition_that_is_not_ours_is_ignored() -> None:
    assert fitted(owned(TP), at(0, tp=OTHER_CRANES)) == ({}, [])


def test_dropped_partition_is_ignored() -> None:
    partitions = owned(TP, OTHER_CRANES)
    partitions.drop([TP])
    assert fitted(partitions, at(0), at(0, tp=OTHER_CRANES)) == ({OTHER_CRANES: [0]}, [])
    assert not partitions.owns(TP, 1)


def test_paused_partition_is_ignored_until_it_is_resumed() -> None:
    partitions = owned()
    partitions.pause(TP)
    assert fitted(partitions, at(0)) == ({}, [])
    partitions.resume(TP)
    assert fitted(partitions, at(0)) == ({TP: [0]}, [])


def test_pause_ends_with_the_claim() -> None:
    partitions = owned()
    partitions.pause(TP)
    partitions.drop([TP])
    assert partitions.paused == set()


@pytest.mark.parametrize(("epoch", "head"), [(1, 9), (2, 0), (0, 0)])
def test_landed_step_moves_the_head_of_its_own_claim_only(epoch: int, head: int) -> None:
    partitions = owned()
    partitions.landed([Progress(TP, 0, 9, epoch, 9, 0, 0, 0), Progress(OTHER_CRANES, 0, 9, 1, 9, 0, 0, 0)])
    assert partitions.heads() == {TP: head}


def test_fence_keeps_its_epoch_at_another_offset() -> None:
    assert owned(epoch=7).fence(TP, 40) == Fence(40, 7)


def test_bound_counts_the_poison_that_landed() -> None:
    partitions = owned(TP, OTHER_CRANES)
    batch = [stretch([crane("a"), b"x", b"x"]), stretch([b"x", crane("b")], tp=OTHER_CRANES)]
    partitions.passed(batch, written(batch))
    assert partitions.bounds[TP].crossing([0]) == 1
    assert partitions.bounds[OTHER_CRANES].crossing([0, 1]) is None


def test_bound_does_not_count_age() -> None:
    partitions = owned()
    batch = [stretch([crane(f"e{n}", ago_s=91 * 86_400.0) for n in range(9)])]
    partitions.passed(batch, written(batch))
    assert partitions.bounds[TP].crossing([0, 1]) is None


def test_bound_starts_afresh_after_a_resume() -> None:
    partitions = owned()
    batch = [stretch([b"x", b"x"])]
    partitions.passed(batch, written(batch))
    partitions.resume(TP)
    assert partitions.bounds[TP].crossing([0]) is None


def test_append_time_reached_is_that_of_the_last_record() -> None:
    partitions = owned()
    batch = [stretch([crane("a"), crane("b")])]
    partitions.passed(batch, written(batch))
    assert partitions.appended_s == {TP: APPENDED_MS / 1_000}
