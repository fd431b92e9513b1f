"""POST /v1/jobs"""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime
from typing import Any

import pytest

from models.job_profile import Shape
from stores.container import Stores
from tests.api.conftest import TRAIN, Bench, Finished, Person, Pointers


def test_a_job_is_made_with_everything_filled_in(alice: Person, worker: str) -> None:
    answer = alice.post("/v1/jobs", json={"kind": "train", "recipe": "dcgan", "dataset": "mnist-10k"})
    assert answer.status_code == 201
    job = answer.json
    assert answer.headers["Location"] == f"/v1/jobs/{job['id']}"
    assert job["params"]["epochs"] == 20
    assert job["params"]["batch_size"] == 128
    assert (job["state"], job["position"], job["attempt"], job["max_attempts"]) == ("queued", 1, 0, 3)
    assert (job["seed"], job["priority"], job["name"], job["labels"]) == (0, 0, None, {})
    assert (job["owner"], job["last_seq"]) == ("alice", 1)
    assert alice.get(f"/v1/jobs/{job['id']}").json == job


def test_the_answer_tells_the_place_and_the_end_that_the_next_look_tells(
    alice: Person, bob: Person, bench: Bench, stores: Stores
) -> None:
    stores.schedule.speed_stats.learn(Shape("mlp_gan", 28, 128, 128), "cpu", 1000, 2)
    for _ in range(3):
        bob.submit()
    for _ in range(2):
        bench.claim()
    alice.submit()
    sent = {"json": TRAIN, "headers": {"Idempotency-Key": "one"}}
    made = alice.post("/v1/jobs", **sent).json
    replayed = alice.post("/v1/jobs", **sent).json
    found = alice.get(f"/v1/jobs/{made['id']}").json

    assert replayed == made
    assert {**made, "eta": None} == {**found, "eta": None}
    # What bob has running counts as two turns, so both jobs of alice's come before his third.
    assert made["position"] == 2
    ends = [datetime.fromisoformat(job["eta"][name]) for job in (made, found) for name in ("at", "low", "high")]
    assert all(abs((later - end).total_seconds()) < 2 for end, later in zip(ends[:3], ends[3:], strict=True))


def test_auto_takes_the_class_with_a_live_worker(alice: Person, worker: str) -> None:
    job = alice.submit(queue="auto")
    assert (job["queue"], job["reason"]) == ("cpu", None)


def test_auto_prefers_the_better_class(alice: Person, worker: str, stores: Stores) -> None:
    stores.fleet.workers.register("big", "gpu", {"kind": "gpu"})
    assert alice.submit(queue="auto")["queue"] == "gpu"


def test_with_nobody_there_the_job_is_accepted_and_says_so(alice: Person) -> None:
    job = alice.submit(queue="auto")
    assert (job["queue"], job["reason"]) == ("gpu", "no_live_worker")
    assert alice.submit(queue="jetson")["reason"] == "no_live_worker"


def test_with_nobody_there_the_class_that_was_served_is_known(alice: Person, worker: str, stores: Stores) -> None:
    stores.fleet.workers.stop(worker)
    job = alice.submit(queue="auto")
    assert (job["queue"], job["reason"]) == ("cpu", "no_live_worker")


def test_a_preset_fills_in_what_was_not_given(alice: Person) -> None:
    params = alice.submit(recipe="dcgan", preset="ithome", params={"epochs": 3})["params"]
    assert (params["epochs"], params["beta1"], params["patience"]) == (3, 0.9, 100)


def test_a_dry_run_answers_the_job_and_stores_nothing(alice: Person, worker: str) -> None:
    answer = alice.post("/v1/jobs?dry_run=true", json={**TRAIN, "queue": "auto"})
    assert answer.status_code == 200
    plan = answer.json
    assert (plan["id"], plan["state"], plan["created_at"]) == (None, None, None)
    assert (plan["queue"], plan["params"]["epochs"], plan["params"]["batch_size"]) == ("cpu", 2, 128)
    assert set(plan) == set(alice.submit())
    assert len(alice.get("/v1/jobs").json["data"]) == 1


