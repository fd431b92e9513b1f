"""A new recipe is two files, a new layout is one. Added to a copy of the checkout, the whole service knows them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from ganforge.client import Client
from ganforge.errors import ApiError
from ganforge.stack.home import Home
from tests.ganforge.conftest import Commands
from tests.waiting import until

# Its fixtures start a whole service.
pytestmark = pytest.mark.server

PACKAGES = (
    "models",
    "packing",
    "stores",
    "api",
    "worker",
    "sweeper",
    "trainers",
    "ganforge",
    "migrations",
    "tools",
    "benchmarks",
)

SPEC = '''
"""`toy`: one hidden layer in each network."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from models.specs.base import EPOCHS, Epochs, NoiseParams
from models.specs.parameter_markers import Resumable
from models.specs.recipe import Preset, Recipe


class ToyParams(NoiseParams):
    """Defaults: one epoch."""

    epochs: Epochs | None = Field(1, description=EPOCHS)
    contrast: Annotated[float, Field(gt=0, le=10, strict=False), Resumable.yes] = Field(
        1.0, description="Factor in front of the generator's tanh."
    )
    layers: Annotated[int, Field(ge=1, le=3)] = Field(1, description="Hidden layers of the generator.")


RECIPE = Recipe(
    name="toy",
    title="Toy GAN",
    description="Two networks of one hidden layer.",
    source="nobody",
    params=ToyParams,
    sizes=range(8, 65),
    position=100,
    presets=(Preset("sharp", "More contrast.", {"contrast": 3.0}),),
)
'''

NETWORKS = '''
"""`toy`: one hidden layer in each network."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from torch import Tensor, nn

from trainers.methods.adversarial import Players
from trainers.recipes.recipe import Recipe, pair

if TYPE_CHECKING:
    from models.specs.toy import ToyParams


class Generator(nn.Module):
    """Noise (batch, noise_dim) -> images (batch, channels, size, size) in [-1, 1]."""

    def __init__(self, params: ToyParams, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.shape, self.contrast = shape, params.contrast
        hidden = [nn.Linear(params.width, params.width) for _ in range(params.layers - 1)]
        self.layers = nn.Sequential(
            nn.Linear(params.noise_dim, params.width), *hidden, nn.ReLU(), nn.Linear(params.width, math.prod(shape))
        )

    def forward(self, noise: Tensor) -> Tensor:
        """Paint one image for each row of noise."""
        return (self.contrast * self.layers(noise)).tanh().view(-1, *self.shape)


class Discriminator(nn.Module):
    """Images (batch, channels, size, size) -> logits (batch,)."""

    def __init__(self, width: int, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(math.prod(shape), width), nn.ReLU(), nn.Linear(width, 1))

    def forward(self, images: Tensor) -> Tensor:
        """Judge each image."""
        return self.layers(images).squeeze(1)


def players(params: ToyParams, shape: tuple[int, ...], _mean: Tensor | None) -> Players:
    """Build both networks."""
    return Players(Generator(params, shape), Discriminator(params.width, shape))


RECIPE = Recipe(pair(players))
'''
LAYOUT = '''
"""`toy`: one file of grey pictures, 16 by 16 pixels, each after the number of its class."""

from __future__ import annotations

from pathlib import Path

from packing.layouts.base import (
    Array, ArrayLayout, DatasetFiles, Entry, KnownDataset, PreviewPictures, Raw, by_class, class_counts
)
from packing.layouts.walk import files_in

FILE = "pictures.toy"
SHAPE = (1, 16, 16)


class ToyLayout(ArrayLayout):
    """One file, `pictures.toy`."""

    name = "toy"
    position = 100
    how = "into memory"
    known = (KnownDataset("toy-set", "found", "toy", "toy-set", {}, SHAPE, ("dark", "light")),)

    def matches(self, folder: Path) -> bool:
        return (folder / FILE).is_file()

    def files(self, folder: Path) -> list[Entry]:
        return [entry for entry in files_in(folder) if entry.name == FILE]

    def counts(self, folder: Path) -> dict[str, int]:
        return {"train": (folder / FILE).stat().st_size // 257}

    def arrays(self, dataset: DatasetFiles) -> dict[str, Array]:
        records = _records(dataset.folder)
        pixels = bytearray().join(record[1:] for record in records)
        return {"train": Array(pixels, bytearray(record[0] for record in records))}

    def preview(self, dataset: DatasetFiles) -> PreviewPictures:
        records = _records(dataset.folder)
        labels = [record[0] for record in records]
        return PreviewPictures(
            by_class(labels, dataset), lambda n: Raw(records[n][1:], SHAPE), class_counts(labels, dataset)
        )


def _records(folder: Path) -> list[bytes]:
    content = (folder / FILE).read_bytes()
    return [content[at : at + 257] for at in range(0, len(content), 257)]


LAYOUT = ToyLayout()
'''
SMALL = {"images": 640, "batch_size": 64, "width": 8, "noise_dim": 4, "epochs": None}


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of this checkout with the three files in it. Nothing else is changed."""
    folder = tmp_path_factory.mktemp("checkout")
    for package in PACKAGES:
        shutil.copytree(package, folder / package)  # with the bytecode, which is valid there too
    (folder / "models/specs/toy.py").write_text(SPEC.lstrip())
    (folder / "trainers/recipes/toy.py").write_text(NETWORKS.lstrip())
    (folder / "packing/layouts/toy.py").write_text(LAYOUT.lstrip())
    return folder


