"""Locks, and files that only their owner may read."""

from __future__ import annotations

import os

import pytest

from models.files import append_private, close_to_others, try_lock, write_private


def test_a_lock_that_is_held_is_not_given_out_again(tmp_path):
    with try_lock(tmp_path / "lock") as first, try_lock(tmp_path / "lock") as second:
        assert (first, second) == (True, False)
    with try_lock(tmp_path / "lock") as third:
        assert third


def test_a_private_file_is_readable_by_its_owner_alone_and_leaves_nothing_beside_it(tmp_path):
    path = tmp_path / "secret"
    for text in ("one", "two"):
        write_private(path, text)
        assert (path.read_text(), path.stat().st_mode & 0o777) == (text, 0o600)
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_killed_process_of_the_same_id_left_is_not_in_the_way(tmp_path):
    path = tmp_path / "admin.key"
    left = path.with_name(f"admin.key.{os.getpid()}.tmp")
    left.mkdir()  # not even this
    write_private(path, "one")
    assert path.read_text() == "one"


def test_a_private_file_that_cannot_be_put_in_place_leaves_nothing_beside_it(tmp_path):
    path = tmp_path / "secret"
    path.mkdir()
    with pytest.raises(IsADirectoryError):
        write_private(path, "one")
    assert list(tmp_path.iterdir()) == [path]


def test_a_home_is_taken_from_others_with_what_the_service_wrote_there_and_nothing_else(tmp_path):
    home, elsewhere = tmp_path / "home", tmp_path / "elsewhere"
    (home / "uploads" / "one").mkdir(parents=True)
    elsewhere.write_text("another's")
    written = [home / "uploads" / "one" / "archive", home / "previews.lock"]
    kept = [home / "notes", elsewhere]
    for path in (*written, *kept):
        path.write_text("")
        path.chmod(0o644)
    (home / "uploads" / "one").chmod(0o775)
    (home / "uploads" / "link").symlink_to(elsewhere)
    (home / "cache").symlink_to(tmp_path)
    home.chmod(0o755)
    close_to_others(home)
    folders = [home, home / "uploads", home / "uploads" / "one"]
    assert [path.stat().st_mode & 0o777 for path in folders] == [0o700] * 3
    assert [path.stat().st_mode & 0o777 for path in written] == [0o600] * 2
    assert [path.stat().st_mode & 0o777 for path in kept] == [0o644] * 2


def test_a_folder_for_everybody_stays_one(tmp_path):
    tmp_path.chmod(0o1777)
    close_to_others(tmp_path)
    assert tmp_path.stat().st_mode & 0o7777 == 0o1777


def test_a_new_log_is_private_and_goes_on_where_it_ended(tmp_path):
    for text in (b"one", b"two"):
        with append_private(tmp_path / "log") as log:
            log.write(text)
            assert log.tell() in {3, 6}
    assert (tmp_path / "log").read_bytes() == b"onetwo"
    assert (tmp_path / "log").stat().st_mode & 0o777 == 0o600
