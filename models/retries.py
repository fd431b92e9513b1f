"""What a retry may change when it starts from a checkpoint: the rest is what the checkpoint is made of."""

from __future__ import annotations

from typing import Any

# The budget, how fast and by what loss it learns, and how often it reports. Whatever is not named here stays as it
# was: what gives networks and optimizers their shape, what a step and an epoch are, what the images look like.
CHANGEABLE = frozenset(
    {
        "epochs",
        "images",
        "patience",
        "exact",
        "metrics_every",
        "grid_every",
        "checkpoint_every",
        "learning_rate",
        "d_learning_rate",
        "g_learning_rate",
        "learning_rate_end",
        "warmup_images",
        "beta1",
        "beta2",
        "beta2_end",
        "label_smoothing",
        "d_steps",
        "g_steps",
        "d_warmup_steps",
        "boost_steps",
        "boost_first",
        "boost_every",
        "clip",
        "penalty",
        "gamma",
        "gamma_end",
        "lambda_k",
        "cycle",
        "identity",
        "decay_from",
        "cycle_div",
        "cycle_end",
        "momentum",
        "momentum_low",
        "weight_decay",
        "flip",
        "shift",
    }
)


def stuck(given: dict[str, Any], before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Return the parameters among those given that a checkpoint of `before` cannot follow to `after`."""
    return [name for name in given if before.get(name) != after.get(name) and not _changeable(name, before, after)]


def _changeable(name: str, before: dict[str, Any], after: dict[str, Any]) -> bool:
    if name == "ema_half_life":
        # Another half-life is a number; an average that is not there cannot be gone on with.
        return before.get(name) is not None and after.get(name) is not None
    return name in CHANGEABLE
