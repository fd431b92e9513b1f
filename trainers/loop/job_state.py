"""Everything that changes while a job trains: what a checkpoint holds, and how it is put back."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import torch

from models.messages import CheckpointFaults, Logs, Message
from trainers.loop import method_tensors, reactions
from trainers.loop.alarms import Alarms, Watched
from trainers.loop.budget import Budget
from trainers.loop.checkpoints import CheckpointMeta, Halving, Snapshot
from trainers.loop.early_stop import EarlyStop
from trainers.loop.epoch_clock import EpochClock
from trainers.loop.ground import Ground
from trainers.loop.looks import Looks
from trainers.loop.quality import FIGURES, Quality
from trainers.loop.step_metrics import StepMetrics
from trainers.process.errors import CheckpointCorruptError
from trainers.process.spec import as_values

if TYPE_CHECKING:
    from trainers.data.loader import Feed
    from trainers.loop.quality import Judge
    from trainers.methods import Method
    from trainers.process.reporter import Reporter
    from trainers.process.spec import TrainSpec

_GOOD = "good/"  # before the names of tensors of the state to go back to


class JobState:
    """A job's training so far, over all attempts. ``step`` counts iterations; the feed's sampler counts images."""

    def __init__(
        self,
        spec: TrainSpec,
        method: Method,
        reporter: Reporter,
        ground: Ground | None = None,
        judge: Judge | None = None,
    ) -> None:
        params, sampler = spec.params, method.feed.sampler
        self.spec = spec
        self.method = method
        self.ground = ground or Ground()
        self.step = 0
        self.budget = Budget(params, method)
        self.clock = EpochClock()
        # Recipes without labels to smooth, and classifiers, which have no warm-up of their own, lack the parameters.
        warmup = int(vars(params).get("d_warmup_steps", 0))
        watched = Watched(method.metrics, method.d_output, params.label_smoothing, warmup, params.warmup_images)
        self.alarms = Alarms(reporter, watched, reactions.actions(params))
        self.looks = Looks(method.live_look, sampler.batch_size)
        self.metrics = StepMetrics(method.metrics, method.feed.draws.device, reporter, self.alarms, self.looks)
        self.stop = EarlyStop(params.monitor, params.patience)
        self.quality = Quality(params, judge, reporter)
        self.halvings: list[Halving] = []  # where memory ran out
        # Where nothing was wrong, for alarms to go back to; only for jobs that ask for that.
        self.good: Snapshot | None = None

    @property
    def feed(self) -> Feed:
        """Where the real batches come from."""
        return self.method.feed

    @property
    def epoch(self) -> int:
        """The epoch that the last step belonged to, from 1; 0 before the first step."""
        return self.budget.epoch

    @property
    def ended(self) -> Message | None:
        """Why the training ends before its budget, or None."""
        if self.alarms.ended is not None:
            return Logs.stopped_by_alarm(alarm=self.alarms.ended)
        return self.stop.reason

    def snapshot(self, spare: dict[str, torch.Tensor]) -> Snapshot:
        """Copy everything that changes, into the ``spare`` tensors where they fit. All metrics must have been read."""
        # Weights, averages, optimizers: copied to the host, so that training can go on while the copy is written.
        tensors = method_tensors.copies(self.method, spare)
        metrics, clock, feed = self.metrics, self.clock, self.feed
        tensors["history"] = metrics.history.tensor()
        tensors["epoch_seconds"] = torch.tensor(clock.seconds_per_epoch, dtype=torch.float64)
        meta: CheckpointMeta = {
            # What the checkpoint is of.
            "recipe": self.spec.recipe,
            "params": as_values(self.spec.params),
            "dataset": self.spec.dataset.name,
            "data_digest": self.ground.data_digest,
            "shape": list(feed.shape),
            "classes": list(self.spec.dataset.classes),
            # Where the training is, and which random numbers come next.
            "seed": feed.draws.seed,
            "salt": feed.draws.salt,
            "step": self.step,
            "epoch": self.epoch,
            "epochs_done": clock.epochs_done,
            "images": feed.sampler.seen,
            "place": feed.state(),
            "halvings": self.halvings,
            # What the last bits of the weights depend on.
            "threads": torch.get_num_threads(),
            "precision": self.method.precision,
            "torch": torch.__version__,
            "device": feed.draws.device.type,
            "identity": dict(self.ground.identity),
            # Counters.
            "means": {"sums": metrics.means.sums, "count": metrics.means.count},
            "history": metrics.history.state(),
            "stop": self.stop.state(),
            "quality": self.quality.state(),
            "watch": self.alarms.state(),
            "alerts": list(self.alarms.codes),
            "seconds": clock.seconds,
            "epoch_began": list(clock.began),
        }
        tensors.update(self.looks.tensors())
        if self.good is not None:
            # A run that is interrupted goes back to the same step as one that is not.
            tensors.update({f"{_GOOD}{name}": value for name, value in self.good.tensors.items()})
            meta["good"] = dict(self.good.meta)
        return Snapshot(tensors, meta)

    def note_good(self) -> None:
        """Remember the present state as the one to go back to. All metrics must have been read."""
        self.good = None
        self.good = self.snapshot({})

    def restore(self, snapshot: Snapshot, salt: int | None = None) -> None:
        """Continue from a snapshot, with its own random draws, or with those of another ``salt``.

        Raises:
            CheckpointCorruptError: it is incomplete, or belongs to other networks.
        """
        tensors, meta = snapshot.tensors, snapshot.meta
        # The state of optimizers will be in other tensors.
        self.method.graphs.forget()
        try:
            method_tensors.restore(self.method, tensors)
            self.step = meta["step"]
            began_s, began_images = meta["epoch_began"]
            self.clock.restore(
                meta["epochs_done"], tensors["epoch_seconds"].tolist(), meta["seconds"], (began_s, int(began_images))
            )
            self.metrics.means.restore(list(meta["means"]["sums"]), meta["means"]["count"])
            self.metrics.history.restore(tensors["history"], meta["history"])
            self.stop.restore(meta["stop"])
            # Checkpoints of earlier versions lack it. Another extractor's figures are no measure for those to come.
            if "quality" in meta and not self.quality.restore(meta["quality"]) and self.stop.monitor in FIGURES:
                self.stop.forget()
            self.alarms.restore(meta["watch"])
            self.alarms.codes = list(meta["alerts"])
            self.looks.restore(tensors)
            self.good = _good(snapshot)
            self.feed.restore(meta["place"], meta["salt"] if salt is None else salt)
            self.halvings = list(meta["halvings"])
            # The budget may have been changed for this attempt, and the batch is the checkpoint's.
            self.budget.plan(self.step)
        except (KeyError, TypeError, ValueError) as error:
            raise CheckpointCorruptError(CheckpointFaults.incomplete(error=str(error))) from error
        self.metrics.discard()


def _good(snapshot: Snapshot) -> Snapshot | None:
    """Return the state to go back to that a checkpoint holds, if it holds one."""
    meta = snapshot.meta.get("good")
    if meta is None:
        return None
    named = {name: value for name, value in snapshot.tensors.items() if name.startswith(_GOOD)}
    return Snapshot({name[len(_GOOD) :]: value for name, value in named.items()}, cast("CheckpointMeta", meta))
