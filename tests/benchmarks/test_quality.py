"""What `make bench-quality` keeps of trainings: when they are judged, which figures stand together, and the plot."""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks import quality_figures, quality_plot
from benchmarks.quality_training import Marks, weights
from benchmarks.recipes import ENDLESS, resolved, spec

ROOT = Path(__file__).parents[2]
SETTINGS = {
    "dataset": "mnist-10k",
    "machine": "a laptop",
    "threads": 1,
    "clock": "wall",
    "judge": "4d",
    "samples": 2000,
}


def training(*ratios: tuple[float, float], per_budget: bool = False):
    """Return the curve of a recipe with these ratios after these seconds."""
    told = {"images": 1000, "step": 10, "epochs": 1}
    said = {"classes_present": 1.0, "kl_to_uniform_nats": 0.02, "confidence": 0.9}
    points = [
        quality_figures.point(seconds, {**told, "seconds": seconds + 0.1}, {**said, "frechet_ratio": ratio})
        for seconds, ratio in ratios
    ]
    ran = {"date": "2026-11-28", "precision": "bfloat16", "image_size": 28, "alerts": []}
    return {**ran, "per_budget": per_budget, "points": points}


def figures(**recipes):
    return {"settings": SETTINGS, "recipes": recipes}


@pytest.fixture
def file(tmp_path):
    """A file with the figures of two recipes."""
    path = tmp_path / "quality.json"
    quality_figures.write(path, figures(dcgan=training((60, 20.0)), wgan=training((60, 90.0))))
    return path


def test_a_training_is_kept_at_each_of_the_seconds_and_keeping_it_is_not_counted():
    now, kept = 100.0, []

    def keep(seconds, seen):
        nonlocal now
        kept.append((seconds, seen))
        now += 50

    marks = Marks([2, 4], lambda: now, keep)
    seen = 0
    while not marks.over(seen):
        seen, now = seen + 1, now + 1.5
    assert kept == [(3.0, 2), (4.5, 3)]


def test_a_training_without_seconds_ends_with_its_budget():
    marks = Marks([], lambda: 1.0, lambda *_: None)
    assert not any(marks.over(seen) for seen in range(3))


@pytest.mark.long  # a process that imports torch
def test_a_training_leaves_its_generator_at_each_of_the_seconds(tmp_path):
    params = resolved("mlp_gan", None, "mnist-10k", images=ENDLESS, width=4, batch_size=8)
    line = {**spec("mlp_gan", params, "mnist-10k", tmp_path), "threads": 1}
    asked = json.dumps({"spec": line, "seconds": [0.05, 0.1], "clock": "processor"})
    command = [sys.executable, "-m", "benchmarks.quality_training"]
    done = subprocess.run(command, input=asked, cwd=ROOT, capture_output=True, text=True, check=True)
    told = [json.loads(one) for one in done.stdout.splitlines()]
    assert [one["seconds"] >= mark for one, mark in zip(told, (0.05, 0.1), strict=True)] == [True, True]
    assert told[1]["images"] > told[0]["images"] > 0
    assert all(weights(tmp_path / "scratch", number).exists() for number in (0, 1))


def test_only_the_figures_of_the_recipe_are_replaced(file):
    fresh = training((60, 15.0))
    found = quality_figures.replaced(file, SETTINGS, "dcgan", fresh, all_of_them=False)
    assert found == figures(dcgan=fresh, wgan=training((60, 90.0)))


def test_figures_that_were_measured_with_other_settings_do_not_stand_together(file):
    settings = {**SETTINGS, "threads": 2}
    with pytest.raises(SystemExit, match="another threads: measure all of them"):
        quality_figures.replaced(file, settings, "dcgan", training((60, 15.0)), all_of_them=False)
    found = quality_figures.replaced(file, settings, "dcgan", training((60, 15.0)), all_of_them=True)
    assert (found["settings"]["threads"], list(found["recipes"])) == (2, ["dcgan"])


def test_the_best_recipe_is_told_only_of_minutes_at_which_all_were_judged():
    found = figures(dcgan=training((60, 20.0), (300, 9.0)), compact=training((60, 4.0), (300, 9.5), (1200, 2.0)))
    assert [quality_figures.best(found, minutes) for minutes in (1, 5, 20)] == ["compact", "dcgan", None]


def test_the_table_has_a_row_for_each_recipe_and_marks_those_with_a_training_for_each_budget():
    found = figures(dcgan=training((15, 50.0), (60, 20.0)), compact=training((60, 4.0), per_budget=True))
    head, dcgan, compact = quality_figures.rows(found)
    assert head[:3] == ["recipe", "15 s", "60 s"]
    assert dcgan[:3] == ["`dcgan`", "50", "20"]
    assert compact[:3] == ["`compact` *", "", "4"]


def texts(drawn):
    """Return the texts of a plot, with their heights."""
    root = ElementTree.fromstring(drawn)  # noqa: S314 - the plot is our own
    return [(node.text, float(node.attrib["y"])) for node in root.iter("{http://www.w3.org/2000/svg}text")]


def test_the_plot_is_small_and_valid_and_names_every_recipe_once_without_overlap():
    names = [f"recipe_{number}" for number in range(8)]
    many = figures(**{name: training((15, 900.0), (300, 2.0), per_budget=name == names[0]) for name in names})
    drawn = quality_plot.svg(many)
    ends = [(name, height) for name, height in texts(drawn) if name in names]
    assert sorted(name for name, _ in ends) == names
    assert all(below - above >= 12 for above, below in pairwise(sorted(height for _, height in ends)))
    assert len(drawn) < 100_000
