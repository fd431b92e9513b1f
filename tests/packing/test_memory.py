"""A packer takes 512 MB at most, whatever it reads, and names the file that would take more."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from PIL import Image

from models.messages import Message
from packing.limits import MEMORY
from tests.api.uploads.archives import pictures, zipped
from tests.packing.test_headers import canvas
from tests.packing.test_importer import run
from tests.packing.test_picture import encoded

# The largest pictures that are read, of each way in which a decoder holds pixels.
LARGE = {
    "transparency": ("PNG", (6300, 6300), "RGBA", {"compress_level": 1}),
    "16 bits": ("PNG", (7000, 7000), "I;16", {"compress_level": 1}),
    "colours": ("PNG", (7000, 7000), "RGB", {"compress_level": 1}),
    "a palette with transparency": ("PNG", (7000, 7000), "P", {"compress_level": 1, "transparency": bytes(256)}),
    "a lossless WebP": ("WEBP", (5000, 5000), "RGBA", {"lossless": True, "method": 0}),
    "a WebP": ("WEBP", (5000, 5000), "RGB", {"method": 0}),
    "an AVIF": ("AVIF", (5000, 5000), "RGB", {"speed": 10}),
    "a progressive JPEG": ("JPEG", (7000, 7000), "RGB", {"progressive": True, "subsampling": 0}),
    "a CMYK JPEG": ("JPEG", (6300, 6300), "CMYK", {}),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", LARGE)
def test_the_largest_pictures_fit(tmp_path: Path, case: str):
    kind, size, mode, how = LARGE[case]
    archive = zipped({**pictures(16), "large": encoded(Image.new(mode, size), kind, **how)}, zipfile.ZIP_DEFLATED)
    (tmp_path / "a.zip").write_bytes(archive)
    told, peak = run(tmp_path / "a.zip", size=64)
    assert (told["type"], told.get("images")) == ("done", 17), told
    assert peak << 10 < MEMORY


def test_an_animation_on_a_large_canvas_is_refused_by_name_and_takes_no_memory(tmp_path: Path):
    (tmp_path / "a.zip").write_bytes(zipped({**pictures(16), "x/moving.webp": canvas(7000)}))
    told, peak = run(tmp_path / "a.zip")
    (problem,) = told["problems"]
    assert problem["file"] == "x/moving.webp"
    assert "25 million pixels" in str(Message.of(problem["problem"]))
    assert peak < 60_000
