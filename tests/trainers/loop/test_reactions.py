"""What follows from alarms: a job is paused, ends or goes back at the same step, whatever it was interrupted by."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from models.recipes import RECIPES, resolve_params
from packing.layouts import KNOWN
from tests.trainers.attempts import Attempt
from trainers.loop import checkpoints, rollback
from trainers.loop.alarms import Raised
from trainers.loop.reactions import decide

CODE = "discriminator_too_strong"
# A generator that hardly learns, against a discriminator that learns fast. A step is an epoch.
LOSING = {
    "recipe": "dcgan",
    "batch_size": 160,
    "d_learning_rate": 0.01,
    "g_learning_rate": 1e-9,
    "images": 160 * 28,
    "grid_every": {"steps": 1000},
    "checkpoint_every": {"steps": 1000},
}


def alerts(attempt):
    return [(alert["code"], alert["step"], alert.get("action"), alert["back_to"]) for alert in attempt.of("alert")]


def test_an_alarm_pauses_its_job_once_and_resumed_it_ends_with_the_weights_of_an_undisturbed_run(train_small):
    undisturbed = train_small(**LOSING)
    [(code, step, action, _)] = alerts(undisturbed)
    assert (code, action) == (CODE, None)

    paused = train_small(**LOSING, on_alert={CODE: "pause"})
    assert alerts(paused) == [(CODE, step, "pause", None)]
    assert paused.messages[-1] == {"type": "paused", "alarm": CODE}
    kept = paused.files("checkpoint")[-1]["step"]
    # Decided at the next thousand images.
    assert step <= kept <= step + 7

    resumed = train_small(**LOSING, on_alert={CODE: "pause"}, resume=paused.checkpoint)
    assert (alerts(resumed), resumed.messages[-1]["type"]) == ([], "done")
    assert resumed.hashes == undisturbed.hashes


def test_an_alarm_ends_its_job_at_the_same_step_although_it_was_interrupted_before_that(train_small):
    asked = {**LOSING, "on_alert": {CODE: "stop"}}
    whole = train_small(**asked)
    [(_, step, action, _)] = alerts(whole)
    done = whole.messages[-1]
    assert (action, done["type"], done["alarm"], done["text"]["code"]) == ("stop", "done", CODE, "stopped_by_alarm")
    ended = whole.files("weights")[0]["step"]
    assert (step, ended) == (20, 25)

    # The alarm has been raised by then, and is acted on by the attempt that resumes.
    cut = train_small(**asked, stop_at_step=22)
    resumed = train_small(**asked, resume=cut.checkpoint)
    assert resumed.hashes == whole.hashes
    assert (alerts(cut), alerts(resumed)) == ([], alerts(whole))

    # A retry that lets it go on does so, from the step at which it ended.
    retried = train_small(**{**LOSING, "images": 160 * 26}, resume=whole.checkpoint)
    assert (retried.files("weights")[0]["step"], retried.messages[-1]["type"]) == (26, "done")


def test_an_alarm_goes_back_with_other_draws_the_same_way_although_it_was_interrupted(train_small, monkeypatch):
    monkeypatch.setattr(rollback, "MOST_RETURNS", 1)
    asked = {**LOSING, "on_alert": {CODE: "go_back"}}
    whole = train_small(**asked)
    told = alerts(whole)
    assert [(action, back_to) for _, _, action, back_to in told] == [("go_back", 0), (None, None)]
    [log] = [log for log in whole.of("log") if log["text"]["code"] == "nothing_to_go_back_to"]
    assert log["text"]["params"] == {"alarm": CODE, "times": 1}
    meta = checkpoints.read(Path(whole.files("checkpoint")[-1]["path"])).meta
    assert (meta["salt"], meta["alerts"], meta["step"]) == (1, [CODE] * 2, 28)

    # In the step behind the one that went back.
    cut = train_small(**asked, stop_at_step=26)
    resumed = train_small(**asked, resume=cut.checkpoint)
    assert (alerts(cut), alerts(resumed)) == (told[:1], told[1:])
    assert resumed.hashes == whole.hashes


def test_alarms_take_a_job_back_three_times_and_then_it_goes_on_to_its_end(train_small):
    attempt = train_small(**LOSING, on_alert={CODE: "go_back"})
    told = [(action, back_to) for _, _, action, back_to in alerts(attempt)]
    assert told == [("go_back", 0)] * 3 + [(None, None)]
    assert [log["text"]["params"]["times"] for log in attempt.of("log") if log["level"] == "warning"] == [3]
    meta = checkpoints.read(Path(attempt.files("checkpoint")[-1]["path"])).meta
    assert (meta["salt"], meta["step"], attempt.messages[-1]["type"]) == (3, 28, "done")


def test_of_several_alarms_the_one_that_ends_the_job_is_acted_on():
    raised = [Raised(code, 9, {}) for code in ("collapse", "gradient_norm", "overfitting")]
    decision = decide(raised, {"collapse": "go_back", "gradient_norm": "stop", "overfitting": "pause"})
    assert decision == (raised[1], "stop", [raised[0], raised[2]])
    assert decide([], {}) is None
    # Raised before a retry changed what follows.
    assert decide(raised, {"gradient_norm": "pause"}) == (raised[1], "pause", [raised[0], raised[2]])
    assert decide(raised, {"critic_reversed": "pause"}) is None


@pytest.mark.slow
@pytest.mark.timeout(600)  # half a minute alone; two where faults and a browser share two cores with it
def test_the_settings_of_the_article_are_paused_within_their_first_epoch(make_spec):
    recipe, known = RECIPES["dcgan"], KNOWN["mnist-10k"]
    changes = {"epochs": 1, "monitor": None, "patience": None, "on_alert": {CODE: "pause"}}
    params = resolve_params(recipe, recipe.preset("ithome"), changes).model_dump(mode="json")
    dataset = {"name": known.name, "source": known.source, "layout": known.layout, "folder": known.folder}
    dataset |= {"shape": known.shape, "classes": known.classes, "parts": known.parts}
    # One thread: two that wait for one another by spinning take five times as long where other tests run beside them.
    attempt = Attempt.run(json.dumps({**make_spec("dcgan"), "params": params, "dataset": dataset, "threads": 1}))
    [(code, step, action, _)] = alerts(attempt)
    assert (code, action, attempt.messages[-1]["type"]) == (CODE, "pause", "paused")
    # An epoch has 79 steps of 128 images.
    assert step <= attempt.files("checkpoint")[-1]["step"] < 79
