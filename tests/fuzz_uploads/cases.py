"""One case: what is sent, drawn from its number alone, so that any case can be had again."""

from __future__ import annotations

import random
import zipfile
from dataclasses import dataclass
from itertools import chain

from PIL import Image

from tests.api.uploads.archives import zipped
from tests.fuzz_uploads.mutations import mend_png, mutated
from tests.fuzz_uploads.seeds import COMPRESSED, GOOD, PACKED, PICTURES, Standing
from tests.packing.test_headers import bare_png, canvas
from tests.packing.test_picture import encoded

# Mutated pictures in one archive: a process has to be started for each archive.
_MOST_PICTURES = 16


@dataclass(frozen=True)
class Case:
    """An archive to upload, or a data set on the service's own disk."""

    number: int
    kind: str
    archive: bytes = b""
    skip_damaged: bool = True
    standing: Standing | None = None


def case(seed: int, number: int, sets: dict[str, Standing]) -> Case:
    """Return a case of a series."""
    chance = random.Random(f"{seed} {number}")
    kinds = [_pictures] * 5 + [_archive] * 4 + [_inner] * 2 + [_standing] * 2 + [_large]
    return chance.choice(kinds)(number, chance, sets)


def _pictures(number: int, chance: random.Random, sets: dict[str, Standing]) -> Case:
    """Return whole archives of mutated pictures."""
    files = dict(GOOD)
    kinds = []
    for position in range(chance.randint(1, _MOST_PICTURES)):
        kind = chance.choice(list(PICTURES))
        content = mutated(PICTURES[kind], chance, list(PICTURES.values()))
        if "PNG" in kind and chance.random() < 0.7:
            content = mend_png(content)
        files[f"mutated{position}"] = content
        kinds.append(kind)
    packed = chance.choice(["zip", "zip deflated", "tar"])
    return Case(
        number, f"pictures: {', '.join(sorted(set(kinds)))} in {packed}", PACKED[packed](files), chance.random() < 0.8
    )


def _files(chance: random.Random) -> dict[str, bytes]:
    folder = chance.choice(["", "a/", "train/a/"])
    return {f"{folder}{name}": content for name, content in GOOD.items()}


def _archive(number: int, chance: random.Random, sets: dict[str, Standing]) -> Case:
    """Return a mutated archive."""
    packed = chance.choice(list(PACKED))
    content = PACKED[packed](_files(chance))
    if packed.startswith("tar") and chance.random() < 0.6:
        packed = f"{packed}.{chance.choice(list(COMPRESSED))}"
        content = COMPRESSED[packed.rpartition(".")[2]](content)
    return Case(
        number, f"archive: {packed}", mutated(content, chance, [content, PICTURES["PNG"]]), chance.random() < 0.5
    )


def _inner(number: int, chance: random.Random, sets: dict[str, Standing]) -> Case:
    """Return a whole compressed file with a mutated tar in it."""
    packed, compressed = chance.choice(["tar", "tar of long names"]), chance.choice(list(COMPRESSED))
    content = PACKED[packed](_files(chance))
    inner = mutated(content, chance, [content])
    return Case(number, f"inside: {packed}.{compressed}", COMPRESSED[compressed](inner), chance.random() < 0.5)


def _large(number: int, chance: random.Random, sets: dict[str, Standing]) -> Case:
    """Return few bytes that become many: pictures of one colour, members of one byte, folders without end."""
    kind = chance.choice(["PNG", "JPEG", "WEBP", "BMP", "canvas", "PNG head", "member", "folders"])
    method = chance.choice([zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
    side = chance.randint(2000, 8500)
    other = int(side * chance.choice([1, 1, 0.1, 0.01, 3]))
    if kind == "member":
        large = {"large.png": bytes(chance.randint(1, 70 << 20))}
    elif kind == "folders":
        large = {f"{n}/{'x' * chance.randint(1, 200)}.png": b"" for n in range(chance.randint(100, 25_000))}
    elif kind == "canvas":
        large = {"large.webp": canvas(min(side * 2, 16_383))}
    elif kind == "PNG head":
        large = {"large.png": bare_png(side * 9, other, chance.choice([0, 2, 3, 4, 6]))}
    else:
        large = {"large": _of_one_colour(kind, (min(side, 16_000), min(other, 16_000)), chance)}
    content = zipped({**GOOD, **large}, method)
    return Case(number, f"large: {kind}", content, chance.random() < 0.5)


def _of_one_colour(kind: str, size: tuple[int, int], chance: random.Random) -> bytes:
    modes = {"PNG": ["RGB", "RGBA", "L", "LA", "P", "I;16"], "JPEG": ["RGB", "L", "CMYK"], "WEBP": ["RGB", "RGBA"]}
    how = {
        "PNG": {"compress_level": 1},
        "JPEG": {"progressive": chance.random() < 0.5},
        "WEBP": {"method": 0, "lossless": chance.random() < 0.5},
    }
    if kind == "BMP":
        size = (min(size[0], 4000), min(size[1], 4000))
    return encoded(Image.new(chance.choice(modes.get(kind, ["RGB", "L"])), size), kind, **how.get(kind, {}))


def _standing(number: int, chance: random.Random, sets: dict[str, Standing]) -> Case:
    """Return a data set of which one file is mutated."""
    name = chance.choice(list(sets))
    known = sets[name]
    file = chance.choice(list(known.files))
    others = list(chain(known.files.values(), [PICTURES["WebP"]]))
    files = {**known.files, file: mutated(known.files[file], chance, others)}
    return Case(number, f"standing: {name}", standing=known._replace(files=files))


_INNOCENT = PACKED["zip deflated"](GOOD)


def innocent(number: int) -> Case:
    """Return an innocent upload beside the case of this number."""
    return Case(number, "innocent", _INNOCENT, skip_damaged=False)
