"""A full disk has a word of its own on the wire: it is the machine's trouble and not the job's."""

from __future__ import annotations

import errno
import os
import resource

import pytest
import torch

from trainers.loop.checkpoints import write_tensors
from trainers.process.errors import as_failure


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_what_the_system_says_of_a_full_disk_is_no_space(number):
    code, detail = as_failure(OSError(number, os.strerror(number), "/scratch/grid.png"))
    assert code == "no_space"
    assert "free some" in str(detail)


def test_another_error_of_the_disk_is_not():
    assert as_failure(OSError(errno.EACCES, os.strerror(errno.EACCES)))[0] == "internal"


def test_a_checkpoint_that_finds_no_room_is_no_space_and_leaves_no_file(tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(OSError, match="could not be written") as raised:
            write_tensors(tmp_path / "x.safetensors", {"w": torch.zeros(1000)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert as_failure(raised.value)[0] == "no_space"
    assert list(tmp_path.iterdir()) == []
