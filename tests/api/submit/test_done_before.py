"""What a training had done at a step: exact where it is told, in proportion between."""

from __future__ import annotations

from api.submit.done_before import Done, DoneBefore

EPOCHS = [{"epoch": 1, "step": 70, "images": 8960}, {"epoch": 2, "step": 140, "images": 17_920}]


def test_ends_of_epochs_and_the_present_are_exact_and_between_them_images_grow_with_steps() -> None:
    before = DoneBefore({"step": 150, "images": 19_200}, EPOCHS)
    assert before.at(0) == Done(0, 0)
    assert before.at(35) == Done(4480, 0)
    assert before.at(70) == Done(8960, 1)
    assert before.at(139) == Done(17_792, 1)
    assert before.at(140) == Done(17_920, 2)
    assert before.at(150) == Done(19_200, 2)
    assert before.at(1000) == Done(19_200, 2)


def test_a_job_that_told_nothing_has_done_nothing() -> None:
    assert DoneBefore({}, []).at(12) == Done(0, 0)
    assert DoneBefore({}, [{"epoch": 1, "images": 5}]).at(12) == Done(0, 0)  # of an older trainer
