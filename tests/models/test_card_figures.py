"""What is advised after a verdict."""

from __future__ import annotations

import pytest

from models.card_figures import VERDICTS, advice
from tests.evaluations import BLURRED, COLLAPSED, COPIES, result

BEST = {"job": "job_1", "checkpoint": "best"}
LATEST = {"job": "job_1", "checkpoint": "latest"}
IMAGES = {"dataset": "mine"}


def codes(verdict: str, changes, source) -> list[str]:
    return [one.code for one in advice(verdict, result(changes), source)]


def test_the_best_checkpoint_is_advised_to_those_who_judged_another_one():
    assert "best_checkpoint" in codes("low_fidelity", BLURRED, LATEST)
    assert "best_checkpoint" not in codes("low_fidelity", BLURRED, BEST)
    assert "best_checkpoint" not in codes("low_fidelity", BLURRED, IMAGES)


def test_noise_of_a_training_leads_to_its_alerts():
    noise = {**BLURRED, "fidelity": {"precision": 0.0}}
    assert codes("low_fidelity", noise, BEST)[0] == "look_at_alerts"
    assert "look_at_alerts" not in codes("low_fidelity", noise, IMAGES)
    assert "look_at_alerts" not in codes("low_fidelity", BLURRED, BEST)


@pytest.mark.parametrize("missing", [[], None])
def test_classes_are_looked_at_where_some_are_missing(missing):
    assert "look_at_classes" in codes("modes_lost", COLLAPSED, BEST)
    repeats = {**COLLAPSED, "diversity": {**COLLAPSED["diversity"], "classes_missing": missing}}
    assert "look_at_classes" not in codes("modes_lost", repeats, BEST)


@pytest.mark.parametrize("verdict", VERDICTS.values())
def test_there_is_advice_after_every_verdict(verdict: str):
    assert codes(verdict, COPIES, IMAGES)
