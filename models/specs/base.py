"""What every spec shares: strictness, cadences, and the parameters with one name and one meaning in every recipe."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_serializer, model_validator

from models.messages import ParameterFaults
from models.specs.fields import Group, Resumable


class Spec(BaseModel):
    """A closed model: unknown fields, NaN, infinity and text in place of numbers are errors."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, frozen=True, validate_default=True)


class Cadence(Spec):
    """How often something happens: exactly one of steps, epochs or seconds."""

    steps: Annotated[int, Field(ge=1, le=10_000_000)] | None = Field(None, description="Every n generator steps.")
    epochs: Annotated[int, Field(ge=1, le=100_000)] | None = Field(None, description="At the end of every n-th epoch.")
    seconds: Annotated[float, Field(ge=0.1, le=86_400, strict=False)] | None = Field(
        None, description="At most every n seconds, at the end of the step in hand."
    )

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if sum(value is not None for value in (self.steps, self.epochs, self.seconds)) != 1:
            raise ValueError(ParameterFaults.one_cadence())
        return self

    @model_serializer
    def _as_given(self) -> dict[str, int | float]:
        units = {"steps": self.steps, "epochs": self.epochs, "seconds": self.seconds}
        return {unit: value for unit, value in units.items() if value is not None}


Rate = Annotated[float, Field(gt=0, le=1, strict=False)]
Beta = Annotated[float, Field(ge=0, lt=1, strict=False)]
Epochs = Annotated[int, Field(ge=1, le=100_000)]
Width = Annotated[int, Field(ge=4, le=512)]
EPOCHS = "Budget: passes over the data set. Give this or `images`."
UPSAMPLE = "The generator doubles pixels and convolves, in place of transposed convolutions, which paint checkerboards."


class TrainParams(Spec):
    """Parameters that have the same name and meaning in every training recipe."""

    epochs: Annotated[Epochs | None, Group.first, Resumable.yes] = Field(None, description=EPOCHS)
    images: Annotated[Annotated[int, Field(ge=1, le=10**12)] | None, Group.first, Resumable.yes] = Field(
        None,
        description="Budget: real images shown, rounded up to whole steps. Instead of `epochs`.",
    )
    batch_size: Annotated[int, Field(ge=2, le=8192), Group.first] = Field(
        128, description="Images a step. At least 2, because batch normalisation needs something to average."
    )
    image_size: Annotated[Annotated[int, Field(ge=8, le=512)] | None, Group.first] = Field(
        None,
        description="Side, in pixels, of the images that the networks see; null: as the data set has them, with a "
        "black frame where the recipe needs a power of two. Other images are scaled and cropped in the middle.",
    )
    width: Annotated[Width, Group.first] = Field(
        64, description="Base number of channels (or units): small for small machines."
    )
    learning_rate: Annotated[Rate, Group.first, Resumable.yes] = Field(
        2e-4, description="Step size of the optimizers, unless one has its own."
    )
    warmup_images: Annotated[int, Field(ge=0, le=10**9), Group.learning, Resumable.yes] = Field(
        0, description="Learning rates rise linearly from zero over this many images."
    )
    crop: Annotated[Literal["center", "face"], Group.data] = Field(
        "center",
        description="What is cut out of images that are scaled: their middle, or the largest face where one is found.",
    )
    split: Annotated[Literal["train", "all"], Group.data] = Field(
        "train", description="`all` trains on the test images too."
    )
    normalize_mean: Annotated[float, Field(ge=0, le=1, strict=False), Group.data] = Field(
        0.5, description="Pixels (0..1) become (x - mean) / std before the networks see them."
    )
    normalize_std: Annotated[float, Field(gt=0, le=1, strict=False), Group.data] = Field(
        0.5, description="See `normalize_mean`."
    )
    ema_half_life: Annotated[Annotated[int, Field(ge=1, le=10**9)] | None, Group.learning, Resumable.while_set] = Field(
        None,
        description="Half-life, in images, of an exponential moving average of the generator (or classifier), which "
        "then makes grids, samples and weights; null: no average.",
    )
    label_smoothing: Annotated[float, Field(ge=0, le=0.5, strict=False), Group.learning, Resumable.yes] = Field(
        0.0, description="Real images are labelled 1 - this, which keeps the discriminator from being certain."
    )
    monitor: Annotated[str | None, Group.records] = Field(
        None, description="Epoch mean whose best value marks the checkpoint `best`."
    )
    patience: Annotated[Annotated[int, Field(ge=1, le=100_000)] | None, Group.records, Resumable.yes] = Field(
        None, description="Stop after this many epochs without a better `monitor`; null: never. Needs `monitor`."
    )
    precision: Annotated[Literal["auto", "float32", "bfloat16"], Group.learning] = Field(
        "auto",
        description="What networks compute with. bfloat16: products in bfloat16, weights and sums in float32; auto: so "
        "where the device has units for it (Ampere and later GPUs, CPUs with AMX), else float32.",
    )
    exact: Annotated[bool, Group.learning, Resumable.yes] = Field(
        True,
        description="Deterministic kernels, so that a resumed run ends with the same weights, bit for bit. "
        "Costs nothing on a CPU; a little on a GPU.",
    )
    metrics_every: Annotated[Cadence, Group.records, Resumable.yes] = Field(
        Cadence(steps=1), description="How often losses are recorded."
    )
    grid_every: Annotated[Cadence, Group.records, Resumable.yes] = Field(
        Cadence(epochs=1), description="How often a grid is drawn, always of the same inputs."
    )
    checkpoint_every: Annotated[Cadence | None, Group.records, Resumable.yes] = Field(
        None,
        description="How often a checkpoint is written; null: at the end of each epoch, but not more often than every "
        "5 s (40 s at 24 MB, so that checkpoints cost less than 1 % of the time), and at least every 60 s.",
    )

    @model_validator(mode="after")
    def _one_budget(self) -> Self:
        if (self.epochs is None) == (self.images is None):
            raise ValueError(ParameterFaults.one_budget())
        return self

    @model_validator(mode="after")
    def _patience_needs_monitor(self) -> Self:
        if self.patience is not None and self.monitor is None:
            raise ValueError(ParameterFaults.patience_needs_monitor())
        return self