def test_a_dry_run_tells_the_place_and_the_end_that_a_job_would_have(
    alice: Person, worker: str, stores: Stores
) -> None:
    alice.submit()
    ask = {"json": {**TRAIN, "queue": "auto"}}
    unknown = alice.post("/v1/jobs?dry_run=true", **ask).json
    assert (unknown["position"], unknown["eta"]) == (2, None)
    stores.schedule.speed_stats.learn(Shape("mlp_gan", 28, 128, 128), "cpu", 1000, 2)
    known = alice.post("/v1/jobs?dry_run=true", **ask).json
    # 2 epochs of 9,000 images at 1,000 a second and 2 s beside, behind a job that is alike.
    left = datetime.fromisoformat(known["eta"]["at"]) - datetime.now(UTC)
    assert left.total_seconds() == pytest.approx(2 * 20, abs=3)
    assert known["eta"]["low"] < known["eta"]["at"] < known["eta"]["high"]


def test_a_dry_run_with_an_idempotency_key_leaves_the_key_unused(alice: Person) -> None:
    headers = {"Idempotency-Key": "once"}
    assert alice.post("/v1/jobs?dry_run=true", json=TRAIN, headers=headers).status_code == 200
    made = alice.post("/v1/jobs", json=TRAIN, headers=headers)
    assert made.status_code == 201
    assert "Idempotency-Replayed" not in made.headers


