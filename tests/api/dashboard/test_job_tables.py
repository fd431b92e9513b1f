"""The layers of a job's networks and the report of its run, as pages."""

from __future__ import annotations

import json
import re

import pytest

from api.dashboard.job_tables import entries, networks
from tests.api.dashboard.test_job import words

SUMMARY = """generator (input 100)

  layer                       output    parameters
  Linear                         784        79,184
  Conv2d                      64x7x7         1,234
  a layer with a long name1x28x28             0
  total                                     80,418

discriminator (input 1x28x28)

  layer                       output    parameters
  Flatten                        784             0
  total                                          0
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
    bench.artifact(claim, "summary", "summary.txt", SUMMARY.encode(), "text/plain")
    bench.artifact(claim, "report", "report.json", json.dumps(REPORT).encode(), "application/json")
    bench.finish(claim)
    return job


def test_a_summary_is_read_as_networks_with_layers():
    first, second = networks(SUMMARY)
    assert (first.name, first.parameters) == ("generator (input 100)", "80,418")
    assert [(one["layer"], one["output"], one["parameters"]) for one in first.layers] == [
        ("Linear", "784", "79,184"),
        ("Conv2d", "64x7x7", "1,234"),
        ("a layer with a long name", "1x28x28", "0"),
    ]
    assert (second.name, len(second.layers), second.parameters) == ("discriminator (input 1x28x28)", 1, "0")


def test_what_is_no_summary_has_no_networks():
    assert networks("") == []
    assert networks("  Linear   784   79,184\n") == []


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
    assert "there is no such artifact." in enter(alice).see(f"/dashboard/jobs/{other}/{table}", 404)