@pytest.fixture(scope="module")
def service(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Commands]:
    """Run the service from that copy."""
    commands = Commands(tmp_path_factory.mktemp("service") / "home", checkout)
    root = tmp_path_factory.mktemp("root")
    (root / "toy-set").mkdir()
    (root / "toy-set/pictures.toy").write_bytes(b"".join(bytes([n % 2] + [200 * (n % 2)] * 256) for n in range(90)))
    try:
        commands.up(GANFORGE_THREADS="1", GANFORGE_DATA_ROOTS=str(root))
        yield commands
    finally:
        commands.close()


@pytest.fixture(scope="module")
def client(service: Commands) -> Iterator[Client]:
    """Return a client of that service."""
    with service.client() as opened:
        yield opened


def test_the_api_lists_a_new_recipe_with_its_parameters(client):
    recipe = client.recipe("toy")
    assert (recipe["title"], recipe["images"], recipe["needs"]) == ("Toy GAN", "square, 8 to 64 pixels", "nothing")
    assert recipe["params"]["properties"]["layers"]["maximum"] == 3
    assert [preset["name"] for preset in recipe["presets"]] == ["sharp"]
    assert "toy" in [one["name"] for one in client.recipes()]


def test_the_form_shows_the_parameters_of_a_new_recipe_by_group(service):
    home = Home(service.home)
    with httpx.Client(base_url=home.read_stack()["api"]) as browser:
        assert browser.post("/dashboard/login", data={"key": home.admin_key_file.read_text().strip()}).is_redirect
        page = browser.get("/dashboard/new?recipe=toy").text
    groups = dict(
        re.findall(r'<details class="group" id="p-group-\w+"><summary>([^<]*) <(.*?)</details>', page, re.DOTALL)
    )
    held = {title: re.findall(r'data-param="(\w+)"', inside) for title, inside in groups.items()}
    assert held["Recipe-specific"] == ["contrast", "layers"]
    assert {"noise_dim", "beta1"} <= set(held["Training"])
    assert "patience" in held["Logging and early stopping"]
    first = page.partition('id="advanced"')[0]
    assert re.findall(r'data-param="(\w+)"', first)[:2] == ["epochs", "images"]


def test_the_command_line_shows_a_new_recipe(service):
    listed = service("recipes", "toy")
    assert listed.returncode == 0, listed.stderr
    for words in ("Toy GAN", "contrast", "Preset sharp: More contrast."):
        assert words in listed.stdout


def test_a_new_recipe_trains_resumes_with_a_change_and_samples(client):
    made = client.train("toy", "mnist-10k", preset="sharp", params=SMALL)
    assert made["params"]["contrast"] == 3.0
    first = client.wait(made["id"])
    assert first["state"] == "succeeded", first["error"]

    with pytest.raises(ApiError) as refused:
        client.retry(first["id"], checkpoint="latest", params={"layers": 2, "contrast": 1.0, "images": 1280})
    assert [problem["pointer"] for problem in refused.value.errors] == ["/params/layers"]
    retried = client.retry(first["id"], checkpoint="latest", params={"contrast": 1.0, "images": 1280})
    second = client.wait(retried["id"])
    assert second["state"] == "succeeded", second["error"]
    assert second["params"]["contrast"] == 1.0

    drawn = client.wait(client.sample(second["id"], params={"count": 4, "output": "images"})["id"])
    assert drawn["state"] == "succeeded", drawn["error"]
    assert [file["kind"] for file in client.artifacts(drawn["id"])] == ["samples"]


def test_a_data_set_of_a_new_layout_is_listed_previewed_and_trained_on(client):
    found = client.dataset("toy-set")
    assert (found["layout"], found["parts"], found["classes"]) == ("toy", {"train": 90}, ["dark", "light"])
    until(lambda: client.dataset("toy-set")["class_counts"] is not None, 60, "the preview")
    assert client.dataset("toy-set")["class_counts"] == [45, 45]
    # At its own size, and scaled: through the cache.
    for size in (16, 48):
        job = client.wait(client.train("toy", "toy-set", params={**SMALL, "image_size": size})["id"])
        assert job["state"] == "succeeded", job["error"]


def test_the_tables_of_the_documents_have_rows_for_both(checkout):
    code = (
        "import json, sys; from tools.docs.tables import TABLES; print(json.dumps([TABLES[n]() for n in sys.argv[1:]]))"
    )
    names = ("recipes", "presets", "own-parameters", "layouts")
    made = subprocess.run(
        [sys.executable, "-c", code, *names], cwd=checkout, capture_output=True, text=True, check=False
    )
    assert made.returncode == 0, made.stderr
    for table in json.loads(made.stdout):
        assert "`toy`" in [row[0] for row in table]
