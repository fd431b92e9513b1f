"""Data files: read, or refused with the file and the remedy named."""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path

import pytest
import torch

from tests.trainers.attempts import Attempt, idx_bytes, write_digits
from trainers import data
from trainers.process.errors import InvalidDatasetError
from trainers.process.spec import DatasetSpec

DIGITS, SIZES = tuple("0123456789"), {"train": 9000, "test": 1000}
TRAIN, TEST = "train-images-idx3-ubyte.gz", "t10k-images-idx3-ubyte"


@pytest.fixture
def root(digits, tmp_path):
    write_digits(tmp_path / "MNIST/raw", digits[:30], digits[30:40])
    return tmp_path


def load(root, size=28, **changes):
    given = {"name": "small", "source": "found", "layout": "idx", "folder": "MNIST/raw", "shape": (1, 28, 28)}
    given |= {"classes": tuple("0123456789"), "parts": {"train": 30, "test": 10}, "path": None}
    return data.load(DatasetSpec(**{**given, **changes}), (root,), root / "cache", size)


def test_training_and_test_images_are_read_gzipped_or_plain(root, digits):
    parts = load(root)
    assert (parts["train"].pixels.numpy()[:, 0] == digits[:30]).all()
    assert (parts["test"].pixels.numpy()[:, 0] == digits[30:40]).all()


def test_images_are_read_under_kaggles_names(root, digits):
    for path in (root / "MNIST/raw").iterdir():
        path.rename(path.with_name(path.name.replace("-idx", ".idx")))
    assert (load(root)["train"].pixels.numpy()[:, 0] == digits[:30]).all()


def test_the_built_in_digits_are_complete():
    built_in = DatasetSpec("mnist-10k", "builtin", "idx", "mnist10k/MNIST/raw", (1, 28, 28), DIGITS, SIZES, None)
    parts = data.load(built_in, (), Path(), 28)
    images = torch.cat([parts["train"].pixels, parts["test"].pixels])
    labels = parts["train"].labels
    assert labels is not None
    assert labels.bincount().shape == (10,)
    assert images.shape == (10000, 1, 28, 28)
    # The README beside the files tells their mean and standard deviation.
    assert images.double().div(255).mean().item() == pytest.approx(0.1311, abs=5e-5)
    assert images.double().div(255).std().item() == pytest.approx(0.3087, abs=5e-5)


def _cut(folder, _digits):
    path = folder / TEST
    path.write_bytes(path.read_bytes()[:-1])
    return TEST, "ends after 7839 of 7840 bytes"


def _grown(folder, _digits):
    path = folder / TEST
    path.write_bytes(path.read_bytes() + b"x")
    return TEST, "goes on after 7840"


def _cut_gzip(folder, _digits):
    path = folder / TRAIN
    path.write_bytes(path.read_bytes()[:-100])
    return TRAIN, "cannot be read"


def _rotten_gzip(folder, _digits):
    content = bytearray((folder / TRAIN).read_bytes())
    content[len(content) // 2] ^= 255
    (folder / TRAIN).write_bytes(content)
    return TRAIN, "put the original file back"


def _bomb(folder, digits):
    (folder / TRAIN).write_bytes(gzip.compress(idx_bytes(digits[:30]) + bytes(100_000_000)))
    return TRAIN, "goes on after"


def _huge_claim(folder, digits):
    content = idx_bytes(digits[:30])
    (folder / TRAIN).write_bytes(gzip.compress(content[:4] + b"\xff\xff\xff\xff" + content[8:]))
    return TRAIN, "holds 4294967295x28x28, the data set was listed with 30x28x28"


def _text(folder, _digits):
    (folder / TEST).write_text("<html>404 not found</html>")
    return TEST, "not an IDX file"


def _labels(folder, digits):
    (folder / TEST).write_bytes(idx_bytes(digits[:10, 0, 0]))
    return TEST, "holds 1 dimensions"


def _empty(folder, _digits):
    (folder / TEST).write_bytes(b"")
    return TEST, "begins with nothing"


def _gone(folder, _digits):
    (folder / TEST).unlink()
    return TEST, "lacks t10k-images-idx3-ubyte"


@pytest.mark.parametrize(
    "damage", [_cut, _grown, _cut_gzip, _rotten_gzip, _bomb, _huge_claim, _text, _labels, _empty, _gone]
)
def test_a_broken_file_is_refused_by_name(root, digits, damage):
    name, words = damage(root / "MNIST/raw", digits)
    with pytest.raises(InvalidDatasetError) as refused:
        load(root)
    assert name in str(refused.value)
    assert words in str(refused.value)


def test_a_data_set_that_is_nowhere_names_the_places(tmp_path):
    with pytest.raises(InvalidDatasetError, match=rf"{tmp_path}/MNIST/raw.*GANFORGE_DATA_ROOTS"):
        load(tmp_path)


def test_a_folder_named_like_the_data_set_is_found_too(root):
    shutil.move(root / "MNIST/raw", root / "small")
    assert len(load(root)["train"].pixels) == 30


def test_fewer_images_than_a_batch_says_what_to_change(make_spec):
    spec = make_spec()
    spec["params"]["batch_size"] = 161
    with pytest.raises(InvalidDatasetError, match="set `batch_size` to 160 or less"):
        Attempt.run(json.dumps(spec))


def test_a_broken_data_set_fails_an_attempt_before_it_starts(make_spec, data_root):
    spec = make_spec()
    spec["dataset"]["parts"]["train"] = 161
    with pytest.raises(InvalidDatasetError):
        Attempt.run(json.dumps(spec))
    assert not list(Path(spec["scratch"]).iterdir())
