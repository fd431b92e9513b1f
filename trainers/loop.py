"""The training loop that all recipes share: steps, metrics, grids, checkpoints, and going back once."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any

import torch

from trainers import devices, state
from trainers.budget import Budget
from trainers.cadence import CheckpointDefault, Every
from trainers.checkpoints import Snapshot
from trainers.errors import CheckpointCorruptError, DivergedError
from trainers.gallery import Gallery
from trainers.meters import History, Means, Ring
from trainers.spec import as_values
from trainers.stopping import EarlyStop
from trainers.watch import Watch
from trainers.writer import CheckpointWriter

if TYPE_CHECKING:
    from trainers.feed import Feed
    from trainers.method import Method
    from trainers.reporter import Reporter
    from trainers.spec import TrainSpec

# Two metric lines a second look live to a person; each costs the service a transaction on the cores that train.
_SEND_EVERY_S = 0.5


class NotANumberError(Exception):
    """A metric or a weight stopped being a number; carries the step and its metrics."""

    def __init__(self, step: int, values: dict[str, float | None]) -> None:
        super().__init__(step)
        self.step = step
        self.values = values


class Loop:
    """One attempt. ``step`` counts iterations done since the beginning of the job, ``feed`` the images."""

    def __init__(self, spec: TrainSpec, method: Method, feed: Feed, reporter: Reporter) -> None:
        now = time.monotonic()
        params = spec.params
        self.spec, self.method, self.feed, self.reporter = spec, method, feed, reporter
        self.budget = Budget(params, method, feed)
        self.gallery = Gallery(params, method, feed, reporter, spec.scratch)
        self.writer = CheckpointWriter(spec.scratch, reporter)
        self.watch = Watch(reporter, method.iterations(feed.per_pass))
        self.stop = EarlyStop(params.monitor, params.patience)
        self.device_name = devices.name(feed.draws.device)
        self.step = 0
        self.epochs_done = 0
        self.epoch_seconds: list[float] = []
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
        self._saved_at: int | None = None
        self._began = now
        self._seconds_before = 0.0
        self._epoch_began_s = 0.0
        self._epoch_began_images = 0

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
        except NotANumberError as bad:
            self._go_back(bad)
            return None
        return finished

    def _train(self) -> bool:
        limit = self.spec.stop_after_s
        while self.step < self.budget.steps and self.stop.reason is None:
            if self.reporter.should_stop() or (limit is not None and time.monotonic() - self._began >= limit):
                return False
            self._one_step()
        return True

    def _one_step(self) -> None:
        self._ring.add(self.method.step(self.step, self.feed))
        self.step += 1
        now = time.monotonic()
        epoch = self.feed.passes if self.feed.passes > self.epochs_done else None
        # The first step is always recorded, so that watchers see life at once.
        recorded = self._metrics_every.due(self.step, epoch, now) or self.step == 1
        self._unread.append((self.step, self.feed.seen, recorded))
        grid = self._grid_every.due(self.step, epoch, now)
        save = self._checkpoint_every.due(self.step, epoch, now)
        if epoch is not None or self._ring.full or now - self._sent_at >= _SEND_EVERY_S:
            self._read()
            if now - self._sent_at >= _SEND_EVERY_S:
                self._send()
        best = self._end_epoch(epoch) if epoch is not None else False
        if grid:
            self.watch.grid(self.step, self.epochs_done, self.gallery.fakes(self.step, self.epoch))
        if save or best:
            self._checkpoint(best=best)

    @property
    def epoch(self) -> int:
        """The epoch that the last step belonged to, from 1; 0 before the first step."""
        return math.ceil(self.feed.drawn / self.feed.per_pass)

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
        self.reporter.metric(self.epoch, steps, values, self.budget.progress(self.step, self.feed))
        self._unsent.clear()
        self._sent_at = time.monotonic()

    def _end_epoch(self, epoch: int) -> bool:
        """Report the epoch that ended; tell whether it is the best so far."""
        means = self._named(self._means.take())
        elapsed = self.seconds
        seconds, images = elapsed - self._epoch_began_s, self.feed.seen - self._epoch_began_images
        self._epoch_began_s, self._epoch_began_images = elapsed, self.feed.seen
        self.epochs_done = epoch
        self.epoch_seconds.append(seconds)
        rounded = {name: float(f"{value:.6g}") for name, value in means.items()}
        self.reporter.epoch(epoch, self.feed.seen, seconds, images / max(seconds, 1e-9), self.device_name, rounded)
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
            "shape": list(self.feed.images.shape[1:]),
            "seed": self.feed.draws.seed,
            "salt": self.feed.draws.salt,
            "step": self.step,
            "epoch": self.epoch,
            "epochs_done": self.epochs_done,
            "images": self.feed.seen,
            "threads": torch.get_num_threads(),
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
            self.method.salt(meta["salt"] if salt is None else salt)
            self.feed.go_to(meta["images"] // self.feed.batch_size, meta["salt"] if salt is None else salt)
        except (KeyError, TypeError, ValueError) as error:
            raise CheckpointCorruptError(f"the checkpoint lacks or garbles {error}") from error
        self._ring.take()
        self._unread.clear()
        self._unsent.clear()
        self._saved_at = None


def _rounded(value: float) -> float | None:
    """Six significant digits; what is not a number has no place in JSON."""
    return float(f"{value:.6g}") if math.isfinite(value) else None
