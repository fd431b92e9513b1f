"""From data and parameters to a method, its feed and its gallery: one function for each kind of method."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, cast

from trainers import recipes
from trainers.data.loader import Feed, Look, PairFeed
from trainers.device import precision
from trainers.methods.adversarial import Adversarial, Players
from trainers.methods.classification import Classification, held_out
from trainers.methods.translation import Translation
from trainers.outputs.confusion import Confusion
from trainers.outputs.fakes import Fakes
from trainers.outputs.translations import Translations
from trainers.process.errors import InvalidDatasetError
from trainers.recipes import DataInfo

if TYPE_CHECKING:
    from torch import nn

    from trainers.data.images import Images
    from trainers.data.rng import Draws
    from trainers.methods import Method
    from trainers.outputs import Gallery
    from trainers.process.spec import TrainSpec


class Assembly(NamedTuple):
    """Everything that a loop needs beside its spec."""

    method: Method
    feed: Any
    gallery: Gallery


def assemble(spec: TrainSpec, parts: dict[str, Images], draws: Draws, begun: str | None = None) -> Assembly:
    """Put a recipe to work on the parts of a data set, on the device of the draws; ``begun``: a checkpoint's precision.

    Raises:
        InvalidDatasetError: the data set does not fit.
        TrainerError: the device cannot compute with the precision asked for.
    """
    # Jobs from before there was a choice have none.
    computes = precision.chosen(getattr(spec.params, "precision", precision.FLOAT32), draws.device, begun)
    return _ASSEMBLE[recipes.find(spec.recipe).method](spec, parts, draws, computes)


def stored_size(spec: TrainSpec) -> int:
    """Return the size of images as they are kept: larger than what networks see, where windows are cut at random."""
    return cast("int", spec.params.image_size) + recipes.find(spec.recipe).margin(spec.params)


def _built(spec: TrainSpec, data: DataInfo, draws: Draws) -> dict[str, nn.Module]:
    networks = recipes.networks(spec.recipe, spec.params, data, spec.seed)
    return {name: network.to(draws.device) for name, network in networks.items()}


def _adversarial(spec: TrainSpec, parts: dict[str, Images], draws: Draws, computes: str) -> Assembly:
    params: Any = spec.params
    look = Look(params.normalize_mean, params.normalize_std, params.image_size)
    chosen = list(parts.values()) if params.split == "all" else [parts["train"]]
    feed = Feed(chosen, params.batch_size, draws, look)
    recipe = recipes.find(spec.recipe)
    mean = feed.mean() if recipe.wants_mean(params) else None
    built = _built(spec, DataInfo(feed.shape, len(spec.dataset.classes), mean), draws)
    objective = recipe.objective(params, draws.device)
    method = Adversarial(params, Players(**built), objective, draws, computes)
    return Assembly(method, feed, Fakes(method, feed))


def _translation(spec: TrainSpec, parts: dict[str, Images], draws: Draws, computes: str) -> Assembly:
    params: Any = spec.params
    look = Look(params.normalize_mean, params.normalize_std, params.image_size, flip=True)
    pairs = [domains(parts, len(spec.dataset.classes))]
    if params.split == "all" and ("test" in parts or "testA" in parts):
        pairs.append(domains(parts, len(spec.dataset.classes), "test"))
    a, b = zip(*pairs)
    feed = PairFeed(
        Feed(a, params.batch_size, draws, look, "order_a"), Feed(b, params.batch_size, draws, look, "order_b")
    )
    built = _built(spec, DataInfo(feed.shape, 0), draws)
    method = Translation(params, built, feed.shape, draws, computes)
    return Assembly(method, feed, Translations(method, feed))


def domains(parts: dict[str, Images], classes: int, part: str = "train") -> tuple[Images, Images]:
    """Return the images of both domains: their own parts, or the first half of the classes and the others.

    Raises:
        InvalidDatasetError: there are neither, or one of them is empty.
    """
    if f"{part}A" in parts:
        return parts[f"{part}A"], parts[f"{part}B"]
    found = parts.get(part, parts["train"])
    if found.labels is None:
        raise InvalidDatasetError("the data set has neither two domains nor classes to make them of")
    first = found.labels < (classes + 1) // 2
    a, b = found.only(first), found.only(~first)
    if not len(a) or not len(b):
        raise InvalidDatasetError("one of the two domains is empty: give each at least one image")
    return a, b


def _classification(spec: TrainSpec, parts: dict[str, Images], draws: Draws, computes: str) -> Assembly:
    params: Any = spec.params
    train, test = held_out(parts)
    _check_classes(train, spec.dataset.classes)
    flip = train.pixels.shape[1] == 3 if params.flip is None else params.flip
    look = Look(params.normalize_mean, params.normalize_std, params.image_size, params.shift, flip)
    feed = Feed([train], params.batch_size, draws, look)
    judged = Feed([test], 1, draws, look, "test")
    built = _built(spec, DataInfo(feed.shape, len(spec.dataset.classes)), draws)
    method = Classification(params, built["classifier"], spec.dataset.classes, judged, draws, computes)
    return Assembly(cast("Method", method), feed, Confusion(method, feed))


def _check_classes(images: Images, classes: tuple[str, ...]) -> None:
    if images.labels is None:
        raise InvalidDatasetError("the data set has no classes; put its images into one folder for each class")
    found = set(images.labels.tolist())
    empty = [name for number, name in enumerate(classes) if number not in found]
    if empty:
        raise InvalidDatasetError(
            f"no training image is of class {', '.join(empty[:5])}: add some, or take the class out of the data set"
        )


_ASSEMBLE = {"adversarial": _adversarial, "translation": _translation, "classification": _classification}
