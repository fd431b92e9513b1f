"""The layers of a job's networks and the report of its run, as pages."""

from __future__ import annotations

import json
import re

import pytest

from api.dashboard.job_tables import entries
from models import layer_table
from models.layer_table import Layer, LayerTable, Network
from models.typed_json import JSONTypeError
from tests.api.dashboard.test_job import words

SUMMARY = LayerTable(
    [
        Network(
            "generator",
            "100",
            [
                Layer("Linear", "784", 79_184),
                Layer("Conv2d", "64x7x7", 1_234),
                Layer("a layer with a long name", "1x28x28", 0),
            ],
            80_418,
        ),
        Network("discriminator", "1x28x28", [Layer("Flatten", "784", 0)], 0),
    ]
)
# As trainers wrote it before it was JSON.
TEXT = """generator (input 100)

  layer                       output    parameters
  Linear                         784        79,184
  total                                     79,184
"""
REPORT = {
    "steps": 35_840,
    "seconds": [1.5, 2] * 6,
    "ended": None,
    "device": "cpu",
    "params": {"width": 4},
    "peak": {"a": 1},
}


@pytest.fixture
def left(alice, bench):
    """A job that has left both files; its id."""
    job = alice.submit(name="digits")["id"]
    claim = bench.claim()
    bench.artifact(claim, "summary", "summary.json", layer_table.write(SUMMARY), "application/json")
    bench.artifact(claim, "report", "report.json", json.dumps(REPORT).encode(), "application/json")
    bench.finish(claim)
    return job


def test_a_layer_table_is_read_as_it_was_written():
    assert layer_table.read(layer_table.write(SUMMARY).decode()) == SUMMARY


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "cannot be read"),
        ("[]", "it is list, not an object"),
        ("{}", "lacks the field 'networks'"),
        ('{"networks": [{"name": "generator"}]}', "lacks the field 'input' of networks"),
        ('{"networks": [], "more": 1}', "has a field 'more', which is not known"),
    ],
)
def test_what_is_no_layer_table_is_refused(text, words):
    with pytest.raises(JSONTypeError, match=re.escape(words)):
        layer_table.read(text)


def test_a_summary_of_an_earlier_version_is_shown_as_the_text_that_it_is(alice, bench, enter):
    job = alice.submit()["id"]
    claim = bench.claim()
    bench.artifact(claim, "summary", "summary.txt", TEXT.encode(), "text/plain; charset=utf-8")
    bench.finish(claim)
    page = enter(alice).see(f"/dashboard/jobs/{job}/layers")
    assert TEXT.rstrip() in page
    assert "<table" not in page


def test_a_report_is_read_as_names_and_words():
    assert dict(entries(REPORT)) == {
        "steps": "35,840",
        "seconds": "1.5, 2, 1.5, 2, 1.5, 2, 1.5, 2 … (12)",
        "ended": "\N{EN DASH}",
        "device": "cpu",
        "peak": '{"a": 1}',
    }


def test_the_layers_are_a_page_with_a_table_for_each_network(alice, enter, left):
    page = enter(alice).see(f"/dashboard/jobs/{left}/layers")
    assert page.count("<table") == 2
    assert "generator (input 100) Layer Output Parameters Linear 784 79,184 Conv2d" in words(page)
    assert "total 80,418" in words(page)


def test_the_report_is_a_page_with_a_list(alice, enter, left):
    page = enter(alice).see(f"/dashboard/jobs/{left}/report")
    assert "<dt>steps</dt><dd>35,840</dd>" in page
    assert "width" not in words(page)


def test_the_page_of_the_job_links_to_both(alice, enter, left):
    page = enter(alice).see(f"/dashboard/jobs/{left}")
    assert {f"/dashboard/jobs/{left}/layers", f"/dashboard/jobs/{left}/report"} <= set(
        re.findall('<a href="([^"]+)"', page)
    )


@pytest.mark.parametrize("table", ["layers", "report"])
def test_nobody_else_sees_them_and_none_is_where_no_file_is(alice, bob, enter, left, table):
    assert "79,184" not in enter(bob).see(f"/dashboard/jobs/{left}/{table}", 404)
    other = alice.submit()["id"]
    assert "artifact not found, or you have no access." in enter(alice).see(f"/dashboard/jobs/{other}/{table}", 404)


@pytest.mark.parametrize("path", ["", "/layers", "/report"])
def test_headers_for_the_api_change_no_page(alice, enter, left, path: str):
    reader = enter(alice)
    usual, other = (
        reader.see(f"/dashboard/jobs/{left}{path}", headers=headers)
        for headers in ({}, {"Prefer": "wait=9", "Range": "bytes=0-1"})
    )
    assert words(other) == words(usual)
