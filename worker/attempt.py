"""One attempt at one job: hand the work to a trainer, write down what it tells, end it when asked, say how it ended."""

from __future__ import annotations

import errno
import queue
import shutil
import signal
import threading
import time
from pathlib import Path
from typing import Any

import structlog

from models.states import Action, ErrorCode, EventType, Outcome, State
from stores.container import Stores
from stores.infra.errors import StaleFenceError
from stores.infra.failpoints import reach
from stores.jobs.transitions import Claim, Ending
from worker.device import Device, oom_kills
from worker.eta import Eta
from worker.lease import Lease
from worker.resource_stats import Lessons
from worker.retry import GivenUpError, patiently
from worker.spec import CannotStartError, build_spec
from worker.trainer import Message, Trainer
from worker.uploader import Uploader

log = structlog.get_logger(__name__)

LOG_LINES = 15
# The last words of libraries that end the process when they find no memory, in its log.
NO_MEMORY = ("memory allocation still failed", "bad_alloc", "out of memory")
# A trainer's word for a full disk. No fault of the job: it may run elsewhere, or here when there is room again.
NO_SPACE = "no_space"
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}

# What the supervisor was asked to do with the attempt, and how the attempt then ends.
INTENTS = {
    Action.cancel: Ending(Outcome.canceled, "canceled by request"),
    Action.pause: Ending(Outcome.paused, "paused by request"),
    "shutdown": Ending(Outcome.interrupted, "worker shut down; another attempt goes on from the checkpoint"),
}


