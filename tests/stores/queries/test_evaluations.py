"""Evaluations are read by their owners: what an admin has evaluated of another's training is the admin's."""

from __future__ import annotations

import pytest

from models.ids import new_id
from models.states import Outcome
from stores.jobs.attempts import NewArtifact
from stores.jobs.transitions import Ending
from tests.evaluations import HEALTHY, result

ALL = 10
EXTRACTOR = HEALTHY["extractor"]["sha256"]


@pytest.fixture
def dataset(stores):
    """The id of the data set that everything here is compared with."""
    return stores.datasets.find("mnist-10k", None)["id"]


@pytest.fixture
def trained(stores, worker, new_job):
    """Return a training of alice's that has succeeded with a checkpoint: its id, and that of the checkpoint."""
    view, _ = stores.jobs.submit(new_job(name="alice's own"))
    claim = stores.jobs.claim("cpu", worker, "cpu")
    checkpoint = NewArtifact(new_id("art"), "checkpoint", "step-7", 7, 2, 1, "0" * 64, "application/octet-stream", "a")
    stores.jobs.add_artifact(claim, checkpoint)
    stores.jobs.finish(claim, Ending(Outcome.succeeded))
    return view["id"], checkpoint.id


@pytest.fixture
def evaluate(stores, worker, new_job, trained):
    """Return a function that evaluates the training for an owner, to a result if `ends`, and returns the job's id."""

    def run(owner, *, ends=True):
        source = {"job": trained[0], "checkpoint": "latest"}
        asked = {"kind": "evaluate", "source": source, "source_artifact": trained[1], "params": {"seed": 1}}
        view, _ = stores.jobs.submit(new_job(owner=owner, **asked))
        if ends:
            claim = stores.jobs.claim("cpu", worker, "cpu")
            stores.jobs.finish(claim, Ending(Outcome.succeeded, result=result()))
        return view["id"]

    return run


def test_what_another_owner_has_evaluated_is_not_read_by_any_query(stores, dataset, trained, evaluate):
    made = evaluate("root")
    read = stores.queries.evaluations
    assert read.of(trained[0], "alice", ALL) == []
    assert read.newest([trained[0]], "alice") == {}
    assert read.extractors(dataset, "alice") == []
    assert read.ranking(dataset, EXTRACTOR, "alice", ALL) == []
    # For its owner the training was never evaluated, and is offered to be.
    assert [(one["id"], one["tried"]) for one in read.never(dataset, ["mlp_gan"], "alice", ALL)] == [(trained[0], None)]
    assert read.never(dataset, ["mlp_gan"], "bob", ALL) == []
    # An admin reads all of it.
    assert [one["id"] for one in read.of(trained[0], None, ALL)] == [made]
    assert read.newest([trained[0]], None)[trained[0]]["id"] == made
    assert [one["generator"]["name"] for one in read.ranking(dataset, EXTRACTOR, None, ALL)] == ["alice's own"]
    assert read.never(dataset, ["mlp_gan"], None, ALL) == []


def test_an_evaluation_under_way_of_another_owner_is_not_told(stores, dataset, trained, evaluate):
    evaluate("root", ends=False)
    read = stores.queries.evaluations.never
    assert [one["tried"] for one in read(dataset, ["mlp_gan"], "alice", ALL)] == [None]
    assert [one["tried"]["state"] for one in read(dataset, ["mlp_gan"], None, ALL)] == ["queued"]
    mine = evaluate("alice", ends=False)
    assert [one["tried"]["id"] for one in read(dataset, ["mlp_gan"], "alice", ALL)] == [mine]


def test_a_ranking_does_not_name_a_training_that_its_reader_may_not_read(stores, dataset, trained, evaluate):
    made = evaluate("root")
    (own,) = stores.queries.evaluations.ranking(dataset, EXTRACTOR, "root", ALL)
    assert (own["id"], own["generator"]) == (made, None)
    assert "alice's own" not in str(own)