@pytest.mark.parametrize(
    ("changes", "pointer", "words"),
    [
        ({"recipe": "nope"}, "/recipe", "choose one of compact, mlp_gan"),
        ({"preset": "nope"}, "/preset", "choose one of laotou"),
        ({"dataset": "nope"}, "/dataset", "choose one of mnist-10k"),
        ({"dataset": "ds_0198c0de-0000-7000-8000-000000000000"}, "/dataset", "choose one of mnist-10k"),
        ({"params": {"epochs": 0}}, "/params/epochs", "must be at least 1"),
        ({"params": {"epoch": 5}}, "/params/epoch", "did you mean epochs?"),
        ({"params": {"epochs": 2.5}}, "/params/epochs", "must be an integer"),
        ({"params": {"epochs": "5"}}, "/params/epochs", "must be an integer"),
        ({"params": {"epochs": True}}, "/params/epochs", "must be an integer"),
        ({"params": {"learning_rate": 0}}, "/params/learning_rate", "must be greater than 0"),
        ({"params": {"learning_rate": 10**18}}, "/params/learning_rate", "must be at most 1"),
        ({"params": {"learning_rate": "0.1"}}, "/params/learning_rate", "must be a number"),
        ({"params": {"learning_rate": True}}, "/params/learning_rate", "must be a number"),
        ({"params": {"grid_every": {"seconds": "1"}}}, "/params/grid_every/seconds", "must be a number"),
        ({"params": {"beta1": 1}}, "/params/beta1", "must be less than 1"),
        ({"params": {"grid_every": {"steps": 0}}}, "/params/grid_every/steps", "must be at least 1"),
        ({"params": {"grid_every": {"steps": 1, "epochs": 1}}}, "/params/grid_every", "exactly one of"),
        ({"params": {"epochs": 1, "images": 1}}, "/params/epochs", "exactly one of"),
        ({"params": {"patience": 3}}, "/params/patience", "needs a `monitor`"),
        ({"params": []}, "/params", "must be an object"),
        ({"params": None}, "/params", "must be an object"),
        ({"params": {"a/b~c": 1}}, "/params/a~1b~0c", "is not known"),
        ({"seed": -1}, "/seed", "must be at least 0"),
        ({"seed": 2**63}, "/seed", f"must be at most {2**63 - 1}"),
        ({"seed": 2**64}, "/seed", "at most 64 bits"),
        ({"seed": 1.0}, "/seed", "must be an integer"),
        ({"priority": 101}, "/priority", "must be at most 100"),
        ({"priority": -101}, "/priority", "must be at least -100"),
        ({"queue": "tpu"}, "/queue", "must be one of 'auto', 'gpu', 'jetson' or 'cpu'"),
        ({"labels": {"team": 1}}, "/labels/team", "must be text"),
        ({"labels": {"": "x"}}, "/labels/", "must not be empty"),
        ({"labels": {str(n): "" for n in range(33)}}, "/labels", "must have at most 32 entries"),
        ({"name": "x" * 256}, "/name", "must have at most 255 characters"),
        ({"name": "a\0b"}, "/name", "contains a NUL character"),
        ({"labels": {"a\0": "b"}}, "/labels", "a field whose name contains a NUL"),
        ({"max_attempts": 0}, "/max_attempts", "must be at least 1"),
        ({"max_runtime_s": 0}, "/max_runtime_s", "must be at least 1"),
        ({"sed": 1}, "/sed", "did you mean seed?"),
        ({"kind": "paint"}, "/kind", "must be one of 'train', 'sample' or 'evaluate'"),
        ({"source": {}}, "/source", "is not known"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_stored(
    alice: Person, pointers: Pointers, changes: dict[str, Any], pointer: str, words: str
) -> None:
    found = pointers(alice.post("/v1/jobs", json={**TRAIN, **changes}))
    assert list(found) == [pointer]
    assert words in found[pointer]
    assert alice.get("/v1/jobs").json["data"] == []


def test_everything_that_is_wrong_is_named_at_once(alice: Person, pointers: Pointers) -> None:
    wrong = {"preset": "x", "dataset": "y", "params": {"epoch": 1, "width": 1}}
    found = pointers(alice.post("/v1/jobs", json={**TRAIN, **wrong}))
    assert set(found) == {"/preset", "/dataset", "/params/epoch", "/params/width"}


def test_an_unknown_parameter_names_the_known_ones(alice: Person, pointers: Pointers) -> None:
    found = pointers(alice.post("/v1/jobs", json={**TRAIN, "params": {"zzz": 1}}))
    assert "batch_size, beta1, beta2" in found["/params/zzz"]


@pytest.mark.parametrize("body", [{}, [], None, 1, "x", True])
def test_a_body_that_is_no_job_is_refused(alice: Person, body: Any) -> None:
    assert alice.post("/v1/jobs", data=json.dumps(body), content_type="application/json").status_code == 422


@pytest.mark.parametrize(
    ("raw", "status", "code"),
    [
        (b"", 400, "malformed"),
        (b"{", 400, "malformed"),
        (b"\xff", 400, "malformed"),
        (b'{"seed": NaN}', 400, "malformed"),
        (b'{"seed": -Infinity}', 400, "malformed"),
        (b'{"kind": "train", "kind": "sample"}', 400, "malformed"),
        (b"[" * 100_000, 400, "malformed"),
        (b"[" * 40 + b"]" * 40, 400, "malformed"),
        (b'{"seed": ' + b"9" * 5000 + b"}", 400, "malformed"),
        (b'{"seed": 1e400}', 422, "validation"),
        (b'{"seed": ' + b"9" * 400 + b"}", 422, "validation"),
        (rb'{"name": "\ud800"}', 422, "validation"),
        (rb'{"\udfff": 1}', 422, "validation"),
        (b'"' + b"x" * 1_000_001 + b'"', 413, "too_large"),
    ],
)
def test_a_body_that_cannot_be_read_is_refused(alice: Person, raw: bytes, status: int, code: str) -> None:
    answer = alice.post("/v1/jobs", data=raw, content_type="application/json")
    assert (answer.status_code, answer.json["code"]) == (status, code)


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "application/xml", ""])
def test_another_content_type_is_refused(alice: Person, kind: str) -> None:
    answer = alice.post("/v1/jobs", data=json.dumps(TRAIN), content_type=kind)
    assert (answer.status_code, answer.json["code"]) == (415, "unsupported_media")


@pytest.mark.parametrize("query", ["dry_run=1", "dry_run=yes", "dry_run=", "dryrun=true", "dry_run=true&dry_run=true"])
def test_the_query_is_read_strictly(alice: Person, query: str) -> None:
    assert alice.post(f"/v1/jobs?{query}", json=TRAIN).status_code == 422


def test_a_data_set_that_does_not_fit_is_named(alice: Person, stores: Stores, pointers: Pointers) -> None:
    from sqlalchemy import update

    from models.rows import Dataset

    with stores.infra.engine.begin() as connection:
        connection.execute(update(Dataset).values(shape=[3, 64, 64]))
    found = pointers(alice.post("/v1/jobs", json={**TRAIN, "recipe": "dcgan", "params": {}}))
    assert "dcgan needs square images of 28 pixels; this data set has 64x64" in found["/dataset"]
    assert "`image_size` to 28" in found["/dataset"]


def test_the_same_key_and_body_make_one_job(alice: Person) -> None:
    headers = {"Idempotency-Key": "once é"}
    first = alice.post("/v1/jobs", json=TRAIN, headers=headers)
    again = alice.post("/v1/jobs", data=json.dumps(TRAIN, indent=3), content_type="application/json", headers=headers)
    assert (first.status_code, again.status_code) == (201, 201)
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.headers["Location"] == first.headers["Location"]
    assert again.json == first.json
    assert len(alice.get("/v1/jobs").json["data"]) == 1


def test_the_same_key_with_another_body_is_refused(alice: Person, pointers: Pointers) -> None:
    headers = {"Idempotency-Key": "once"}
    alice.post("/v1/jobs", json=TRAIN, headers=headers)
    found = pointers(alice.post("/v1/jobs", json={**TRAIN, "seed": 1}, headers=headers))
    assert "another body" in found["/header/Idempotency-Key"]


def test_keys_of_different_owners_do_not_meet(alice: Person, bob: Person) -> None:
    headers = {"Idempotency-Key": "once"}
    first = alice.post("/v1/jobs", json=TRAIN, headers=headers)
    theirs = bob.post("/v1/jobs", json=TRAIN, headers=headers)
    assert (theirs.status_code, theirs.json["id"] == first.json["id"]) == (201, False)


def test_a_repeated_request_is_answered_after_its_names_have_gone(finished: Finished, alice: Person) -> None:
    body = {"kind": "sample", "source": {"job": finished.id, "checkpoint": "latest"}}
    first = alice.post("/v1/jobs", json=body, headers={"Idempotency-Key": "s"})
    from sqlalchemy import update

    from models.rows import Job

    stores = alice.client.application.extensions["ganforge"].stores
    with stores.infra.engine.begin() as connection:
        connection.execute(update(Job).values(latest_checkpoint=None, best_checkpoint=None))
    again = alice.post("/v1/jobs", json=body, headers={"Idempotency-Key": "s"})
    assert (again.status_code, again.json) == (201, first.json)


@pytest.mark.parametrize("key", ["", "x" * 256])
def test_an_idempotency_key_has_1_to_255_characters(alice: Person, pointers: Pointers, key: str) -> None:
    assert "/header/Idempotency-Key" in pointers(alice.post("/v1/jobs", json=TRAIN, headers={"Idempotency-Key": key}))


def test_a_key_whose_first_request_is_under_way_is_busy(alice: Person, stores: Stores) -> None:
    from sqlalchemy import func, select

    with stores.infra.engine.begin() as connection:
        connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended("alice\nonce", 0))))
        answer = alice.post("/v1/jobs", json=TRAIN, headers={"Idempotency-Key": "once"})
    assert (answer.status_code, answer.headers["Retry-After"]) == (409, "1")


