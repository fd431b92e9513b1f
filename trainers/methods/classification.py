"""One iteration of a classifier, and its judgement on test images once an epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import torch
from torch.nn.functional import cross_entropy

from trainers.data.images import Images
from trainers.device.precision import FLOAT32, at
from trainers.methods import optimizers, schedules, shown
from trainers.methods.adversarial import evaluating, learn
from trainers.methods.ema import Average
from trainers.process.errors import InvalidDatasetError

if TYPE_CHECKING:
    from torch import nn

    from models.specs.darknet import DarknetParams
    from trainers.data.loader import Feed
    from trainers.data.rng import Draws
    from trainers.methods import Place

_AT_ONCE = 256
_KEPT = 10  # without a test part, so many training images give one


class Classification:
    """Cross-entropy and stochastic gradient descent along one cycle of the learning rate."""

    metrics: tuple[str, ...] = ("loss", "train_accuracy", "grad_norm", "learning_rate", "momentum")
    judged = False

    def __init__(
        self,
        params: DarknetParams,
        classifier: nn.Module,
        classes: tuple[str, ...],
        test: Feed,
        draws: Draws,
        precision: str = FLOAT32,
    ) -> None:
        self.params = params
        self.classes = classes
        self.draws = draws
        self.precision = precision
        self._classify = at(classifier, precision)
        self.networks: dict[str, nn.Module] = {"classifier": classifier}
        self.averages: dict[str, Average] = {}
        if params.ema_half_life:
            self.averages["classifier"] = Average(classifier, params.ema_half_life)
        self.optimizers: dict[str, torch.optim.Optimizer] = {
            "classifier": optimizers.sgd(classifier.parameters(), params.weight_decay)
        }
        self.extras: dict[str, torch.Tensor] = {}
        if test.labels is None:
            raise InvalidDatasetError("the test images have no classes")
        self._test, self._labels = test, test.labels
        self._figures: dict[str, float] = {}
        self._fresh = False  # whether they were taken since the last step
        self.confusion: torch.Tensor | None = None

    def iterations(self, step: int, batches: int) -> int:  # noqa: ARG002 - the same question as to others
        """Return as many: each iteration draws one batch."""
        return batches

    def salt(self, salt: int) -> None:
        """Use other draws from now on."""
        self.draws = self.draws.salted(salt)

    def example(self, name: str, feed: Feed) -> torch.Tensor:  # noqa: ARG002 - there is one network
        """Return an image."""
        return torch.zeros(1, *feed.shape, device=self.draws.device)

    def step(self, place: Place, feed: Feed) -> torch.Tensor:
        """Train one iteration; return the metrics in their order."""
        self._fresh = False
        rate, momentum = self._set_rates(place, feed.batch_size)
        images, labels = feed.next_batch()
        classifier = self.networks["classifier"]
        logits = self._classify(images)
        if labels is None:
            raise InvalidDatasetError("the data set has no classes")
        loss = cross_entropy(logits, labels, label_smoothing=self.params.label_smoothing)
        norm = learn(self.optimizers["classifier"], loss, classifier)
        for average in self.averages.values():
            average.update(feed.batch_size)
        right = (logits.detach().argmax(1) == labels).float().mean()
        return torch.stack([loss.detach(), right, norm, norm.new_tensor(rate), norm.new_tensor(momentum)])

    def _set_rates(self, place: Place, images: int) -> tuple[float, float]:
        params = self.params
        high, end = params.learning_rate, params.cycle_end
        rate = schedules.one_cycle(high / params.cycle_div, high, end, place.fraction)
        if params.warmup_images:
            rate *= min(1.0, (place.seen + images) / params.warmup_images)
        momentum = schedules.one_cycle(params.momentum, params.momentum_low, end, place.fraction)
        optimizers.set_learning_rate(self.optimizers["classifier"], rate)
        optimizers.set_momentum(self.optimizers["classifier"], momentum)
        return rate, momentum

    @torch.no_grad()
    def end_epoch(self) -> dict[str, float]:
        """Judge the test images: the share that is right, mean cross-entropy, and which class is taken for which."""
        if self._fresh:
            return self._figures
        network = shown(self, "classifier")
        many = len(self.classes)
        answers = []
        total = torch.zeros((), dtype=torch.float64, device=self.draws.device)
        with evaluating(network):
            for chosen in torch.split(torch.arange(self._test.deck.count), _AT_ONCE):
                labels = self._labels[chosen].to(self.draws.device)
                logits = network(self._test.normalise(self._test.plain(chosen)))
                total += cross_entropy(logits, labels, reduction="sum").double()
                answers.append(labels * many + logits.argmax(1))
        self.confusion = torch.bincount(torch.cat(answers).cpu(), minlength=many * many).view(many, many)
        right = int(self.confusion.diagonal().sum())
        count = self._test.deck.count
        self._figures = {"accuracy": right / count, "test_loss": float(total) / count}
        self._fresh = True
        return self._figures

    def report(self) -> dict[str, Any]:
        """Return accuracy and confusion: rows are the true classes, columns what the classifier says."""
        self.end_epoch()
        return {**self._figures, "classes": list(self.classes), "confusion": self.counts()}

    def counts(self) -> list[list[int]]:
        """Return how many images of each class (row) were taken for each class (column) at the last judgement."""
        return [] if self.confusion is None else cast("list[list[int]]", self.confusion.tolist())


def held_out(parts: dict[str, Images]) -> tuple[Images, Images]:
    """Return training and test images; without a test part, every tenth training image is kept for it."""
    train = parts["train"]
    if "test" in parts and parts["test"].labels is not None:
        return train, parts["test"]
    if train.labels is None:
        raise InvalidDatasetError("the data set has no classes; put its images into one folder for each class")
    if len(train.pixels) < _KEPT:
        raise InvalidDatasetError(
            f"the data set has {len(train.pixels)} images and no test part; every {_KEPT}th is kept for testing: "
            f"take one with at least {_KEPT} images"
        )
    kept = torch.arange(len(train)) % _KEPT == _KEPT - 1
    return train.only(~kept), train.only(kept)
