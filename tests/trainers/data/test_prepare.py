"""What has to be decoded or scaled is done once, by whoever comes first, and mapped from then on."""

from __future__ import annotations

import fcntl
import json
import subprocess
import sys
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import psutil
import pytest
import torch
from PIL import Image

from models.messages import Message
from tests.trainers.attempts import ROOT, write_digits
from tests.trainers.data import formats
from trainers.data import cache
from trainers.data.prepare import Squaring
from trainers.process.errors import TrainerError


def digits_set(root, count=3):
    digits = formats.pixels(2 * count, 28, 28, 1)[..., 0]
    write_digits(root / "MNIST/raw", digits[:count], digits[count:])
    parts = {"train": count, "test": count}
    return formats.described("mnist", "idx", "MNIST/raw", parts, (1, 28, 28), classes=tuple("0123456789")), digits


def test_a_little_larger_is_framed_in_black_and_much_larger_is_scaled(root, load, prepared):
    dataset, digits = digits_set(root)
    framed = load(dataset, 35)["train"].pixels
    assert np.array_equal(framed[:, 0, 3:31, 3:31].numpy(), digits[:3])
    assert int(framed.sum()) == int(digits[:3].sum()), "there is something in the frame"
    assert not prepared()
    scaled = load(dataset, 36)["train"].pixels
    wanted = [np.asarray(Image.fromarray(digit).resize((36, 36), Image.Resampling.LANCZOS)) for digit in digits[:3]]
    assert np.array_equal(scaled[:, 0].numpy(), wanted)
    assert len(prepared()) == 1


def test_smaller_is_scaled(root, load):
    dataset, digits = digits_set(root)
    wanted = [np.asarray(Image.fromarray(digit).resize((14, 14), Image.Resampling.LANCZOS)) for digit in digits[3:]]
    assert np.array_equal(load(dataset, 14)["test"].pixels[:, 0].numpy(), wanted)


def test_a_flat_folder_is_framed_as_the_batches_are(flat_set, cifar_set, load):
    flat, batches = load(flat_set, 36), load(cifar_set, 36)
    for parts in (flat, batches):
        pixels = parts["test"].pixels[:3]
        assert torch.equal(pixels[..., 2:34, 2:34], torch.from_numpy(formats.planar(formats.pixels(3, 32, 32, seed=2))))
        assert int(pixels.sum()) == int(pixels[..., 2:34, 2:34].sum())


def test_scaling_goes_by_the_shorter_side_and_keeps_the_middle(root, load):
    bands = np.zeros((40, 120, 3), np.uint8)
    bands[:, :40, 0], bands[:, 40:80, 1], bands[:, 80:, 2] = 255, 255, 255
    formats.write_pictures(root / "bedroom", ["wide.png", "high.png"], [bands, bands.transpose(1, 0, 2)])
    dataset = formats.described("lsun-bedroom", "folder", "bedroom", {"train": 2}, (3, 256, 256))
    pixels = load(dataset, 20)["train"].pixels[..., 4:16, 4:16]  # Lanczos reaches three pixels beyond an edge
    green = torch.tensor([0, 255, 0], dtype=torch.uint8).view(1, 3, 1, 1).expand_as(pixels)
    assert torch.equal(pixels, green)


def test_squashing_keeps_the_whole_picture_and_scales_each_side_by_itself(root, load):
    pictures = formats.pixels(2, 40, 60)
    formats.write_pictures(root / "bedroom", ["a.png", "b.png"], list(pictures))
    dataset = formats.described("lsun-bedroom", "folder", "bedroom", {"train": 2}, (3, 256, 256))
    wanted = [np.asarray(Image.fromarray(one).resize((24, 24), Image.Resampling.BICUBIC)) for one in pictures]
    found = load(dataset, 24, crop="squash")["train"].pixels
    assert np.array_equal(found.permute(0, 2, 3, 1).numpy(), wanted)
    assert not torch.equal(found, load(dataset, 24)["train"].pixels)


def test_small_images_are_squashed_too_and_get_no_frame(root, load):
    dataset, digits = digits_set(root)
    wanted = [np.asarray(Image.fromarray(digit).resize((32, 32), Image.Resampling.BICUBIC)) for digit in digits[:3]]
    assert np.array_equal(load(dataset, 32, crop="squash")["train"].pixels[:, 0].numpy(), wanted)
    # At their own size there is nothing to do.
    assert np.array_equal(load(dataset, 28, crop="squash")["train"].pixels[:, 0].numpy(), digits[:3])


def test_grey_palettes_and_rotated_pictures_become_upright_colour(root, load):
    folder = root / "bedroom"
    folder.mkdir()
    Image.new("L", (8, 8), 90).save(folder / "a.png")
    Image.new("RGB", (8, 8), (9, 200, 30)).quantize(2).save(folder / "b.png")
    half = Image.new("RGB", (8, 8))
    half.paste((255, 255, 255), (0, 0, 4, 8))
    turned = Image.Exif()
    turned[0x0112] = 3  # upside down
    half.save(folder / "c.png", exif=turned)
    dataset = formats.described("lsun-bedroom", "folder", "bedroom", {"train": 3}, (3, 256, 256))
    grey, palette, upside = load(dataset, 8)["train"].pixels
    assert (grey == 90).all()
    assert [int(channel.unique()) for channel in palette] == [9, 200, 30]
    assert upside[:, :, :4].sum() == 0
    assert (upside[:, :, 4:] == 255).all()


