"""The training loop that all recipes share: steps, metrics, grids, checkpoints, and going back once."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any, Protocol

import torch

from trainers.device import devices
from trainers.loop import state
from trainers.loop.alarms import Watch
from trainers.loop.budget import Budget
from trainers.loop.cadence import CheckpointDefault, Every
from trainers.loop.checkpoint_writer import CheckpointWriter
from trainers.loop.checkpoints import Snapshot
from trainers.loop.early_stop import EarlyStop
from trainers.loop.meters import History, Means, Ring
from trainers.process.errors import CheckpointCorruptError, DivergedError, OutOfMemoryError, out_of_memory
from trainers.process.spec import as_values

if TYPE_CHECKING:
    from trainers.methods import Method
    from trainers.process.reporter import Progress, Reporter
    from trainers.process.spec import TrainSpec

# Two metric lines a second look live to a person; each costs the service a transaction on the cores that train.
_SEND_EVERY_S = 0.5


class Exhibition(Protocol):
    """Shows how far a training is. Drawing never changes it."""

    drawn_at: int | None  # the step of the last grid

    def real(self) -> None:
        """Show what the pictures should look like."""

    def draw(self, step: int, epoch: int) -> float | None:
        """Draw the grid of this step; return its spread (trainers/outputs)."""


class NotANumberError(Exception):
    """A metric or a weight stopped being a number; carries the step and its metrics."""

    def __init__(self, step: int, values: dict[str, float | None]) -> None:
        super().__init__(step)
        self.step = step
        self.values = values


class Loop:
    """One attempt. ``step`` counts iterations done since the beginning of the job, ``feed`` the images."""

    def __init__(self, spec: TrainSpec, method: Method, feed: Any, exhibition: Exhibition, reporter: Reporter) -> None:
        now = time.monotonic()
        params = spec.params
        self.spec, self.method, self.feed, self.reporter = spec, method, feed, reporter
        self.budget = Budget(params, method, feed)
        self.exhibition = exhibition
        self.writer = CheckpointWriter(spec.scratch, reporter)
        self.watch = Watch(reporter, method.iterations(0, feed.deck.per_pass), judged=method.judged)
        self.stop = EarlyStop(params.monitor, params.patience)
        self.device_name = devices.name(feed.draws.device)
        self.step = 0
        self.epochs_done = 0
        self.epoch_seconds: list[float] = []
        self.halvings: list[dict[str, int]] = []
        self._columns = len(method.metrics)
        self._ring = Ring(self._columns, feed.draws.device)
        self._means = Means(self._columns)
        self.history = History(self._columns)
        self._metrics_every = Every(params.metrics_every, now)
        self._grid_every = Every(params.grid_every, now)
        every = params.checkpoint_every
        self._checkpoint_every = Every(every, now) if every else CheckpointDefault(now)
        self._unread: list[tuple[int, int, bool]] = []  # (step, images, recorded) of the rows in the ring
        self._unsent: list[tuple[int, list[float]]] = []
        self._sent_at = -math.inf
        self._told_step: int | None = None
        self._saved_at: int | None = None
        self._began = now
        self._seconds_before = 0.0
        self._epoch_began_s = 0.0
        self._epoch_began_images = 0

    @property
    def smallest_batch(self) -> int:
        """The fewest images that a step can do with: batch normalisation needs two to average."""
        normalised = any(
            isinstance(module, torch.nn.modules.batchnorm._BatchNorm)
            for network in self.method.networks.values()
            for module in network.modules()
        )
        return 2 if normalised else 1

    @property
    def seconds(self) -> float:
        """Seconds of training over all attempts."""
        return self._seconds_before + time.monotonic() - self._began

    def run(self) -> bool:
        """Train to the end of the budget; return False if asked to stop before.

        Either way a checkpoint of the last step is among the files.

        Raises:
            DivergedError: not-a-number came up a second time.
        """
        self._began = time.monotonic()
        self.writer.last = self.snapshot()
        finished = self._train_or_go_back()
        while finished is None:
            finished = self._train_or_go_back()
        self.writer.finish()
        return finished

    def _train_or_go_back(self) -> bool | None:
        """Return whether the budget was used up, or None after going back."""
        try:
            finished = self._train()
            self._checkpoint(best=False)
            if self._told_step != self.step:
                self.reporter.progress(self._progress())
        except NotANumberError as bad:
            self._go_back(bad)
            return None
        except (RuntimeError, MemoryError) as error:
            if not out_of_memory(error):
                raise
            words = " ".join(str(error).split())[:200]
        else:
            return finished
        # Behind the handler, where the exception no longer holds on to what the step had allocated.
        self._halve(words)
        return None

    def _train(self) -> bool:
        limit = self.spec.stop_after_s
        while not self.budget.used and self.stop.reason is None:
            if self.reporter.should_stop() or (limit is not None and time.monotonic() - self._began >= limit):
                return False
            self._one_step()
        return True

    def _one_step(self) -> None:
        self._ring.add(self.method.step(self.budget.place(self.step), self.feed))
        self.step += 1
        now = time.monotonic()
        deck = self.feed.deck
        epoch = deck.passes if deck.passes > self.epochs_done else None
        # The first step is always recorded, so that watchers see life at once.
        recorded = self._metrics_every.due(self.step, epoch, now) or self.step == 1
        self._unread.append((self.step, deck.seen, recorded))
        grid = self._grid_every.due(self.step, epoch, now)
        save = self._checkpoint_every.due(self.step, epoch, now)
        if epoch is not None or self._ring.full or now - self._sent_at >= _SEND_EVERY_S:
            self._read()
            if now - self._sent_at >= _SEND_EVERY_S:
                self._send()
        best = self._end_epoch(epoch) if epoch is not None else False
        if grid:
            self.watch.grid(self.step, self.epochs_done, self.exhibition.draw(self.step, self.epoch))
        if save or best:
            self._checkpoint(best=best)

    @property
    def epoch(self) -> int:
        """The epoch that the last step belonged to, from 1; 0 before the first step."""
        return int(self.feed.deck.epoch)

    def _read(self) -> None:
        """Wait for the device and account for all steps since the last time."""
        for (step, images, recorded), row in zip(self._unread, self._ring.take()):
            finite = all(math.isfinite(value) for value in row)
            if recorded or not finite:
                self._unsent.append((step, row))
            if not finite:
                self._send()
                raise NotANumberError(step, {name: _rounded(value) for name, value in self._named(row).items()})
            self._means.add(row)
            self.history.add(images, row)
            self.watch.step(step, self._named(row))
        self._unread.clear()

    def _send(self) -> None:
        """Pass on the recorded steps, in the order in which they happened."""
        if not self._unsent:
            return
        steps = [step for step, _ in self._unsent]
        columns = zip(*(row for _, row in self._unsent))
        values = {name: [_rounded(value) for value in column] for name, column in zip(self.method.metrics, columns)}
        self.reporter.metric(self.epoch, steps, values, self._progress())
        self._unsent.clear()
        self._sent_at = time.monotonic()

    def _progress(self) -> Progress:
        """Return how far the training is, to be told."""
        self._told_step = self.step
        return self.budget.progress(self.step)

    def _end_epoch(self, epoch: int) -> bool:
        """Report the epoch that ended; tell whether it is the best so far."""
        means = self._named(self._means.take())
        # Judging the epoch is left out of its seconds, so that devices can be compared by their training alone.
        elapsed, seen = self.seconds, self.feed.deck.seen
        seconds, images = elapsed - self._epoch_began_s, seen - self._epoch_began_images
        figures = self.method.end_epoch()
        if figures:
            self._send()
            values = {name: [_rounded(value)] for name, value in figures.items()}
            self.reporter.metric(epoch, [self.step], values, self._progress())
        means.update(figures)
        self._epoch_began_s, self._epoch_began_images = self.seconds, seen
        self.epochs_done = epoch
        self.epoch_seconds.append(seconds)
        rounded = {name: float(f"{value:.6g}") for name, value in means.items()}
        rate = images / max(seconds, 1e-9)
        self.reporter.epoch(epoch, self._progress(), seconds, rate, self.device_name, rounded)
        return self.stop.look(epoch, means)

    def _checkpoint(self, *, best: bool) -> None:
        if self._saved_at == self.step:
            return
        self._read()
        if not state.all_finite(self.method):
            raise NotANumberError(self.step, {})
        self._send()
        snapshot = self.snapshot()
        self._checkpoint_every.weigh(sum(value.numel() * value.element_size() for value in snapshot.tensors.values()))
        self.writer.submit(snapshot, best=best)
        self._saved_at = self.step

    def _go_back(self, bad: NotANumberError) -> None:
        last = self.writer.drain()
        salt = self.feed.draws.salt
        words = f"a {'metric' if bad.values else 'weight'} is not a number at step {bad.step}"
        if salt > 0 or last is None:
            numbers = ", ".join(f"{name}={value}" for name, value in bad.values.items())
            raise DivergedError(
                f"{words} ({numbers or 'weights'}), again after going back once: lower the learning rate"
            )
        step = last.meta["step"]
        detail = f"{words}; going back to step {step} with other draws"
        self.reporter.alert("not_a_number", detail, step=bad.step, back_to=step, **bad.values)
        seconds = self.seconds
        self.restore(last, salt=salt + 1)
        self.watch.codes.append("not_a_number")
        self._seconds_before, self._began = seconds, time.monotonic()

    def _halve(self, words: str) -> None:
        """Go back to the last checkpoint and go on with half the batch.

        Raises:
            OutOfMemoryError: there is nothing left to halve.
        """
        last = self.writer.drain()
        size, half = self.feed.batch_size, self.feed.batch_size // 2
        if last is None or half < self.smallest_batch:
            raise OutOfMemoryError(
                f"the device ran out of memory with batches of {size} images, which cannot be halved any more: lower "
                f"`width` or `image_size`, or use a queue whose devices have more memory ({words})"
            )
        devices.give_back(self.feed.draws.device)
        seconds = self.seconds
        self.restore(last)
        self.feed.halve()
        self.budget.plan(self.step)
        self._seconds_before, self._began = seconds, time.monotonic()
        step = last.meta["step"]
        self.halvings.append({"step": step, "from": size, "to": half})
        self.watch.codes.append("batch_halved")
        detail = f"memory ran out with batches of {size} images; going on from step {step} with {half}"
        seen = self.feed.deck.seen
        self.reporter.alert("batch_halved", detail, step=self.step, batch_size=half, back_to=step, images=seen)
        # What comes next goes back to here, with the batch that was found to fit.
        self.writer.last = self.snapshot()

    def _named(self, row: list[float]) -> dict[str, float]:
        return dict(zip(self.method.metrics, row))

    def snapshot(self) -> Snapshot:
        """Copy everything that changes. All rows must have been read."""
        tensors = state.copies(self.method, self.writer.spare())
        tensors["history"] = self.history.tensor()
        tensors["epoch_seconds"] = torch.tensor(self.epoch_seconds, dtype=torch.float64)
        meta: dict[str, Any] = {
            "recipe": self.spec.recipe,
            "params": as_values(self.spec.params),
            "dataset": self.spec.dataset.name,
            "shape": list(self.feed.shape),
            "classes": list(self.spec.dataset.classes),
            "seed": self.feed.draws.seed,
            "salt": self.feed.draws.salt,
            "step": self.step,
            "epoch": self.epoch,
            "epochs_done": self.epochs_done,
            "images": self.feed.deck.seen,
            "place": self.feed.state(),
            "halvings": self.halvings,
            "threads": torch.get_num_threads(),
            "precision": self.method.precision,
            "torch": torch.__version__,
            "device": self.feed.draws.device.type,
            "means": {"sums": self._means.sums, "count": self._means.count},
            "history": self.history.state(),
            "stop": self.stop.state(),
            "watch": self.watch.state(),
            "alerts": list(self.watch.codes),
            "seconds": self.seconds,
            "epoch_began": [self._epoch_began_s, self._epoch_began_images],
        }
        return Snapshot(tensors, meta)

    def restore(self, snapshot: Snapshot, salt: int | None = None) -> None:
        """Continue from a snapshot, with its own draws or with others.

        Raises:
            CheckpointCorruptError: it is incomplete, or belongs to other networks.
        """
        tensors, meta = snapshot.tensors, snapshot.meta
        try:
            state.restore(self.method, tensors)
            self.step, self.epochs_done = meta["step"], meta["epochs_done"]
            self.epoch_seconds = tensors["epoch_seconds"].tolist()
            self._means.sums, self._means.count = list(meta["means"]["sums"]), meta["means"]["count"]
            self.history.restore(tensors["history"], meta["history"])
            self.stop.restore(meta["stop"])
            self.watch.restore(meta["watch"])
            self.watch.codes = list(meta["alerts"])
            self._seconds_before = meta["seconds"]
            self._epoch_began_s, self._epoch_began_images = meta["epoch_began"]
            salt = meta["salt"] if salt is None else salt
            self.method.salt(salt)
            self.feed.restore(meta["place"], salt)
            self.halvings = list(meta["halvings"])
            self.budget.plan(self.step)
        except (KeyError, TypeError, ValueError) as error:
            raise CheckpointCorruptError(f"the checkpoint lacks or garbles {error}") from error
        self._ring.take()
        self._unread.clear()
        self._unsent.clear()
        self._saved_at = None


def _rounded(value: float) -> float | None:
    """Six significant digits; what is not a number has no place in JSON."""
    return float(f"{value:.6g}") if math.isfinite(value) else None
