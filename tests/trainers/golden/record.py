"""Records the runs of this folder with the code at hand: `pytest tests/trainers/golden/record.py`.

Pytest collects this file only when it is named. Do it after a change that is meant to change weights, or with a new
torch, and say so in the commit: what is recorded anew protects nothing until then.
"""

from __future__ import annotations

import json
import shutil

from tests.trainers import golden
from tests.trainers.attempts import Attempt

# Four batches an epoch; the run ends after two epochs, and the checkpoints are from the first step of the second.
CUT = 5
SMALL = {"epochs": 2, "batch_size": 40, "precision": "float32"}
RUNS = {
    # Two steps with a penalty in each epoch.
    "compact": {"ema_half_life": 100, "penalty_every": 2},
    "mlp_gan": {"image_size": 8, "ema_half_life": 100, "learning_rate_end": 1e-5},
    "dcgan": {},
    "wgan": {"image_size": 16, "d_steps": 1, "boost_steps": 2, "boost_first": 1, "boost_every": 3},
    "dcgan64": {"image_size": 16, "upsample": True, "shared_fakes": False},
    "wgan_gp": {"image_size": 16, "d_steps": 1},
    "began": {"image_size": 16, "hidden": 8, "lambda_k": 0.5},
    "r3gan": {"image_size": 16, "ema_half_life": 100},
    # At a usual rate its first steps are so wild that processors differ in the second digit.
    "cyclegan": {
        "image_size": 24,
        "batch_size": 20,
        "blocks": 1,
        "pool": 5,
        "optimizer": "rmsprop",
        "learning_rate": 2e-6,
    },
    "darknet": {"image_size": 16, "groups": [1, 1], "ema_half_life": 100, "label_smoothing": 0.1},
}
WITH_CHECKPOINT = ("mlp_gan", "dcgan", "cyclegan", "darknet")
# Narrower than the API allows, so that a checkpoint of four networks stays small.
NARROW = {"cyclegan": {"width": 2}}


def test_record(make_spec):
    recorded = {}
    for recipe, given in RUNS.items():

        def spec(recipe=recipe, given=given):
            line = make_spec(recipe, seed=7, **{**SMALL, **given})
            line["params"].update(NARROW.get(recipe, {}))
            return line

        run = Attempt.run(json.dumps(spec()))
        recorded[recipe] = {
            "params": spec()["params"],
            "seed": spec()["seed"],
            "steps": run.files("weights")[0]["step"],
            "weights": run.hashes,
            "series": run.series,
            "means": {message["epoch"]: message["means"] for message in run.of("epoch")},
        }
        if recipe in WITH_CHECKPOINT:
            cut = Attempt.run(json.dumps(spec()), stop_at_step=CUT)
            shutil.copyfile(cut.checkpoint, golden.checkpoint(recipe))
    text = json.dumps({"machine": golden.fingerprint(), "recipes": recorded}, indent=1, sort_keys=True)
    golden.FACTS.write_text(text + "\n")
