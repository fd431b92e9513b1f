"""Puts a recipe together: from data and parameters to a method with its feed, and its gallery."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, cast

from models.messages import Misfits
from trainers import recipes
from trainers.data.loader import TURNS, ImageFeed, LabelledFeed, PairFeed, TurnedFeed
from trainers.data.preprocessing import Preprocessing
from trainers.data.sampler import Epochs
from trainers.device import precision
from trainers.device.graphs import Graphs
from trainers.methods.adversarial import Adversarial, Players
from trainers.methods.classification import Classification, held_out
from trainers.methods.image_translation import Translation
from trainers.outputs.confusion import Confusion
from trainers.outputs.fakes import Fakes
from trainers.outputs.translations import Translations
from trainers.process.errors import InvalidDatasetError
from trainers.recipes import DataInfo
from trainers.recipes.darknet import ROTATIONS

if TYPE_CHECKING:
    from torch import nn

    from models.specs.base import NoiseParams
    from models.specs.cyclegan import CycleganParams
    from models.specs.darknet import DarknetParams
    from trainers.data.images import Images
    from trainers.data.rng import Draws
    from trainers.methods import Method
    from trainers.outputs import Gallery
    from trainers.process.spec import TrainSpec


class Assembly(NamedTuple):
    """Everything that a loop needs beside its spec."""

    method: Method
    gallery: Gallery


def assemble(
    spec: TrainSpec, parts: dict[str, Images], draws: Draws, computes: str | None = None, graphs: Graphs | None = None
) -> Assembly:
    """Build a recipe's networks, method and feed for the parts of a data set, on the device of the draws.

    ``computes`` is the precision to compute in; by default the one that the job asks for. ``graphs`` calls the pieces
    of its steps; by default they are called as they are.

    Raises:
        InvalidDatasetError: the data set does not fit.
        TrainerError: the device cannot compute with the precision asked for.
    """
    if computes is None:
        computes = precision.choose(precision.asked(spec.params), draws.device).precision
    return _ASSEMBLE[recipes.find(spec.recipe).method](spec, parts, draws, computes, graphs or Graphs())


def stored_size(spec: TrainSpec) -> int:
    """Return the size of images as they are stored: larger than what networks see, if windows are cut at random."""
    return _image_size(spec) + recipes.find(spec.recipe).margin(spec.params)


def _image_size(spec: TrainSpec) -> int:
    return cast("int", spec.params.image_size)  # filled in when the spec was read


def _preprocessing(spec: TrainSpec, shift: int = 0, *, flip: bool = False) -> Preprocessing:
    params = spec.params
    return Preprocessing(params.normalize_mean, params.normalize_std, _image_size(spec), shift, flip)


def _epochs(spec: TrainSpec) -> Epochs:
    """Return what an epoch draws. Jobs from before the parameter leave out the rest that fills no batch."""
    return Epochs(drop_last=bool(vars(spec.params).get("drop_last", True)))


def _networks(spec: TrainSpec, data: DataInfo, draws: Draws) -> dict[str, nn.Module]:
    """Build the networks on the CPU, where a seed gives the same weights for every device, and move them."""
    networks = recipes.networks(spec.recipe, spec.params, data, spec.seed)
    return {name: network.to(draws.device) for name, network in networks.items()}


def _adversarial(spec: TrainSpec, parts: dict[str, Images], draws: Draws, computes: str, graphs: Graphs) -> Assembly:
    """Assemble a generator and a discriminator with images of one data set."""
    params = cast("NoiseParams", spec.params)
    recipe = recipes.find(spec.recipe)
    chosen = list(parts.values()) if params.split == "all" else [parts["train"]]
    # Only some recipes can mirror images, and their older jobs lack the parameter.
    preprocessing = _preprocessing(spec, flip=bool(vars(params).get("flip")))
    feed = ImageFeed(chosen, params.batch_size, draws, preprocessing, epochs=_epochs(spec))
    # The mean image takes a pass over all pixels, so it is computed only for networks that are built from it.
    mean = feed.mean() if recipe.wants_mean(params) else None
    players = Players(**_networks(spec, DataInfo(feed.shape, len(spec.dataset.classes), mean), draws))
    objective = recipe.objective(params, draws.device)
    # Where test images are not trained on, alarms compare with them.
    held_out = None if params.split == "all" else parts.get("test")
    method = Adversarial(
        params, players, objective, feed, recipe.schedule(params), computes, recipe.shift(params), graphs, held_out
    )
    return Assembly(method, Fakes(method))


def _translation(spec: TrainSpec, parts: dict[str, Images], draws: Draws, computes: str, _graphs: Graphs) -> Assembly:
    """Assemble two translators and two discriminators with images of two domains."""
    params = cast("CycleganParams", spec.params)
    preprocessing = _preprocessing(spec, flip=True)
    pairs = [domains(parts, len(spec.dataset.classes))]
    if params.split == "all" and ("test" in parts or "testA" in parts):
        pairs.append(domains(parts, len(spec.dataset.classes), "test"))
    of_a, of_b = zip(*pairs)
    epochs_a = epochs_b = _epochs(spec)
    # Jobs from before the parameter do not have it.
    if vars(params).get("pairing", "epochs") == "random":
        longest = max(sum(map(len, of_a)), sum(map(len, of_b)))
        epochs_a = epochs_a._replace(length=longest)
        epochs_b = epochs_b._replace(length=longest, at_random=True)
    a = ImageFeed(of_a, params.batch_size, draws, preprocessing, "order_a", epochs_a)
    b = ImageFeed(of_b, params.batch_size, draws, preprocessing, "order_b", epochs_b)
    feed = PairFeed(a, b)
    method = Translation(params, _networks(spec, DataInfo(feed.shape, 0), draws), feed, computes)
    return Assembly(method, Translations(method))


def _classification(spec: TrainSpec, parts: dict[str, Images], draws: Draws, computes: str, graphs: Graphs) -> Assembly:
    """Assemble a classifier with images for training and for testing: with their classes, or in four quarter turns."""
    params = cast("DarknetParams", spec.params)
    # Jobs from before the parameter have classes.
    by_classes = vars(params).get("targets") != ROTATIONS
    train, test = held_out(parts, labelled=by_classes)
    if by_classes:
        _check_classes(train, spec.dataset.classes)
    # A mirrored digit is another digit; a mirrored photograph shows the same thing.
    flip = train.pixels.shape[1] == 3 if params.flip is None else params.flip
    preprocessing = _preprocessing(spec, params.shift, flip=flip)
    # Jobs from before the parameter do not have it.
    if vars(params).get("normalize_channels", False):
        # Test images too are scaled by what is known of the training images.
        preprocessing = preprocessing._replace(channels=train.channel_statistics())
    kind: type[LabelledFeed | TurnedFeed] = LabelledFeed if by_classes else TurnedFeed
    feed = kind([train], params.batch_size, draws, preprocessing, epochs=_epochs(spec))
    test_feed = kind([test], 1, draws, preprocessing, "test")
    names = spec.dataset.classes if by_classes else tuple(f"{360 // TURNS * turn}°" for turn in range(TURNS))
    built = _networks(spec, DataInfo(feed.shape, len(spec.dataset.classes)), draws)
    method = Classification(params, built["classifier"], names, feed, test_feed, computes, graphs)
    return Assembly(method, Confusion(method))


def domains(parts: dict[str, Images], classes: int, part: str = "train") -> tuple[Images, Images]:
    """Return the images of both domains: their own parts, or else the first half of the classes and the other half.

    Raises:
        InvalidDatasetError: there are neither, or one of them is empty.
    """
    if f"{part}A" in parts:
        return parts[f"{part}A"], parts[f"{part}B"]
    found = parts.get(part, parts["train"])
    if found.labels is None:
        raise InvalidDatasetError(Misfits.no_domains())
    first = found.labels < (classes + 1) // 2
    a, b = found.only(first), found.only(~first)
    if not len(a) or not len(b):
        raise InvalidDatasetError(Misfits.empty_domain())
    return a, b


def _check_classes(images: Images, classes: tuple[str, ...]) -> None:
    if images.labels is None:
        raise InvalidDatasetError(Misfits.no_classes())
    found = set(images.labels.tolist())
    empty = [name for number, name in enumerate(classes) if number not in found]
    if empty:
        raise InvalidDatasetError(Misfits.empty_class(name=", ".join(empty[:5])))


_ASSEMBLE = {"adversarial": _adversarial, "translation": _translation, "classification": _classification}