class AdversarialParams(TrainParams):
    """What every recipe with players adds: the stability aids that the sources ask for."""

    optimizer: Annotated[Literal["adam", "rmsprop"], Group.learning] = Field(
        "adam", description="Optimizer of both players."
    )
    beta1: Annotated[Beta, Group.learning, Resumable.yes] = Field(
        0.5, description="Adam's decay of the mean of gradients."
    )
    beta2: Annotated[Beta, Group.learning, Resumable.yes] = Field(
        0.999, description="Adam's decay of the mean of squared gradients."
    )
    d_learning_rate: Annotated[Rate | None, Group.first, Resumable.yes] = Field(
        None, description="The discriminator's own step size; null: `learning_rate`."
    )
    g_learning_rate: Annotated[Rate | None, Group.first, Resumable.yes] = Field(
        None, description="The generator's own step size; null: `learning_rate`."
    )
    d_steps: Annotated[int, Field(ge=1, le=100), Group.learning, Resumable.yes] = Field(
        1, description="Discriminator steps an iteration."
    )
    g_steps: Annotated[int, Field(ge=1, le=100), Group.learning, Resumable.yes] = Field(
        1, description="Generator steps an iteration."
    )
    d_warmup_steps: Annotated[int, Field(ge=0, le=1_000_000), Group.learning, Resumable.yes] = Field(
        0, description="Iterations at the start in which only the discriminator learns."
    )


class NoiseParams(AdversarialParams):
    """What the recipes that paint from noise add."""

    noise_dim: Annotated[int, Field(ge=1, le=4096), Group.learning] = Field(
        100, description="Length of the noise vector z."
    )
    learning_rate_end: Annotated[
        Annotated[float, Field(ge=0, le=1, strict=False)] | None, Group.learning, Resumable.yes
    ] = Field(None, description="Learning rates fall to this along a cosine over the budget; null: they stay.")
    shared_fakes: Annotated[bool, Group.learning] = Field(
        True,
        description="Both players judge the same batch of fakes, which saves a generator pass; false: fresh "
        "noise for the generator's step, as most sources do. Only where d_steps = 1.",
    )
    monitor: Literal["d_loss", "g_loss"] | None = Field(
        None,
        description="Epoch mean whose minimum marks the checkpoint `best`; null: `best` is the latest. A falling "
        "generator loss is no sign of quality. The lowest is often epoch 1, pure noise.",
    )
