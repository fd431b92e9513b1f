"""An attempt that goes on from before the end of an earlier one makes some files a second time."""

from __future__ import annotations

from dataclasses import replace

from models.ids import new_id
from models.states import Outcome
from stores.jobs.transitions import Ending


def _again(new, claim):
    made = new_id("art")
    return replace(new, id=made, object_key=f"jobs/{claim.job_id}/{claim.fence}/{made}")


def test_files_take_the_place_of_those_of_an_earlier_attempt_and_checkpoints_stay(stores, leaver, worker):
    first = leaver.running()
    kept = leaver.file(first, "grid")
    lost = leaver.file(first, "grid")
    checkpoint = leaver.file(first)
    stores.jobs.finish(first, Ending(Outcome.interrupted, "killed"))
    second = stores.jobs.claim("cpu", worker, "cpu")
    grid, weights = _again(lost, second), _again(checkpoint, second)
    for new in (grid, weights):
        stores.jobs.add_artifact(second, new)

    listed = {row["id"] for row in stores.queries.jobs.artifacts(first.job_id, [], 100, None)}

    assert listed == {kept.id, grid.id, checkpoint.id, weights.id}


def test_the_same_name_twice_in_one_attempt_is_two_files(stores, leaver):
    claim = leaver.running()
    one = leaver.file(claim, "log")
    other = _again(one, claim)
    stores.jobs.add_artifact(claim, other)
    assert {row["id"] for row in stores.queries.jobs.artifacts(claim.job_id, ["log"], 100, None)} == {one.id, other.id}
