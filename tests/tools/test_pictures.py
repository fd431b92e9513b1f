"""The pictures of the guide: those that the script takes, and small."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image

from tools.pictures import FOLDER, MOST_BYTES, few_colours, names

MOST_ANIMATED = 1_000_000


def test_the_pictures_that_documents_show_are_taken_by_the_script_and_small() -> None:
    kept = {file.name for file in FOLDER.glob("*-[0-9]*-[dl]*.png")}
    assert kept == set(names())
    assert sum((FOLDER / name).stat().st_size for name in kept) <= MOST_BYTES
    assert (FOLDER / "demo-training.gif").stat().st_size <= MOST_ANIMATED


def test_the_guide_shows_the_pictures() -> None:
    pages = "".join(page.read_text() for page in Path("docs/guide").glob("*.md"))
    assert sum(name in pages for name in names()) >= 3


def test_a_picture_of_few_colours_looks_the_same_and_takes_less() -> None:
    out = io.BytesIO()
    # As a page has: large plain areas, and text with soft edges.
    image = Image.linear_gradient("L").resize((400, 300)).convert("RGB")
    image.save(out, "PNG")
    small = few_colours(out.getvalue())
    assert len(small) < len(out.getvalue())
    with Image.open(io.BytesIO(small)) as after:
        assert (after.format, after.size, after.mode) == ("PNG", (400, 300), "P")
        pairs = zip(image.convert("L").tobytes(), after.convert("L").tobytes(), strict=True)
        assert max(abs(before - now) for before, now in pairs) < 8
