"""What `make check-gpu` says of a machine without a device, and of what pytest wrote."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.gpu_check import told_by_tests

ROOT = Path(__file__).parents[2]
GRAPHS = "test_graphs_on_a_gpu_have_the_bits_of_kernels_that_are_called"
KILLED = "test_a_killed_process_resumes_in_another_one_with_the_same_weights"
REPORT = f"""<testsuites><testsuite>
<testcase name="test_a"/>
<testcase name="{KILLED}[dcgan]"/>
<testcase name="{KILLED}[wgan]"><failure message="other weights"/></testcase>
<testcase name="{GRAPHS}[dcgan]"/>
<testcase name="{GRAPHS}[wgan]"><skipped/></testcase>
<testcase name="test_b"><skipped/></testcase>
</testsuite></testsuites>"""


@pytest.mark.long  # a process that imports torch
def test_a_machine_without_a_device_is_told_so_with_an_exit_code_of_its_own(tmp_path):
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": ""}
    command = [sys.executable, "-m", "benchmarks.gpu_check", "--json", str(tmp_path / "figures.json")]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.strip() == "no CUDA device here: torch sees none"
    assert not list(tmp_path.iterdir())


def test_failed_tests_are_named_and_each_recipe_that_was_tried_has_a_row(tmp_path):
    report = tmp_path / "tests.xml"
    report.write_text(REPORT)
    all_of_them, *recipes = told_by_tests(report)
    assert all_of_them.value == f"3 passed, 1 failed: {KILLED}[wgan]"
    assert all_of_them.fine is False
    assert [(row.name, row.fine) for row in recipes] == [
        ("dcgan, killed and resumed", True),
        ("wgan, killed and resumed", False),
        ("dcgan, in graphs and without", True),
    ]


def test_tests_that_told_nothing_are_not_fine(tmp_path):
    (row,) = told_by_tests(tmp_path / "missing.xml")
    assert (row.value, row.fine) == ("0 passed, 0 failed", False)
