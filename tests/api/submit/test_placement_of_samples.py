"""What a sampling job may be asked to translate."""

from __future__ import annotations

import pytest

from models.states import Outcome
from tests.api.conftest import Bench, Person, Pointers, Upload
from tests.api.uploads.archives import pictures, zipped


@pytest.mark.parametrize(("mode", "fits"), [("L", True), ("RGB", False)])
def test_a_data_set_to_translate_has_the_channels_that_the_job_learned_from(
    alice: Person, bench: Bench, upload: Upload, pointers: Pointers, mode: str, fits: bool
) -> None:
    training = alice.submit(recipe="cyclegan", dataset="mnist-10k", params={})
    claim = bench.claim()
    bench.artifact(claim, "checkpoint", "step-2.safetensors", b"weights", "application/octet-stream")
    bench.finish(claim, Outcome.succeeded)
    assert upload(alice, zipped(pictures(20, mode=mode)), name="mine").status_code == 201
    asked = {
        "kind": "sample",
        "source": {"job": training["id"], "checkpoint": "latest"},
        "params": {"output": "translate", "dataset": "mine"},
    }
    answer = alice.post("/v1/jobs", json=asked)
    if fits:
        assert answer.status_code == 201
    else:
        detail = "its images have 3 channel(s), the job learned from images with 1 channel(s)"
        assert pointers(answer) == {"/params/dataset": detail}
