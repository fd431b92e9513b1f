"""Networks that cannot be trained in the memory that there is end the job before their first grid."""

from __future__ import annotations

import json
import resource

import pytest
import torch

from tests.trainers.attempts import Process
from trainers import data
from trainers.assembly import assemble
from trainers.data.rng import Draws
from trainers.loop import memory_check, method_tensors
from trainers.loop.loop import Loop
from trainers.outputs import GridWriter
from trainers.process.reporter import ListReporter
from trainers.process.spec import TrainSpec, parse


def _bytes(tensors):
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


@pytest.mark.parametrize("optimizer", ["adam", "rmsprop"])
def test_what_is_still_to_come_at_the_least_is_what_one_step_adds(make_spec, optimizer):
    spec = parse(json.dumps(make_spec(optimizer=optimizer, images=16)))
    assert isinstance(spec, TrainSpec)
    draws = Draws(spec.seed, 0, torch.device("cpu"))
    method, gallery = assemble(spec, data.load(spec.dataset, spec.data_roots, spec.cache, 28), draws)
    least = memory_check._least(method, copies=True)
    before = _bytes(method_tensors.named(method).values())
    reporter = ListReporter()
    Loop(spec, method, GridWriter(gallery, reporter, spec.scratch), reporter).run()
    moments = _bytes(method_tensors.named(method).values()) - before
    gradients = max(_bytes(network.parameters()) for network in method.networks.values())
    # Beside its moments Adam counts the steps of each weight.
    assert 0 <= before + moments + gradients - least < 200
    # A job that goes on has its moments already.
    assert memory_check._least(method, copies=True) == before + moments + gradients
    # On a GPU the copy is on the host, and a job that goes on from a checkpoint has it already.
    assert memory_check._least(method, copies=False) == gradients


@pytest.mark.long  # processes that import torch
def test_an_oversized_job_ends_before_its_first_grid_and_says_what_to_change(make_spec):
    process = Process()
    try:
        process.until("ready")
        resource.prlimit(process.process.pid, resource.RLIMIT_DATA, (1_900_000_000, 1_900_000_000))
        process.write(make_spec("dcgan", width=512, batch_size=4))
        assert process.end() == 1
    finally:
        process.close()
    assert [message["type"] for message in process.messages] == ["ready", "started", "failed"]
    failed = process.messages[-1]
    assert failed["code"] == "out_of_memory"
    assert "lower `width` or `image_size`" in failed["detail"]
