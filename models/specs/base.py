"""The base of all specs: strict models, intervals, and the parameters that several recipes share."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_serializer, model_validator

from models.messages import Message, ParameterFaults
from models.specs.parameter_markers import Group, Resumable


class ParameterError(ValueError):
    """Parameters do not go together. ``name`` is the one to change."""

    def __init__(self, name: str, message: Message) -> None:
        super().__init__(message)
        self.name = name


class Spec(BaseModel):
    """A closed model: unknown fields, NaN, infinity and strings for numbers are errors."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, frozen=True, validate_default=True)


class Cadence(Spec):
    """How often something happens: exactly one of steps, epochs or seconds."""

    steps: Annotated[int, Field(ge=1, le=10_000_000)] | None = Field(None, description="Every n generator steps.")
    epochs: Annotated[int, Field(ge=1, le=100_000)] | None = Field(None, description="At the end of every n-th epoch.")
    seconds: Annotated[float, Field(ge=0.1, le=86_400)] | None = Field(
        None, description="At most once in n seconds, at the end of a step."
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


Rate = Annotated[float, Field(gt=0, le=1)]
Beta = Annotated[float, Field(ge=0, lt=1)]
Epochs = Annotated[int, Field(ge=1, le=100_000)]
Width = Annotated[int, Field(ge=4, le=512)]
EPOCHS = "Training budget in passes over the data set. Set either this or `images`."
UPSAMPLE = (
    "Make the generator repeat pixels and convolve. false: transposed convolutions, which can "
    "cause checkerboard patterns."
)


class TrainParams(Spec):
    """Parameters that have the same name and meaning in every training recipe."""

    epochs: Annotated[Epochs | None, Group.first, Resumable.yes] = Field(None, description=EPOCHS)
    images: Annotated[Annotated[int, Field(ge=1, le=10**12)] | None, Group.first, Resumable.yes] = Field(
        None,
        description="Training budget in real images shown, rounded up to whole steps. Set either this or `epochs`.",
    )
    batch_size: Annotated[int, Field(ge=2, le=8192), Group.first] = Field(
        128, description="Number of images per step. At least 2, because batch normalisation needs several images."
    )
    image_size: Annotated[Annotated[int, Field(ge=8, le=512)] | None, Group.first] = Field(
        None,
        description="Width and height, in pixels, of the images that the networks see. If not set: the size in "
        "the data set, with a black frame if the recipe needs a power of two. Images of any other size are scaled "
        "and cropped.",
    )
    width: Annotated[Width, Group.first] = Field(
        64, description="Base number of channels or units. Small values suit small machines."
    )
    learning_rate: Annotated[Rate, Group.first, Resumable.yes] = Field(
        2e-4, description="Learning rate of all optimizers, unless a network has its own."
    )
    warmup_images: Annotated[int, Field(ge=0, le=10**9), Group.learning, Resumable.yes] = Field(
        0, description="Number of images over which the learning rates rise linearly from zero."
    )
    crop: Annotated[Literal["center", "face", "squash"], Group.data] = Field(
        "center",
        description="Part of a scaled image to keep: its center, or its largest face if it has one. `squash`: all of "
        "it, each side scaled by itself (bicubic), as in CycleGAN's code.",
    )
    split: Annotated[Literal["train", "all"], Group.data] = Field(
        "train", description="Parts of the data set to train on. `all` includes the test images."
    )
    drop_last: Annotated[bool, Group.data] = Field(
        True,
        description="Leave out the images at the end of an epoch that do not fill a batch, so that all batches have "
        "the same size. false: train on them as a smaller batch, as most tutorials do.",
    )
    normalize_mean: Annotated[float, Field(ge=0, le=1), Group.data] = Field(
        0.5, description="Mean for normalising pixels: a value x between 0 and 1 becomes (x - mean) / std."
    )
    normalize_std: Annotated[float, Field(gt=0, le=1), Group.data] = Field(
        0.5, description="Standard deviation for normalising pixels; see `normalize_mean`."
    )
    ema_half_life: Annotated[Annotated[int, Field(ge=1, le=10**9)] | None, Group.learning, Resumable.while_set] = Field(
        None,
        description="Half-life, in images, of an exponential moving average of the generator's or "
        "classifier's weights. Grids, samples and weight files then come from the average. If not set: no average.",
    )
    label_smoothing: Annotated[float, Field(ge=0, le=0.5), Group.learning, Resumable.yes] = Field(
        0.0,
        description="Real images get the label 1 minus this value, so that the discriminator does not "
        "become overconfident.",
    )
    monitor: Annotated[str | None, Group.records] = Field(
        None, description="Epoch mean whose best value marks the checkpoint `best`."
    )
    patience: Annotated[Annotated[int, Field(ge=1, le=100_000)] | None, Group.records, Resumable.yes] = Field(
        None,
        description="Early stopping: the number of epochs without a better `monitor` after which training "
        "ends. If not set: train to the end. Needs `monitor`. Where that is a measured quality, measurements count "
        "instead of epochs (see `quality_every`).",
    )
    precision: Annotated[Literal["auto", "float32", "bfloat16"], Group.learning] = Field(
        "auto",
        description="Number format for computing. bfloat16: products in bfloat16, weights and sums in "
        "float32. auto: bfloat16 where it is faster (GPUs since Ampere; CPUs by a measurement when the job begins: "
        "those with AMX or AVX512-BF16), else float32.",
    )
    exact: Annotated[bool, Group.learning, Resumable.yes] = Field(
        True,
        description="Use deterministic kernels: a resumed run then ends with the same weights, bit for "
        "bit. Free on a CPU, slightly slower on a GPU.",
    )
    metrics_every: Annotated[Cadence, Group.records, Resumable.yes] = Field(
        Cadence(steps=1), description="Interval between recorded metrics."
    )
    grid_every: Annotated[Cadence, Group.records, Resumable.yes] = Field(
        Cadence(epochs=1), description="Interval between image grids, which always show the same inputs."
    )
    checkpoint_every: Annotated[Cadence | None, Group.records, Resumable.yes] = Field(
        None,
        description="Interval between checkpoints. If not set: at the end of each epoch, at most every 5 s and "
        "at least every 60 s. Large checkpoints are written less often (24 MB: at most every 40 s), so that they "
        "take less than 1 % of the time.",
    )

    @model_validator(mode="after")
    def _one_budget(self) -> Self:
        if (self.epochs is None) == (self.images is None):
            raise ParameterError("epochs", ParameterFaults.one_budget())
        return self

    @model_validator(mode="after")
    def _patience_needs_monitor(self) -> Self:
        if self.patience is not None and self.monitor is None:
            raise ParameterError("patience", ParameterFaults.patience_needs_monitor())
        return self


class AdversarialParams(TrainParams):
    """Parameters of recipes with a generator and a discriminator, most of which stabilise training."""

    optimizer: Annotated[Literal["adam", "rmsprop"], Group.learning] = Field(
        "adam", description="Optimizer of both networks."
    )
    beta1: Annotated[Beta, Group.learning, Resumable.yes] = Field(
        0.5, description="Adam's decay rate for the mean of the gradients."
    )
    beta2: Annotated[Beta, Group.learning, Resumable.yes] = Field(
        0.999, description="Adam's decay rate for the mean of the squared gradients."
    )
    d_learning_rate: Annotated[Rate | None, Group.first, Resumable.yes] = Field(
        None, description="Learning rate of the discriminator. If not set: `learning_rate`."
    )
    g_learning_rate: Annotated[Rate | None, Group.first, Resumable.yes] = Field(
        None, description="Learning rate of the generator. If not set: `learning_rate`."
    )
    d_steps: Annotated[int, Field(ge=1, le=100), Group.learning, Resumable.yes] = Field(
        1, description="Number of discriminator steps per iteration."
    )
    g_steps: Annotated[int, Field(ge=1, le=100), Group.learning, Resumable.yes] = Field(
        1, description="Number of generator steps per iteration."
    )
    d_warmup_steps: Annotated[int, Field(ge=0, le=1_000_000), Group.learning, Resumable.yes] = Field(
        0, description="Number of iterations at the start in which only the discriminator is trained."
    )


class NoiseParams(AdversarialParams):
    """Parameters of recipes that generate images from noise."""

    noise_dim: Annotated[int, Field(ge=1, le=4096), Group.learning] = Field(
        100, description="Length of the noise vector z."
    )
    learning_rate_end: Annotated[Annotated[float, Field(ge=0, le=1)] | None, Group.learning, Resumable.yes] = Field(
        None,
        description="Final learning rate, reached along a cosine over the budget. If not set: the learning "
        "rate stays constant.",
    )
    shared_fakes: Annotated[bool, Group.learning] = Field(
        True,
        description="Use one batch of generated images for both networks, which saves a pass through the "
        "generator. false: new noise for the generator's step, as in most publications, and always where the "
        "discriminator takes several steps.",
    )
    monitor: Literal["fd_ratio", "coverage", "kl", "d_loss", "g_loss"] | None = Field(
        None,
        description="Metric whose best value marks the checkpoint `best`: a measured quality of the images (see "
        "`quality_every`), or the lowest epoch mean of a loss. If a request leaves it out: `fd_ratio` where an "
        "extractor is at hand for the data set. null: `best` is the latest. A falling generator loss does not mean "
        "better images: it is often lowest in epoch 1, which shows noise.",
    )
    quality_every: Annotated[Cadence | None, Group.records, Resumable.yes] = Field(
        None,
        description="Interval between measurements of the quality of generated images: `fd_ratio`, `coverage` and, "
        "where classes are known, `kl`. They need an extractor for the data set. If not set: at the end of each epoch, "
        "but only as often as takes at most 2 % of the training time. The end of the training is always measured.",
    )

    @property
    def several_d_steps(self) -> str | None:
        """The parameter that gives the discriminator several steps in an iteration; None if it takes one in each."""
        return "d_steps" if self.d_steps > 1 else None
