"""What alarms have to say of the recorded runs, by run: `recipe-fault-seed`."""

from __future__ import annotations

from collections.abc import Iterator

SEEDS = (0, 1, 2)
# Faults that begin in the middle of a run; all others last from the first step.
HALFWAY = {"nan"}
HEALTHY = ("mlp_gan", "dcgan", "compact", "wgan", "wgan_gp", "began", "r3gan")
COLLAPSE = frozenset({"collapse"})
# The codes of which one has to be raised, by fault and recipe. `smooth` is dcgan with smoothed labels.
MUST: dict[str, dict[str, frozenset[str]]] = {
    "noise1": {"mlp_gan": COLLAPSE, "wgan_gp": COLLAPSE},
    "noise3": {"mlp_gan": COLLAPSE, "wgan_gp": COLLAPSE},
    "noise10": {"mlp_gan": COLLAPSE, "dcgan": COLLAPSE, "compact": COLLAPSE, "wgan_gp": COLLAPSE},
    # Only where the generator gets as far: the small mlp_gan has not learned a class after 60,000 images.
    "one_class": {"dcgan": COLLAPSE, "wgan_gp": COLLAPSE},
    # Ten images are few kinds of images too.
    "ten_images": {name: COLLAPSE | {"overfitting"} for name in ("dcgan", "wgan_gp")},
    "g_frozen": {name: frozenset({"generator_stalled"}) for name in ("mlp_gan", "compact", "wgan_gp")},
    # No fault for mlp_gan and wgan_gp: after as many images theirs are as varied as those of healthy runs, or more so.
    "d_rate": {name: frozenset({"discriminator_too_strong"}) for name in ("dcgan", "smooth")},
    "nan": {"mlp_gan": frozenset({"not_a_number"})},
}
# What is true of a faulty run as well, and so is neither demanded nor wrong.
MAY: dict[str, frozenset[str]] = {
    # The images of a generator that never learned are all alike, nothing holds the critic back, and while the
    # discriminator becomes certain the gradient of a generator that cannot answer grows some hundred times.
    "g_frozen": frozenset({"collapse", "discriminator_too_strong", "critic_unbounded", "gradient_norm"}),
    # Held-out images are of all classes: the discriminator has never seen most of them.
    "one_class": frozenset({"overfitting"}),
}


def _labels() -> Iterator[tuple[str, frozenset[str]]]:
    for seed in SEEDS:
        for recipe in HEALTHY:
            yield f"{recipe}-healthy-{seed}", frozenset()
        for fault, recipes in MUST.items():
            for recipe, codes in recipes.items():
                yield f"{recipe}-{fault}-{seed}", codes


LABELS = dict(_labels())

# The runs on which thresholds were chosen. All others were recorded when nothing was changed any more.
SEEN = frozenset(
    {
        *(
            f"mlp_gan-{fault}-{seed}"
            for fault in ("healthy", "noise1", "noise3", "noise10", "g_frozen", "nan")
            for seed in (0, 1)
        ),
        *("smooth-d_rate-0", "dcgan-d_rate-0"),
        *("dcgan-healthy-0", "dcgan-noise10-0", "dcgan-one_class-0"),
        *("compact-healthy-0", "wgan-healthy-0", "wgan_gp-healthy-0"),
    }
)
