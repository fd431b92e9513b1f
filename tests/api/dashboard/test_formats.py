"""How pages write what they show."""

from __future__ import annotations

import pytest

from api.dashboard import formats

THIN = "\N{NARROW NO-BREAK SPACE}"
NONE = "\N{EN DASH}"


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1 kB"),
        (999_499, "999 kB"),
        (999_600, "1 MB"),
        (24e6, "24 MB"),
        (5e15, "5e+03 TB"),
    ],
)
def test_a_size(count, text):
    assert formats.size(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min"),
        (185, "3 min 5 s"),
        (7800, "2 h 10 min"),
        (273_600, "3 d 4 h"),
        (-3, "0 s"),
    ],
)
def test_a_stretch_of_time(seconds, text):
    assert formats.duration(seconds) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (12_345, f"12{THIN}345"),
        (1234.5, f"1{THIN}234"),
        (0.03333, "0.0333"),
        (999.9, f"1{THIN}000"),
        (2.0, "2"),
    ],
)
def test_a_number(value, text):
    assert formats.number(value) == text


@pytest.mark.parametrize("write", [formats.size, formats.duration, formats.number, formats.moment])
def test_what_is_not_known_is_a_dash(write):
    assert write(None) == NONE


def test_a_moment_is_written_for_people_and_for_scripts():
    assert formats.moment("2026-01-31T12:00:00.000001Z") == (
        '<time datetime="2026-01-31T12:00:00.000001Z">2026-01-31 12:00:00 UTC</time>'
    )
