"""The user's file of Inception weights is found by its sha256 alone; everything else is refused with a remedy."""

from __future__ import annotations

import hashlib

import pytest

from models.extractors import INCEPTION_FILES, InceptionFile
from models.wire import ExtractorSpec
from worker import inception_file


@pytest.fixture
def roots(tmp_path):
    for name in ("first", "second"):
        (tmp_path / name / "extractors").mkdir(parents=True)
    return [tmp_path / "first", tmp_path / "second"]


def refusal(roots):
    with pytest.raises(inception_file.NoInceptionError) as caught:
        inception_file.find(roots, least_bytes=10)
    return str(caught.value)


def test_the_first_known_file_below_any_root_is_taken(roots, monkeypatch):
    (roots[0] / "extractors" / "other.pth").write_bytes(b"something else")
    known = roots[1] / "extractors" / "renamed.bin"
    known.write_bytes(b"known weights")
    sha256 = hashlib.sha256(b"known weights").hexdigest()
    monkeypatch.setitem(INCEPTION_FILES, sha256, InceptionFile("weights.pth", port=True))
    assert inception_file.find(roots, least_bytes=10) == ExtractorSpec("inception", known, sha256)


def test_an_unknown_file_is_named_with_its_hash_and_what_would_do(roots):
    path = roots[0] / "extractors" / "weights.pth"
    path.write_bytes(b"no known weights")
    (roots[0] / "extractors" / "README").write_bytes(b"small")
    words = refusal(roots)
    assert words.startswith(f"unknown Inception weights: {path} ({hashlib.sha256(b'no known weights').hexdigest()})")
    assert words.endswith("-0cc3c7bd.pth or inception_v3_google-1a9a5a14.pth into the same folder")


def test_without_a_file_it_says_where_it_has_looked(roots, tmp_path):
    assert refusal(roots).startswith(f"no Inception weights in {roots[0]}/extractors, {roots[1]}/extractors:")
    # A root without the folder is looked at too.
    assert f"in {tmp_path}/absent/extractors: put pt_inception" in refusal([tmp_path / "absent"])
    assert "this worker has no data root for Inception weights: set GANFORGE_DATA_ROOTS" in refusal([])
