"""Every way to fail has a code for programs and words for people."""

from __future__ import annotations

import json

import pytest

from tests.trainers.attempts import Attempt
from trainers.process.errors import as_failure


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        ({"recipe": "vae"}, "internal", "does not know the recipe 'vae'; it has mlp_gan, dcgan"),
        ({"device": "tpu"}, "internal", "must be cpu or cuda"),
        ({"seed": "x"}, "internal", "the spec cannot be read"),
        ({"kind": "paint"}, "internal", "it must be train or sample"),
        ({"params": None}, "internal", "NoneType"),
        ({"dataset": {"name": "x"}}, "internal", "the spec lacks the field 'source'"),
        ({"data_roots": []}, "invalid_dataset", "is in none of the data roots"),
        ({"resume": "/nowhere/x.safetensors"}, "checkpoint_corrupt", "x.safetensors cannot be read"),
    ],
)
def test_whatever_goes_wrong_is_told_with_its_code(make_spec, change, code, words):
    with pytest.raises(Exception) as raised:
        Attempt.run(json.dumps({**make_spec(), **change}))
    told, detail = as_failure(raised.value)
    assert told == code
    assert words in detail


def test_a_line_that_is_no_json_is_told():
    with pytest.raises(Exception, match="the spec cannot be read"):
        Attempt.run("hello")


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError(
            "[enforce fail at alloc_cpu.cpp:75] err == 0. DefaultCPUAllocator: can't allocate memory: you tried"
        ),
        RuntimeError("CUDA out of memory. Tried to allocate 20.00 GiB"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        RuntimeError("std::bad_alloc"),
    ],
)
def test_every_allocator_is_understood(error):
    code, detail = as_failure(error)
    assert code == "out_of_memory"
    assert "lower `batch_size` or `width`" in detail
