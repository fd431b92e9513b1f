"""What an evaluation may be asked to judge, and to compare with."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from stores.container import Stores
from tests.api.conftest import TRAIN, Bench, Finished, Person, Pointers

DATASET = """
INSERT INTO datasets (id, name, owner, source, layout, images, shape, classes, bytes, sha256, state, parts)
VALUES (:id, :name, :owner, 'uploaded', 'packed', :images, :shape, '{}', 1, repeat('0', 64), :state,
        jsonb_build_object('train', cast(:images AS int)))
"""


@pytest.fixture
def pictures(stores: Stores):
    """Return a function that makes an uploaded data set's row, and returns its id."""
    numbers = iter(range(10))

    def make(name: str, owner: str = "alice", images: int = 500, channels: int = 1, state: str = "ready") -> str:
        made = f"ds_0198c0de-0000-7000-8000-00000000000{next(numbers)}"
        row = {"id": made, "name": name, "owner": owner, "images": images, "state": state}
        with stores.infra.engine.begin() as connection:
            connection.execute(text(DATASET), {**row, "shape": [channels, 28, 28]})
        return made

    return make


@pytest.fixture
def evaluate(alice: Person):
    """Return a function that asks for an evaluation with alice's key."""

    def ask(**request: Any):
        return alice.post("/v1/jobs", json={"kind": "evaluate", "queue": "cpu", **request})

    return ask


def test_a_job_is_compared_with_what_it_was_trained_on(finished: Finished, evaluate) -> None:
    job = evaluate(source={"job": finished.id}, params={"seed": 7}).json
    assert (job["kind"], job["recipe"], job["dataset"], job["seed"]) == ("evaluate", "mlp_gan", "mnist-10k", 7)
    assert job["source"] == {"job": finished.id, "checkpoint": "best"}
    assert job["params"] == {"count": 2000, "seed": 7, "extractor": "auto"}
    assert (job["result"], job["fd_ratio"], job["kid"], job["extractor"]) == (None, None, None, None)


@pytest.mark.parametrize("checkpoint", ["best", "latest", None])
def test_any_checkpoint_of_the_job_can_be_judged(finished: Finished, evaluate, checkpoint: str | None) -> None:
    source = {"job": finished.id, "checkpoint": checkpoint or finished.checkpoint}
    assert evaluate(source=source).status_code == 201


def test_the_images_of_a_data_set_can_be_judged(pictures, evaluate) -> None:
    pictures("mine")
    job = evaluate(source={"dataset": "mine"}, dataset="mnist-10k").json
    assert (job["source"], job["dataset"]) == ({"dataset": "mine"}, "mnist-10k")


def test_a_dry_run_stores_nothing(finished: Finished, alice: Person) -> None:
    body = {"kind": "evaluate", "source": {"job": finished.id}, "queue": "cpu"}
    answer = alice.post("/v1/jobs?dry_run=true", json=body)
    assert (answer.status_code, answer.json["id"], answer.json["dataset"]) == (200, None, "mnist-10k")
    assert alice.get("/v1/jobs?kind=evaluate").json["data"] == []


def test_a_repeated_request_makes_one_evaluation(finished: Finished, alice: Person) -> None:
    body = {"kind": "evaluate", "source": {"job": finished.id}, "queue": "cpu"}
    made = [alice.post("/v1/jobs", json=body, headers={"Idempotency-Key": "e"}).json["id"] for _ in range(2)]
    assert made[0] == made[1]


@pytest.mark.parametrize(
    ("request_", "pointer", "words"),
    [
        ({"source": {}}, "/source/job", "exactly one of"),
        ({"source": {"dataset": "mnist-10k", "checkpoint": "best"}}, "/source/checkpoint", "has no checkpoints"),
        ({"source": {"job": "job_1"}}, "/source/job", "must match"),
        (
            {"source": {"job": "job_0198c0de-0000-7000-8000-000000000000", "checkpoint": "step-2"}},
            "/source/checkpoint",
            "must be best, latest or the id of a checkpoint",
        ),
        (
            {"source": {"job": "job_0198c0de-0000-7000-8000-000000000000"}},
            "/source/job",
            "job not found, or you have no access",
        ),
        ({"source": {"dataset": "mnist-10k"}}, "/dataset", "name the data set of real images"),
        ({"source": {"dataset": "nope"}, "dataset": "mnist-10k"}, "/source/dataset", "choose one of mnist-10k"),
        ({"source": {"dataset": "mnist-10k"}, "dataset": "nope"}, "/dataset", "choose one of mnist-10k"),
        ({"source": {"dataset": "mnist-10k"}, "params": {"count": 199}}, "/params/count", "at least 200"),
        ({"source": {"dataset": "mnist-10k"}, "params": {"count": 10_001}}, "/params/count", "at most 10000"),
    ],
)
def test_what_is_wrong_is_named(evaluate, pointers: Pointers, request_: Any, pointer: str, words: str) -> None:
    assert words in pointers(evaluate(**request_))[pointer]


def test_both_sources_at_once_are_refused(finished: Finished, evaluate, pointers: Pointers) -> None:
    found = pointers(evaluate(source={"job": finished.id, "dataset": "mnist-10k"}))
    assert "exactly one of" in found["/source/job"]