def test_eight_at_once_with_one_key_make_one_job(alice: Person) -> None:
    codes: list[int] = []
    headers = {"Idempotency-Key": "once"}

    def go() -> None:
        codes.append(alice.post("/v1/jobs", json=TRAIN, headers=headers).status_code)

    threads = [threading.Thread(target=go) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(codes) <= {201, 409}
    assert 201 in codes
    assert len(alice.get("/v1/jobs").json["data"]) == 1


@pytest.mark.parametrize("checkpoint", ["best", "latest"])
def test_a_sampling_job_takes_a_checkpoint_by_name(finished: Finished, alice: Person, checkpoint: str) -> None:
    source = {"job": finished.id, "checkpoint": checkpoint}
    job = alice.post("/v1/jobs", json={"kind": "sample", "source": source, "params": {"seed": 7}}).json
    assert (job["kind"], job["recipe"], job["source"], job["seed"]) == ("sample", "mlp_gan", source, 7)
    asked = {"count": 64, "seed": 7, "output": "grid"}
    assert job["params"] == {**asked, "dataset": None, "direction": "a_to_b"}


def test_a_sampling_job_takes_a_checkpoint_by_id(finished: Finished, alice: Person) -> None:
    source = {"job": finished.id, "checkpoint": finished.checkpoint}
    assert alice.post("/v1/jobs", json={"kind": "sample", "source": source}).status_code == 201


def test_a_sampling_job_without_its_source_is_refused(
    finished: Finished, alice: Person, bench: Bench, pointers: Pointers
) -> None:
    def ask(**source: Any) -> dict[str, str]:
        return pointers(alice.post("/v1/jobs", json={"kind": "sample", "source": source}))

    assert list(ask(job="job_1")) == ["/source/job"]
    assert ask(job="job_0198c0de-0000-7000-8000-000000000000") == {
        "/source/job": "job not found, or you have no access"
    }
    assert list(ask(job=finished.id, checkpoint="newest")) == ["/source/checkpoint"]
    assert ask(job=finished.id, checkpoint=finished.grid) == {
        "/source/checkpoint": "is not a checkpoint of this job; use best, latest or the id of one"
    }
    fresh = alice.submit()["id"]
    assert ask(job=fresh) == {"/source/checkpoint": "this job has no checkpoint yet"}
    made = alice.post("/v1/jobs", json={"kind": "sample", "source": {"job": finished.id}}).json["id"]
    assert list(ask(job=made)) == ["/source/job"]
