"""Downloads happen on request only. Here there is no network to ask: what can be seen is what a person is told."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.trainers.attempts import ROOT
from trainers.data import download

pytestmark = pytest.mark.long


def run(*arguments):
    # A proxy that nobody serves: no test reaches the network, on any machine.
    environment = {"PATH": "/usr/bin:/bin", "https_proxy": "http://127.0.0.1:9", "http_proxy": "http://127.0.0.1:9"}
    command = [sys.executable, "-m", "trainers.data.download", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment, check=False)


def test_without_a_network_it_says_what_to_look_at(tmp_path):
    told = run("fashion-mnist", tmp_path / "root")
    assert told.returncode == 1
    assert told.stderr.splitlines()[-1].startswith(f"fashion-mnist could not be downloaded into {tmp_path}/root (")
    assert "look at the network and the free space" in told.stderr
    assert "Traceback" not in told.stderr


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("lsun-bedroom", "unpack bedroom_train_lmdb and bedroom_val_lmdb"),
        ("horse2zebra", "unpack horse2zebra.zip"),
        ("imagenet", "choose mnist, fashion-mnist, cifar-10, celeba"),
    ],
)
def test_what_cannot_be_downloaded_says_how_it_comes(tmp_path, capsys, name, words):
    assert download.main([name, str(tmp_path)]) == 1
    assert f"{name} cannot be downloaded here: {words}" in capsys.readouterr().err


def test_what_is_there_already_needs_no_network(tmp_path, digits):
    from tests.trainers.attempts import idx_bytes

    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for part in ("train", "t10k"):
        (raw / f"{part}-images-idx3-ubyte").write_bytes(idx_bytes(digits[:3]))
        (raw / f"{part}-labels-idx1-ubyte").write_bytes(idx_bytes(digits[:3, 0, 0]))
    told = run("mnist", tmp_path)
    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout == f"mnist is in {tmp_path}; restart the service to have it listed\n"