@pytest.mark.parametrize(
    ("recipe", "words"), [("darknet", "generates no images"), ("cyclegan", "upload them as a data set")]
)
def test_only_generators_from_noise_are_judged(
    alice: Person, bench: Bench, evaluate, pointers: Pointers, recipe: str, words: str
) -> None:
    job = alice.submit(recipe=recipe)["id"]
    bench.finish(bench.claim())
    assert words in pointers(evaluate(source={"job": job}))["/source/job"]


def test_jobs_without_weights_are_refused(finished: Finished, alice: Person, evaluate, pointers: Pointers) -> None:
    evaluation = evaluate(source={"job": finished.id}).json["id"]
    assert "is an evaluation" in pointers(evaluate(source={"job": evaluation}))["/source/job"]
    again = alice.post("/v1/jobs", json={"kind": "sample", "source": {"job": evaluation}})
    assert "is an evaluation" in pointers(again)["/source/job"]
    fresh = alice.post("/v1/jobs", json=TRAIN).json["id"]
    assert pointers(evaluate(source={"job": fresh})) == {"/source/checkpoint": "this job has no checkpoint yet"}


def test_too_few_images_and_other_channels_are_refused(
    finished: Finished, pictures, evaluate, pointers: Pointers
) -> None:
    pictures("few", images=199)
    pictures("colour", channels=3)
    pictures("broken", state="missing")
    assert "has 199 images" in pointers(evaluate(source={"job": finished.id}, dataset="few"))["/dataset"]
    few = pointers(evaluate(source={"dataset": "few"}, dataset="colour"))
    assert "needs 200 at least" in few["/source/dataset"]
    assert "have 3 channel(s)" in few["/dataset"]
    for source in ({"job": finished.id}, {"dataset": "mnist-10k"}):
        assert "have 3 channel(s)" in pointers(evaluate(source=source, dataset="colour"))["/dataset"]
    assert "not ready" in pointers(evaluate(source={"job": finished.id}, dataset="broken"))["/dataset"]


def test_data_sets_and_jobs_of_others_are_not_there(
    finished: Finished, pictures, bob: Person, alice: Person, evaluate, pointers: Pointers
) -> None:
    theirs = pictures("theirs", owner="bob")
    assert "/source/dataset" in pointers(evaluate(source={"dataset": theirs}, dataset="mnist-10k"))
    assert "/dataset" in pointers(evaluate(source={"job": finished.id}, dataset="theirs"))
    body = {"kind": "evaluate", "source": {"job": finished.id}, "queue": "cpu"}
    assert pointers(bob.post("/v1/jobs", json=body)) == {"/source/job": "job not found, or you have no access"}


def test_a_data_set_that_was_deleted_since_the_training_is_not_replaced_by_its_name(
    alice: Person, bench: Bench, pictures, evaluate, pointers: Pointers, stores: Stores
) -> None:
    trained_on = pictures("pets")
    job = alice.submit(dataset="pets")["id"]
    claim = bench.claim()
    bench.artifact(claim, "checkpoint", "step-2.safetensors", b"weights", "application/octet-stream")
    bench.finish(claim)
    with stores.infra.engine.begin() as connection:
        connection.execute(text("UPDATE datasets SET deleted_at = now() WHERE id = :id"), {"id": trained_on})
    pictures("pets")
    assert "was deleted" in pointers(evaluate(source={"job": job}))["/dataset"]
    assert evaluate(source={"job": job}, dataset="pets").status_code == 201


def test_a_data_set_that_is_judged_cannot_be_deleted(alice: Person, pictures, evaluate) -> None:
    judged = pictures("mine")
    evaluation = evaluate(source={"dataset": "mine"}, dataset="mnist-10k").json["id"]
    assert alice.ask("DELETE", f"/v1/datasets/{judged}").status_code == 409
    alice.post(f"/v1/jobs/{evaluation}/cancel")
    assert alice.ask("DELETE", f"/v1/datasets/{judged}").status_code == 204


def test_a_retry_judges_the_same_with_other_parameters(
    finished: Finished, alice: Person, bench: Bench, pictures, evaluate, pointers: Pointers
) -> None:
    pictures("mine")
    for source, dataset in (({"job": finished.id}, None), ({"dataset": "mine"}, "mnist-10k")):
        first = evaluate(source=source, dataset=dataset).json
        bench.finish(bench.claim())
        again = alice.post(f"/v1/jobs/{first['id']}/retry", json={"params": {"count": 500}})
        assert again.status_code == 201, again.text
        same = ("kind", "source", "dataset", "recipe", "queue")
        assert [again.json[name] for name in same] == [first[name] for name in same]
        assert (again.json["params"]["count"], again.json["parent"]) == (500, first["id"])
        path = f"/v1/jobs/{first['id']}/retry"
        assert "/checkpoint" in pointers(alice.post(path, json={"checkpoint": "best"}))
        assert "/params/count" in pointers(alice.post(path, json={"params": {"count": 1}}))
        alice.post(f"/v1/jobs/{again.json['id']}/cancel")