class Attempt:
    """Runs a claim to its end. One thread writes; another keeps the lease, a third stores files."""

    def __init__(self, stores: Stores, device: Device, claim: Claim, trainer: Trainer, scratch: Path) -> None:
        self._stores = stores
        self._device = device
        self._claim = claim
        self._trainer = trainer
        self._scratch = scratch / f"{claim.job_id}-{claim.fence}"
        self._inbox: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self._over = threading.Event()
        # Set when it is over or asked to end: what is still being fetched for the trainer is not needed any more.
        self._halt = threading.Event()
        self._started = False  # before that, nothing is there that a checkpoint would keep
        self._intent: str | None = None
        self._kill_at: float | None = None
        self._eta = Eta()
        self._oom_before = oom_kills()
        self._uploader = Uploader(stores, claim)
        self._lessons = Lessons(stores, device, claim)
        self._began = time.monotonic()
        self._log = log.bind(job=claim.job_id, attempt=claim.attempt, fence=claim.fence)

    def interrupt(self) -> None:
        """Ask for a checkpoint and the end, so that another worker can go on. Safe in a signal handler."""
        self._inbox.put({"type": "wish", "wish": "shutdown"})
        self._halt.set()

    def run(self) -> State | None:
        """Run to the end. Returns the state of the job then, or None when somebody else has taken it over."""
        reach("claimed")
        lease = Lease(self._stores, self._claim, self._over, self._wished, self._lost)
        lease.start()
        try:
            ending = self._train()
            self._lessons.ended(ending)
            state = patiently(lambda: self._stores.jobs.finish(self._claim, ending), self._over)
            self._log.info("attempt_ended", outcome=ending.outcome, state=state, code=ending.code)
            return state
        except (StaleFenceError, GivenUpError):
            self._log.warning("attempt_taken_over")
            return None
        except Exception as error:
            # The one place where anything may arrive: whatever it is, the job must not be left hanging.
            self._log.exception("attempt_broke")
            ending = _broken(error)
            return patiently(lambda: self._stores.jobs.finish(self._claim, ending), self._over)
        finally:
            self._over.set()
            self._uploader.abandon()
            self._trainer.close()
            lease.join(timeout=5)
            shutil.rmtree(self._scratch, ignore_errors=True)

    # -- what happens to the trainer

    def _train(self) -> Ending:
        self._scratch.mkdir(parents=True, exist_ok=True)
        try:
            spec, warnings = build_spec(self._stores, self._claim, self._device, self._scratch, self._halt)
        except CannotStartError as error:
            return Ending(Outcome.failed, None, error.code, str(error))
        except GivenUpError:
            if self._over.is_set():
                raise
            return INTENTS[self._asked()]
        for warning in warnings:
            self._tell([(EventType.alert, {"code": "checkpoint_corrupt", "detail": warning})])
        self._trainer.begin(spec, self._inbox.put)
        while True:
            ending = self._handle(self._next())
            if ending is not None:
                return self._settle(ending)
            if self._uploader.failed is not None:
                return self._not_stored(self._uploader.failed)

    def _asked(self) -> str:
        """Return what was asked before there was a trainer to tell."""
        wishes = []
        while not self._inbox.empty():
            wishes.append(str(self._inbox.get_nowait().get("wish")))
        return Action.cancel if Action.cancel in wishes else wishes[0]

    def _next(self) -> Message:
        """Wait for the next message; when the trainer's time to stop is over, end it."""
        while True:
            timeout = None if self._kill_at is None else max(0.0, self._kill_at - time.monotonic())
            try:
                return self._inbox.get(timeout=timeout)
            except queue.Empty:
                self._log.warning("trainer_did_not_stop", pid=self._trainer.pid)
                self._kill_at = None
                self._trainer.kill()

    def _handle(self, message: Message) -> Ending | None:
        """Act on one message; return how the attempt ends when this was its last word."""
        kind = message.pop("type", None)
        match kind:
            case "metric" | "epoch" | "progress":
                if kind == "epoch":
                    self._lessons.epoch(message)
                self._progress(kind, message)
            case "file":
                self._uploader.add(message)
            case "memory":
                self._lessons.memory(message)
            case "log" | "alert":
                self._lessons.alert(message)
                if "back_to" in message:
                    patiently(lambda: self._stores.jobs.go_back(self._claim, int(message["back_to"])), self._over)
                self._tell([(kind, message)])
            case "started":
                self._started = True
                start = (int(message["start_step"]), str(message["device"]))
                patiently(lambda: self._stores.jobs.begin_attempt(self._claim, *start), self._over)
            case "wish":
                self._wish(message["wish"])
            case "taken_over":
                raise StaleFenceError(message["detail"])
            case _:
                return self._last_word(kind, message)
        return None

    def _last_word(self, kind: str | None, message: Message) -> Ending | None:
        match kind:
            case "done":
                return Ending(Outcome.succeeded, message.get("reason"))
            case "stopped":
                return self._stopped()
            case "failed":
                return self._failed(message)
            case "exit":
                return self._exited(int(message["code"]))
        return None

    def _wish(self, wish: str) -> None:
        """Pass a wish on to the trainer, once. A wish to cancel overrules what was wished before."""
        if self._intent is None and not self._started:
            # It may be preparing a data set, for minutes, and has nothing to write down.
            self._trainer.kill()
        elif self._intent is None:
            self._trainer.stop()
            self._kill_at = time.monotonic() + self._stores.settings.stop_grace_s
        if self._intent is None or wish == Action.cancel:
            self._intent = wish

    # -- what it tells

    def _progress(self, kind: str, message: Message) -> None:
        progress = message.pop("progress", None)
        message |= message.pop("means", {})  # an epoch event names each metric's mean beside its other figures
        eta = self._eta.update(progress["fraction"]) if progress else None
        self._tell([] if kind == "progress" else [(kind, message)], progress=progress, eta=eta)

    def _tell(self, news: list[tuple[str, dict[str, Any]]], **columns: Any) -> None:
        patiently(lambda: self._stores.jobs.progress(self._claim, news, **columns), self._over)

    # -- how it ends

    def _settle(self, ending: Ending) -> Ending:
        """Wait for the uploads that belong to the ending. Without them a success would be a claim without proof."""
        patience = None if ending.outcome is Outcome.succeeded else self._stores.settings.stop_grace_s
        if self._uploader.drain(patience) or self._uploader.failed is None:
            return ending
        lost = self._not_stored(self._uploader.failed)
        return lost if ending.outcome is Outcome.succeeded else ending

    def _not_stored(self, error: BaseException) -> Ending:
        if isinstance(error, StaleFenceError):
            raise error
        return Ending(Outcome.failed, None, ErrorCode.internal, f"an artifact could not be stored: {error}")

    def _stopped(self) -> Ending:
        if self._intent is not None:
            return INTENTS[self._intent]
        limit = self._claim.job["max_runtime_s"]
        if limit is None or self._claim.job["spent_s"] + time.monotonic() - self._began < limit:
            # Somebody else sent it a signal. It has written its checkpoint: nothing died.
            return Ending(Outcome.interrupted, "the trainer was told to stop; another attempt goes on")
        detail = f"stopped with a checkpoint after {limit} s of running (max_runtime_s)"
        return Ending(Outcome.failed, None, ErrorCode.max_runtime, detail)

    def _failed(self, message: Message) -> Ending:
        if message["code"] == NO_SPACE:
            return _disk_full(str(message["detail"]))
        try:
            code = ErrorCode(message["code"])
        except ValueError:
            code = ErrorCode.internal
        detail = str(message["detail"])
        if code is ErrorCode.internal:
            detail = self._with_log(detail)
        return Ending(Outcome.failed, None, code, detail)

    def _exited(self, code: int) -> Ending:
        """Tell what an exit without a last word means."""
        if self._intent is not None:
            # It did not write its checkpoint in time; the one before serves.
            return INTENTS[self._intent]
        if any(words in line.lower() for line in self._trainer.last_lines(LOG_LINES) for words in NO_MEMORY):
            detail = "the trainer found no memory and gave up; lower batch_size or width"
            return Ending(Outcome.failed, None, ErrorCode.out_of_memory, self._with_log(detail))
        if code >= 0:
            detail = self._with_log(f"the trainer exited with code {code} before its work was done")
            return Ending(Outcome.failed, None, ErrorCode.internal, detail)
        name = signal.Signals(-code).name if -code in set(signal.Signals) else str(-code)
        if -code == signal.SIGKILL and oom_kills() > self._oom_before:
            detail = "the machine ran out of memory and the kernel ended the trainer; lower batch_size or width"
            return Ending(Outcome.failed, None, ErrorCode.out_of_memory, self._with_log(detail))
        detail = self._with_log(f"the trainer was ended by {name}")
        return Ending(Outcome.crashed, f"trainer ended by {name}", ErrorCode.internal, detail)

    def _with_log(self, detail: str) -> str:
        lines = self._trainer.last_lines(LOG_LINES)
        return "\n".join([detail, *(["last log lines:", *lines] if lines else [])])

    # -- what its lease tells

    def _wished(self, action: Action) -> None:
        self._inbox.put({"type": "wish", "wish": str(action)})
        self._halt.set()

    def _lost(self, why: str) -> None:
        if self._over.is_set():
            return
        self._trainer.kill()
        self._inbox.put({"type": "taken_over", "detail": why})
        self._over.set()
        self._halt.set()


def _disk_full(detail: str) -> Ending:
    return Ending(Outcome.crashed, "the worker's disk is full", ErrorCode.internal, detail)


def _broken(error: Exception) -> Ending:
    """Tell how an attempt ends whose supervisor met an error that nobody foresaw."""
    detail = f"the worker met {type(error).__name__}: {error}"
    if isinstance(error, OSError) and error.errno in FULL:
        return _disk_full(detail)
    return Ending(Outcome.failed, None, ErrorCode.internal, detail)
