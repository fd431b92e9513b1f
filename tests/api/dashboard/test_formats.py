"""How pages write what they show."""

from __future__ import annotations

import pytest
from babel.numbers import format_decimal

from api.dashboard import formats
from api.http import language

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
        (5e15, "5,000 TB"),
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
        (12_345, "12,345"),
        (1234.5, "1,234"),
        (0.03333, "0.0333"),
        (999.9, "1,000"),
        (2.0, "2"),
    ],
)
def test_a_number(value, text):
    assert formats.number(value) == text


@pytest.mark.parametrize("tag", language.NAMES)
def test_thousands_stand_apart_as_the_language_has_it(tag):
    assert formats.number(1_234_567) == format_decimal(1_234_567, locale=tag.replace("-", "_"))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.69314718, "0.6931"),
        (0.5, "0.5"),
        (12_345, "12,345"),
        (12_345.67, "12,346"),
        (0.0001, "1e-4"),
        (-0.00012345, "-1.23e-4"),
        (23_456_789, "2.35e7"),
    ],
)
def test_what_was_measured(value, text):
    assert formats.figure(value) == text


@pytest.mark.parametrize("write", [formats.size, formats.duration, formats.number, formats.figure, formats.moment])
def test_what_is_not_known_is_a_dash(write):
    assert write(None) == NONE


def test_a_moment_is_written_for_people_and_for_scripts():
    assert formats.moment("2026-01-31T12:00:00.000001Z") == (
        '<time datetime="2026-01-31T12:00:00.000001Z" title="2026-01-31 12:00:00 UTC">2026-01-31 12:00:00 UTC</time>'
    )


@pytest.mark.parametrize(("tag", "text"), [("zh-Hant", "3 分 5 秒"), ("zh-Hans", "3 分 5 秒"), ("en", "3 min 5 s")])
def test_a_stretch_of_time_has_the_units_of_the_reader(app, tag, text):
    with app.test_request_context("/dashboard", headers={"Accept-Language": tag}):
        app.preprocess_request()
        assert formats.duration(185) == text
