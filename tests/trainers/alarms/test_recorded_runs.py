"""Recorded runs, healthy and faulty, are shown to the alarms again: each is named for what it is, and nothing else."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable

import pytest

from tests.trainers.alarms.labels import LABELS, MAY, UNSEEN
from tests.trainers.alarms.series import RUNS, Series, replay
from trainers.loop.alarms import Alarms
from trainers.process.reporter import ListReporter

RECORDED = [name for name in LABELS if (RUNS / f"{name}.xz").exists()]


def seen(name: str) -> bool:
    """Return whether thresholds were chosen on a run."""
    return not name.endswith(f"-{UNSEEN}")


@pytest.fixture(scope="module")
def raised() -> dict[str, dict[str, int]]:
    """Return, for each run, the images at the first alarm of each code."""
    return {name: replay(Series.read(RUNS / f"{name}.xz")) for name in RECORDED}


def figures(raised: dict[str, dict[str, int]], names: Iterable[str]) -> dict[str, dict[str, float]]:
    """Return precision, recall and the mean delay in images of each code, over runs."""
    right, wrong, missed, delays = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
    for name in names:
        wanted, fault = LABELS[name], name.split("-")[1]
        for code, images in raised[name].items():
            if code == wanted:
                right[code] += 1
                delays[code] += images
            elif code not in MAY.get(fault, set()):
                wrong[code] += 1
        if wanted is not None and wanted not in raised[name]:
            missed[wanted] += 1
    return {
        code: {
            "runs": right[code] + missed[code],
            "precision": right[code] / max(1, right[code] + wrong[code]),
            "recall": right[code] / max(1, right[code] + missed[code]),
            "delay": round(delays[code] / max(1, right[code])),
        }
        for code in sorted({*right, *wrong, *missed})
    }


@pytest.mark.parametrize("which", ["seen", "unseen"])
def test_runs_are_named_for_what_they_are(
    raised: dict[str, dict[str, int]], which: str, capsys: pytest.CaptureFixture[str]
) -> None:
    names = [name for name in RECORDED if seen(name) == (which == "seen")]
    found = figures(raised, names)
    healthy = [name for name in names if LABELS[name] is None]
    images = sum((run := Series.read(RUNS / f"{name}.xz")).steps * run.images for name in healthy)
    false = sum(len(raised[name]) for name in healthy)
    with capsys.disabled():
        told = f"{len(names)} {which} runs, {false / images * 1e6:.1f} false alarms in a million images"
        print(f"\n{told}", *(f"  {code}: {json.dumps(of)}" for code, of in found.items()), sep="\n")  # noqa: T201
    assert healthy
    assert set(found) == {"collapse", "discriminator_too_strong", "generator_stalled", "not_a_number"}
    for code, of in found.items():
        assert of["precision"] >= 0.95, (code, of, raised)
        assert of["recall"] >= 0.95, (code, of, raised)
    # Three epochs of the data set at most: a look takes place every 5,000 images, and five make a window.
    assert max(of["delay"] for of in found.values()) <= 27_000


def test_a_resumed_run_raises_the_same_alarms_at_the_same_steps() -> None:
    for name in ("mlp_gan-noise10-0", "mlp_gan-g_frozen-0", "smooth-d_rate-0"):
        series = Series.read(RUNS / f"{name}.xz")
        whole = replay(series)
        assert whole
        told: dict[str, int] = {}
        state: dict[str, object] = {}
        for begin in range(0, series.steps, 200):
            alarms = Alarms(ListReporter(), series.watched)
            alarms.restore(state)
            told.update(replay(series, alarms, begin, min(series.steps, begin + 200)))
            state = json.loads(json.dumps(alarms.state()))
        assert told == whole


def test_the_files_are_small() -> None:
    assert sum(path.stat().st_size for path in RUNS.glob("*.xz")) < 1_500_000
