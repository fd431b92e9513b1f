"""One iteration of a classifier, and its evaluation on test images once an epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import torch
from torch.nn.functional import cross_entropy

from models.limits import HELD_OUT_EVERY
from models.messages import Misfits
from trainers.data.images import every_tenth
from trainers.device.graphs import Graphs
from trainers.device.precision import FLOAT32, at
from trainers.methods import DiscriminatorOutput, optimizers, output_network, schedules
from trainers.methods.ema import Average
from trainers.methods.steps import differentiate, evaluating
from trainers.process.errors import InvalidDatasetError

if TYPE_CHECKING:
    from torch import nn

    from models.specs.darknet import DarknetParams
    from trainers.data.images import Images
    from trainers.data.loader import TargetFeed
    from trainers.methods import Iteration
    from trainers.methods.live_look import LiveLook

_TEST_BATCH = 256


class Classification:
    """Cross-entropy and stochastic gradient descent along one cycle of the learning rate."""

    metrics: tuple[str, ...] = ("loss", "train_accuracy", "grad_norm", "learning_rate", "momentum")
    d_output = DiscriminatorOutput.none
    live_look: LiveLook | None = None

    def __init__(
        self,
        params: DarknetParams,
        classifier: nn.Module,
        classes: tuple[str, ...],
        feed: TargetFeed,
        test: TargetFeed,
        precision: str = FLOAT32,
        graphs: Graphs | None = None,
    ) -> None:
        self.params = params
        self.classes = classes
        self.feed = feed
        self.precision = precision
        self.graphs = graphs or Graphs()
        self._test = test
        self._classify = at(classifier, precision)
        self.networks: dict[str, nn.Module] = {"classifier": classifier}
        self.averages: dict[str, Average] = {}
        if params.ema_half_life:
            self.averages["classifier"] = Average(classifier, params.ema_half_life)
        self.optimizers: dict[str, torch.optim.Optimizer] = {
            "classifier": optimizers.sgd(classifier.parameters(), params.weight_decay)
        }
        # What pixels were scaled by belongs to the classifier: a checkpoint holds it, unless the parameters say it.
        self.extras: dict[str, torch.Tensor] = {}
        if feed.preprocessing.channels is not None:
            self.extras["channels"] = torch.tensor(feed.preprocessing.channels, dtype=torch.float64)  # [C, 2]
        # Step size and momentum as metrics. They stay on the device: new tensors of numbers would wait for it.
        self._rate, self._momentum = torch.zeros(2, device=feed.draws.device).unbind()
        # The last evaluation, and whether the weights are still those that it was made with.
        self._evaluated: dict[str, float] = {}
        self._fresh = False
        self.confusion: torch.Tensor | None = None  # [classes, classes] int64: true class, predicted class

    def iterations(self, step: int, batches: int) -> int:  # noqa: ARG002 - the number depends on the step elsewhere
        """Return the same number: each iteration draws one batch."""
        return batches

    def example(self, name: str) -> torch.Tensor:  # noqa: ARG002 - there is one network
        """Return an image, [1, C, H, W]."""
        return torch.zeros(1, *self.feed.shape, device=self.feed.draws.device)

    def step(self, iteration: Iteration) -> torch.Tensor:
        """Train one iteration; return the metrics in the order of `metrics`."""
        self._fresh = False
        # 1. The cycle gives the step size and the momentum.
        self._set_rates(iteration, self.feed.batch_size)
        # 2. A batch: images [N, C, H, W] float32, classes or quarter turns [N] int64.
        images, labels = self.feed.next_labelled()
        # 3. Gradients, and a step down them. The optimizer's numbers change in every step, so no graph can hold it.
        weights = optimizers.weights(self.optimizers["classifier"])
        metrics = self.graphs.run("gradients", self._gradients, (images, labels), trained=weights)
        self.optimizers["classifier"].step()
        # 4. The moving average follows.
        for average in self.averages.values():
            average.update(len(images))
        # 5. Metrics stay on the device.
        return torch.stack([*metrics, self._rate, self._momentum])

    def _gradients(self, images: torch.Tensor, labels: torch.Tensor) -> list[torch.Tensor]:
        """Compute the gradients of the cross-entropy; return it, the accuracy and the norm of the gradients."""
        logits = self._classify(images)  # [N, C, H, W] -> [N, classes]
        loss = cross_entropy(logits, labels, label_smoothing=self.params.label_smoothing)
        norm = differentiate(self.optimizers["classifier"], loss, self.networks["classifier"])
        accuracy = (logits.detach().argmax(1) == labels).float().mean()
        return [loss.detach(), accuracy, norm]

    def _set_rates(self, iteration: Iteration, images: int) -> None:
        """Set step size and momentum: one rises while the other falls (Smith 2018)."""
        params = self.params
        high, end = params.learning_rate, params.cycle_end
        rate = schedules.one_cycle(high / params.cycle_div, high, end, iteration.fraction)
        if params.warmup_images:
            rate *= min(1.0, (iteration.seen + images) / params.warmup_images)
        momentum = schedules.one_cycle(params.momentum, params.momentum_low, end, iteration.fraction)
        optimizers.set_learning_rate(self.optimizers["classifier"], rate)
        optimizers.set_momentum(self.optimizers["classifier"], momentum)
        self._rate.fill_(rate)
        self._momentum.fill_(momentum)

    @torch.no_grad()
    def end_epoch(self) -> dict[str, float]:
        """Evaluate on the test images: accuracy, mean cross-entropy and the confusion matrix."""
        # The grid, the epoch and the report all ask; without a step in between the answer is the same.
        if self._fresh:
            return self._evaluated
        network, test = output_network(self, "classifier"), self._test
        device, many = test.draws.device, len(self.classes)
        codes = []
        # Summed in float64: a sum of tens of thousands of float32 losses would lose digits.
        total = torch.zeros((), dtype=torch.float64, device=device)
        with evaluating(network):
            # In the order of the data set and without augmentation, so that every evaluation sees the same images.
            for chosen in torch.split(torch.arange(test.sampler.count), _TEST_BATCH):
                images, labels = test.plain_labelled(chosen)  # [n, C, H, W] float32, [n]
                logits = network(images)  # [n, classes]
                total += cross_entropy(logits, labels, reduction="sum").double()
                # One number for each pair of true and predicted class, to be counted all at once.
                codes.append(labels * many + logits.argmax(1))
        self.confusion = torch.bincount(torch.cat(codes).cpu(), minlength=many * many).view(many, many)
        count = int(self.confusion.sum())
        self._evaluated = {
            "accuracy": int(self.confusion.diagonal().sum()) / count,
            "test_loss": float(total) / count,
        }
        self._fresh = True
        return self._evaluated

    def report(self) -> dict[str, object]:
        """Return accuracy, test loss and the confusion matrix: rows are true classes, columns predicted ones."""
        self.end_epoch()
        return {**self._evaluated, "classes": list(self.classes), "confusion": self.counts()}

    def counts(self) -> list[list[int]]:
        """Return the confusion matrix of the last evaluation; empty before the first one."""
        return [] if self.confusion is None else cast("list[list[int]]", self.confusion.tolist())


def held_out(parts: dict[str, Images], *, labelled: bool = True) -> tuple[Images, Images]:
    """Return training and test images; without a test part, every tenth training image is kept for testing.

    ``labelled``: both must have classes.

    Raises:
        InvalidDatasetError: there are no classes, or too few images.
    """
    train = parts["train"]
    if "test" in parts and (parts["test"].labels is not None or not labelled):
        return train, parts["test"]
    if labelled and train.labels is None:
        raise InvalidDatasetError(Misfits.no_classes())
    if len(train.pixels) < HELD_OUT_EVERY:
        raise InvalidDatasetError(Misfits.no_test_part(count=len(train.pixels), kept=HELD_OUT_EVERY))
    kept = every_tenth(len(train))
    return train.only(~kept), train.only(kept)
