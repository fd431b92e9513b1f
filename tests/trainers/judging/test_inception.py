"""Inception: the same features as torchvision's network and as FID's port of it, from the user's file alone."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch.nn import functional

from models import extractors
from models.wire import ExtractorSpec
from trainers.judging import extractor, inception
from trainers.process.errors import CheckpointCorruptError, InvalidDatasetError

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def theirs():
    """torchvision's network with weights that keep numbers in range, without its last layer."""
    # It brings in torch's compiler, which only the process that runs this needs to wait for.
    import torchvision

    torch.manual_seed(0)
    network = torchvision.models.Inception3(aux_logits=False, init_weights=False)
    for layer in network.modules():
        if isinstance(layer, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        elif isinstance(layer, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(layer.running_mean, -0.1, 0.1)
            torch.nn.init.uniform_(layer.running_var, 0.8, 1.2)
            torch.nn.init.uniform_(layer.bias, -0.1, 0.1)
    network.fc = torch.nn.Identity()
    return network.eval()


@pytest.fixture(scope="module")
def images():
    return torch.rand(2, 3, 299, 299, generator=torch.Generator().manual_seed(1)) * 2 - 1


def features(network, images):
    with torch.no_grad():
        return network(images)


def same(ours, theirs):
    assert ours.shape == theirs.shape == (2, 2048)
    assert float(theirs.std()) > 1e-3
    return float((ours - theirs).abs().max() / theirs.abs().max()) < 1e-5


@pytest.mark.parametrize("port", [False, True])
def test_features_are_those_of_torchvisions_network_and_of_the_port(theirs, images, monkeypatch, port):
    ours = inception.filled(inception.Inception(port), theirs.state_dict()).eval()
    plain = features(theirs, images)
    # What the port changes: means leave out the zeros beyond the edge, and the last block takes maxima.
    means, maxima = functional.avg_pool2d, functional.max_pool2d

    def pooled(inputs, **how):
        return maxima(inputs, 3, 1, 1) if inputs.shape[1] == 2048 else means(inputs, **how, count_include_pad=False)

    monkeypatch.setattr(functional, "avg_pool2d", pooled)
    changed = features(theirs, images)
    assert not same(plain, changed)
    assert same(features(ours, images), changed if port else plain)


def test_images_are_scaled_and_normalised_as_the_port_does_it():
    corners = torch.tensor([[0, 255], [51, 102]], dtype=torch.uint8).view(1, 1, 2, 2)
    out = inception.prepared(corners)
    assert out.shape == (1, 3, 299, 299)
    assert torch.equal(out[:, 0], out[:, 2])

    def expected(row, column):
        # Aligned centres: pixel i of 299 lies at (i + .5) 2 / 299 - .5 of the two pixels, but not beyond them.
        y, x = (min(max((place + 0.5) * 2 / 299 - 0.5, 0), 1) for place in (row, column))
        value = (1 - y) * ((1 - x) * 0 + x * 1) + y * ((1 - x) * 0.2 + x * 0.4)
        return 2 * value - 1

    for place in ((0, 0), (0, 298), (298, 0), (149, 149), (100, 200)):
        assert float(out[0, 1][place]) == pytest.approx(expected(*place), abs=1e-5)
    # Without antialiasing: every other pixel of a fine pattern is not averaged away.
    fine = (torch.arange(598) % 2 * 255).to(torch.uint8).expand(1, 1, 598, 598)
    assert float(inception.prepared(fine).abs().max()) < 1e-6  # between two pixels each time
    assert float(inception.prepared(torch.full((1, 3, 299, 299), 255, dtype=torch.uint8)).min()) == 1


@pytest.fixture
def known_file(theirs, tmp_path, monkeypatch):
    """A file of weights that is made to be known."""
    path = tmp_path / "weights.pth"
    torch.save(theirs.state_dict(), path)
    known = {inception.file_sha256(path): extractors.InceptionFile(path.name, port=True)}
    monkeypatch.setattr(inception, "INCEPTION_FILES", known)
    return path


def load(path):
    return extractor.load(ExtractorSpec(extractors.INCEPTION, Path(path)), CPU)


def test_a_known_file_is_an_extractor_for_images_of_any_size(known_file):
    found = load(known_file)
    assert found.sha256 == inception.file_sha256(known_file)
    assert (found.name, found.accuracy, found.classes, found.size) == ("inception", None, None, 299)
    grey = torch.arange(2 * 28 * 28).view(2, 1, 28, 28).to(torch.uint8)
    seen = found.look_at(grey)
    assert seen.features.shape == (2, 2048)
    assert seen.probabilities is None
    assert torch.allclose(seen.features, found.look_at(grey.repeat(1, 3, 1, 1)).features, rtol=1e-4)
    with pytest.raises(InvalidDatasetError, match="takes images of 3 channels, and these have 4"):
        found.look_at(torch.zeros(1, 4, 8, 8, dtype=torch.uint8))


def test_a_file_of_unknown_hash_is_refused_before_it_is_unpacked(tmp_path):
    path = tmp_path / "weights.pth"
    path.write_bytes(b"not even a pickle")
    with pytest.raises(CheckpointCorruptError, match="does not contain known Inception weights: put pt_inception-2015"):
        load(path)
    with pytest.raises(CheckpointCorruptError, match="cannot be read"):
        load(tmp_path / "absent.pth")


def test_weights_that_lack_a_layer_are_refused(theirs):
    weights = dict(theirs.state_dict())
    del weights["Mixed_6e.branch_pool.bn.bias"]
    with pytest.raises(CheckpointCorruptError, match=r"incomplete: Mixed_6e\.branch_pool\.bn\.bias is missing"):
        inception.filled(inception.Inception(port=True), weights)
    # Counts of batches may be missing, as in the port's file.
    counted = {name: value for name, value in theirs.state_dict().items() if not name.endswith("batches_tracked")}
    inception.filled(inception.Inception(port=True), counted)


def test_every_known_hash_begins_with_the_digits_in_its_files_name():
    assert len(extractors.INCEPTION_FILES) == 3
    for sha256, known in extractors.INCEPTION_FILES.items():
        assert len(sha256) == 64
        assert Path(known.file).stem.endswith(f"-{sha256[:8]}")


def test_the_documents_table_names_every_known_file():
    text = (Path(__file__).parents[3] / "docs" / "11-datasets.md").read_text()
    for sha256, known in extractors.INCEPTION_FILES.items():
        assert f"| `{known.file}` | `{sha256}` |" in text