def test_the_cache_is_taken_again_until_a_file_changes(folder_set, load, prepared, root):
    said: list[Message] = []
    first = load(folder_set, 48, say=said.append)
    assert list(map(str, said)) == ["preparing lsun-bedroom at 48 pixels once: 4 pictures"]
    assert torch.equal(load(folder_set, 48, say=said.append)["train"].pixels, first["train"].pixels)
    assert len(said) == len(prepared()) == 1
    formats.write_pictures(root / "bedroom", ["d.bmp"], formats.pixels(1, 64, 64, seed=99))
    second = load(folder_set, 48, say=said.append)
    assert len(said) == len(prepared()) == 2
    assert not torch.equal(first["train"].pixels[3], second["train"].pixels[3])
    load(folder_set, 40)
    load(folder_set, 48, crop="face")
    assert len(prepared()) == 4


def test_a_damaged_cache_is_made_again(folder_set, load, prepared):
    first = load(folder_set, 48)["train"].pixels.clone()
    (path,) = prepared()
    path.write_bytes(path.read_bytes()[:-1])
    assert torch.equal(load(folder_set, 48)["train"].pixels, first)


def test_what_a_killed_attempt_left_is_cleared_away(folder_set, load, prepared):
    load(folder_set, 48)
    (path,) = prepared()
    left_over = path.with_name(f".{path.name}.1.part")
    path.rename(left_over)
    load(folder_set, 48)
    assert prepared() == [path]
    assert not left_over.exists()


def test_what_was_used_longest_ago_makes_room(folder_set, load, prepared, monkeypatch):
    sizes = (40, 48, 56)
    for size in sizes:
        load(folder_set, size)
    load(folder_set, 40)  # used again: now 48 is the oldest
    total = sum(path.stat().st_size for path in prepared())
    room = total + 4 * 3 * 72 * 72 - 100  # a little less than the next one needs

    def usage(folder):
        used = sum(path.stat().st_size for path in folder.glob("*.safetensors"))
        return SimpleNamespace(total=room, free=room - used)

    monkeypatch.setattr(cache.shutil, "disk_usage", usage)
    said: list[Message] = []
    load(folder_set, 72)
    assert len(prepared()) == 3
    for size in (40, 56, 72):
        load(folder_set, size, say=said.append)
    assert not said
    load(folder_set, 48, say=said.append)
    assert list(map(str, said)) == ["preparing lsun-bedroom at 48 pixels once: 4 pictures"]


def test_the_cache_leaves_the_disk_its_reserve(folder_set, load, prepared, monkeypatch):
    load(folder_set, 40)
    monkeypatch.setenv("GANFORGE_DISK_RESERVE_BYTES", str(1 << 62))
    load(folder_set, 40)  # it is there already
    with pytest.raises(TrainerError, match=r"0\.0 GB are free beside the disk's reserve"):
        load(folder_set, 48)
    assert not prepared()


def test_what_another_attempt_is_writing_is_left_alone(folder_set, load, prepared):
    load(folder_set, 48)
    (path,) = prepared()
    others = path.with_name(f".{'0' * 64}.safetensors.1.part")
    others.write_bytes(b"half")
    with others.with_name(f"{'0' * 64}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        load(folder_set, 40)
        assert others.exists()
    load(folder_set, 56)
    assert not others.exists()


ATTEMPT = """
import json, sys
from pathlib import Path
from trainers import data
from trainers.process.spec import DatasetSpec
given = json.loads(sys.argv[1])
parts = data.load(DatasetSpec(**given), (Path(sys.argv[2]),), Path(sys.argv[3]), 48, say=print)
print(int(parts["trainA"].pixels.sum()))
"""


@pytest.mark.long  # processes that import torch
def test_of_two_attempts_at_once_one_prepares_and_both_get_it(pair_set, root, prepared):
    command = [sys.executable, "-c", ATTEMPT, json.dumps(vars(pair_set)), str(root), str(root.parent / "cache")]
    attempts = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) for _ in range(2)]
    answers = [attempt.communicate(timeout=60)[0].splitlines() for attempt in attempts]
    assert [attempt.returncode for attempt in attempts] == [0, 0]
    assert sorted(len(answer) for answer in answers) == [1, 2], answers
    assert answers[0][-1] == answers[1][-1]
    assert len(prepared()) == 1


def test_prepared_pixels_are_mapped_and_not_read_into_memory(root, load):
    """192 MB of pixels cost less than 32 MB of memory that is this process's own."""
    formats.write_pictures(root / "bedroom", [f"{n:02d}.png" for n in range(16)], formats.flat(16, 8, 8))
    dataset = formats.described("lsun-bedroom", "folder", "bedroom", {"train": 16}, (3, 256, 256))
    load(dataset, 2048)
    before = _own_memory()
    pixels = load(dataset, 2048)["train"].pixels
    assert pixels.nbytes == 16 * 3 * 2048 * 2048
    assert pixels[7, :, 1000, 1000].tolist() == formats.flat(16, 1, 1)[7, 0, 0].tolist()
    assert _own_memory() - before < 32 << 20


def _own_memory() -> int:
    facts = psutil.Process().memory_info()
    return facts.rss - facts.shared


def test_an_unknown_crop_is_refused(folder_set):
    with pytest.raises(Exception, match="crop is 'nose'; it must be center, face or squash"):
        Squaring.of(folder_set, 48, "nose", None)


def test_how_a_set_is_fitted_depends_on_its_own_size(folder_set):
    square = replace(folder_set, layout="packed", shape=(3, 64, 64))
    words = {}
    for size in (63, 64, 65, 80, 81):
        fit = Squaring.of(square, size, "center", None)
        words[size] = "as it is" if fit.as_it_is else "framed" if fit.frame else "scaled"
    assert words == {63: "scaled", 64: "as it is", 65: "framed", 80: "framed", 81: "scaled"}
