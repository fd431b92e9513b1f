"""The face crop, on a real photograph of one: Grace Hopper's, which comes with matplotlib."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib import cbook
from PIL import Image

from models.messages import Message
from tests.trainers.data import formats
from trainers.data import face_detection

# Where her face is in the photograph of 512 x 600: eyes and mouth lie within.
EYES_AND_MOUTH = (190, 130, 320, 260)


@pytest.fixture(scope="module")
def photograph():
    with cbook.get_sample_data("grace_hopper.jpg") as file:
        return Image.open(file).convert("RGB")


def test_the_face_is_found_with_a_margin(photograph):
    left, top, right, bottom = face_detection.find(photograph)
    assert left < EYES_AND_MOUTH[0] < EYES_AND_MOUTH[2] < right
    assert top < EYES_AND_MOUTH[1] < EYES_AND_MOUTH[3] < bottom
    assert right - left == bottom - top
    assert right - left < 400, "the face is half of the picture at the most"
    assert face_detection.find(photograph) == (left, top, right, bottom)


def test_of_two_faces_the_larger_is_taken(photograph):
    both = Image.new("RGB", (900, 600), (128, 128, 128))
    both.paste(photograph, (388, 0))
    both.paste(photograph.resize((256, 300)), (0, 0))
    left, _, right, _ = face_detection.find(both)
    assert 388 < left < right


def test_the_square_stays_inside_the_picture(photograph):
    close = photograph.crop((120, 40, 420, 340))
    assert face_detection.find(close) == (0, 0, 300, 300), "with its margin the face would be larger than the picture"
    left, top, right, bottom = face_detection.find(photograph.crop((0, 0, 380, 600)))
    assert (right, right - left) == (380, bottom - top), "moved to the left, not cut"
    left, top, right, bottom = face_detection.find(photograph.crop((0, 90, 512, 600)))
    assert (top, right - left) == (0, bottom - top), "moved down, not cut"


def test_a_picture_without_a_face_is_cut_to_its_middle(root, load):
    formats.write_pictures(root / "bedroom", ["a.png"], formats.flat(1, 90, 60))
    dataset = formats.described("lsun-bedroom", "folder", "bedroom", {"train": 1}, (3, 256, 256))
    centre, face = (load(dataset, 30, crop=crop)["train"].pixels.numpy() for crop in ("center", "face"))
    assert np.array_equal(centre, face)


def test_a_data_set_is_cropped_to_its_faces(photograph, root, load):
    (root / "bedroom").mkdir()
    photograph.save(root / "bedroom/a.png")
    dataset = formats.described("lsun-bedroom", "folder", "bedroom", {"train": 1}, (3, 256, 256))
    (pixels,) = load(dataset, 64, crop="face")["train"].pixels.numpy()
    wanted = photograph.crop(face_detection.find(photograph)).resize((64, 64), Image.Resampling.LANCZOS)
    assert np.array_equal(pixels, np.asarray(wanted).transpose(2, 0, 1))


def test_without_a_detector_the_middle_is_taken_and_said(root, load, monkeypatch):
    monkeypatch.setattr(face_detection, "available", lambda: False)
    formats.write_pictures(root / "bedroom", ["a.png"], formats.flat(1, 90, 60))
    dataset = formats.described("lsun-bedroom", "folder", "bedroom", {"train": 1}, (3, 256, 256))
    said: list[Message] = []
    load(dataset, 30, crop="face", say=said.append)
    assert str(said[0]).startswith("no face detector on this machine")
