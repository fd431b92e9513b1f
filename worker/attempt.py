"""One attempt at a job: starts a trainer on it, stores what the trainer reports, ends it on request, and records how
it ended.
"""

from __future__ import annotations

import queue
import shutil
import signal
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import assert_never

import structlog

from models import wire
from models.messages import Message
from models.states import Action, EventType, JobKind, Outcome, State
from stores.container import Stores
from stores.infra.errors import StaleFenceError
from stores.infra.failpoints import reach
from stores.jobs.transitions import Claim, Ending
from worker import endings, event_data
from worker.device import Device, oom_kills
from worker.endings import AS_REQUESTED, Request
from worker.eta import Eta
from worker.event_data import Event
from worker.lease import Lease
from worker.log_lines import line_of
from worker.log_writer import LogWriter
from worker.outages import GivenUpError, patiently
from worker.redaction import Redactor
from worker.resource_stats import ResourceStats
from worker.spec import CannotStartError, build_spec
from worker.stalls import StallWatch, process_state
from worker.telemetry import Sampler, Telemetry
from worker.trainer import DEATH_S, Exited, News, Trainer, Unreadable
from worker.uploader import Uploader

log = structlog.get_logger(__name__)

LOG_LINES = 15


@dataclass(frozen=True)
class TakenOver:
    """The lease was lost: the job belongs to another worker now."""

    why: Message


@dataclass(frozen=True)
class Silent:
    """The trainer shows no progress, or showed none when this was written."""


class Attempt:
    """Runs a claimed job to its end.

    One thread writes events, one the log, one renews the lease, one uploads files, and one looks whether the trainer
    makes progress.
    """

    def __init__(self, stores: Stores, device: Device, claim: Claim, trainer: Trainer, scratch: Path) -> None:
        self._stores = stores
        self._device = device
        self._claim = claim
        self._trainer = trainer
        self._scratch = scratch / f"{claim.job_id}-{claim.fence}"
        self._inbox: queue.SimpleQueue[News | Request | TakenOver | Silent] = queue.SimpleQueue()
        self._over = threading.Event()
        # Set when the attempt is over or asked to end: downloads for the trainer are no longer needed.
        self._halt = threading.Event()
        self._started = False  # before that, a checkpoint would have nothing to save
        self._request: Request | None = None
        self._result: dict[str, object] | None = None
        self._kill_at: float | None = None
        self._dead_at: float | None = None  # when a killed trainer must have ended
        self._stalled: Ending | None = None  # once it was killed for it
        self._eta = Eta()
        self._oom_before = oom_kills()
        self._uploader = Uploader(stores, claim)
        self._redactor = Redactor.of(stores.infra.settings)
        self._text = LogWriter(stores, claim, self._redactor)
        self._lessons = ResourceStats(stores, device, claim)
        stall_s = stores.infra.settings.stall_s
        self._watch = StallWatch(trainer.pid, stall_s, self._over, lambda: self._inbox.put(Silent()))
        sampler = Sampler(trainer.pid, device.gpu_now)
        self._telemetry = Telemetry(sampler, lambda wh: stores.jobs.used_energy(claim, wh), self._over)
        self._began = time.monotonic()
        self._log = log.bind(job=claim.job_id, attempt=claim.attempt, fence=claim.fence)

    def interrupt(self) -> None:
        """Request a last checkpoint and the end, so that another worker can continue. Safe in a signal handler."""
        self._inbox.put(Request.shutdown)
        self._halt.set()

    def run(self) -> State | None:
        """Run to the end. Returns the state of the job then, or None when somebody else has taken it over."""
        reach("claimed")
        lease = Lease(self._stores, self._claim, self._over, self._wished, self._lost)
        lease.start()
        try:
            ending = self._train()
            self._lessons.ended(ending)
            self._telemetry.store()
            self._trainer.settle_log()
            self._text.close(self._scratch)
            state = patiently(lambda: self._stores.jobs.finish(self._claim, ending), self._over)
            self._log.info("attempt_ended", outcome=ending.outcome, state=state, code=ending.code)
            return state
        except (StaleFenceError, GivenUpError):
            self._log.warning("attempt_taken_over")
            return None
        except Exception as error:
            # The only place that catches every error: whatever it is, the job must not be left running.
            self._log.exception("attempt_broke")
            ending = endings.broken(error)
            return patiently(lambda: self._stores.jobs.finish(self._claim, ending), self._over)
        finally:
            self._over.set()
            self._uploader.abandon()
            self._text.abandon()
            self._trainer.close()
            lease.join(timeout=5)
            shutil.rmtree(self._scratch, ignore_errors=True)

    # -- the trainer's life

    def _train(self) -> Ending:
        self._scratch.mkdir(parents=True, exist_ok=True)
        try:
            spec, warnings = build_spec(self._stores, self._claim, self._device, self._scratch, self._halt)
        except CannotStartError as error:
            return Ending(Outcome.failed, None, error.code, error.message)
        except GivenUpError:
            if self._over.is_set():
                raise
            return AS_REQUESTED[self._requested()]
        for warning in warnings:
            data: dict[str, object] = {"code": "checkpoint_corrupt", "detail": str(warning), "text": warning.as_json()}
            self._write([(EventType.alert, data)])
        self._watch.start()
        self._telemetry.start()
        self._trainer.begin(spec, self._hear, self._text.add)
        while True:
            ending = self._handle(self._noted(self._next()))
            if ending is not None:
                return self._settle(ending)
            if self._uploader.failed is not None:
                return self._not_stored(self._uploader.failed)

    def _requested(self) -> Request:
        """Return the request that came before the trainer started. Cancel overrides the others."""
        requests: list[Request] = []
        while not self._inbox.empty():
            news = self._inbox.get_nowait()
            if isinstance(news, Request):
                requests.append(news)
        return Request.cancel if Request.cancel in requests else requests[0]

    def _hear(self, news: News) -> None:
        """Take a message of the trainer. Signs of life count from when they come in, however long others wait here."""
        self._watch.hear(news)
        self._inbox.put(news)

    def _next(self) -> News | Request | TakenOver | Silent:
        """Wait for the next message. End the trainer when its time to stop is over."""
        while True:
            until = self._kill_at if self._dead_at is None else self._dead_at
            try:
                return self._inbox.get(timeout=None if until is None else max(0.0, until - time.monotonic()))
            except queue.Empty:
                if self._dead_at is not None:
                    # The kernel does not let it go before a disk or a device answers. The job need not wait for that.
                    self._log.error("trainer_does_not_die", pid=self._trainer.pid)
                    return Exited(-signal.SIGKILL)
                self._log.warning("trainer_did_not_stop", pid=self._trainer.pid)
                self._kill()

    def _kill(self) -> None:
        self._dead_at = time.monotonic() + DEATH_S
        self._trainer.kill()

    def _noted(self, news: News | Request | TakenOver | Silent) -> News | Request | TakenOver | Silent:
        """Return a message without secrets; what it says stands in the log too."""
        match news:
            case wire.Log() | wire.Alert() | wire.Done() | wire.Failed():
                news = self._redactor.message(news)
            case Unreadable():
                news = Unreadable(self._redactor.text(news.detail))
        if (line := line_of(news)) is not None:
            self._text.add([line])
        return news

    def _handle(self, news: News | Request | TakenOver | Silent) -> Ending | None:
        """Handle one message. Return how the attempt ends if this was the last one."""
        match news:
            case wire.Ready() | wire.Alive():
                pass
            case wire.Started():
                self._begin(news)
            case wire.Metric() | wire.Epoch() | wire.ProgressUpdate():
                self._progress(news)
            case wire.File():
                self._uploader.add(news)
            case wire.Memory() | wire.Result() | wire.Quality():
                self._measured(news)
            case wire.Log():
                self._write([event_data.of_log(news)])
            case wire.Alert():
                self._alert(news)
            case Request() | Silent() | TakenOver():
                self._interfere(news)
            case _:
                return self._last_word(news)
        return None

    def _interfere(self, news: Request | Silent | TakenOver) -> None:
        """Handle what did not come from the trainer."""
        match news:
            case Request():
                self._ask(news)
            case Silent():
                self._end_stall()
            case TakenOver():
                raise StaleFenceError(news.why)

    def _last_word(self, news: wire.Done | wire.Stopped | wire.Paused | wire.Failed | Unreadable | Exited) -> Ending:
        match news:
            case wire.Done():
                reason = None if news.reason is None else endings.received(news.reason, news.text)
                return Ending(Outcome.succeeded, reason, result=self._result, alarm=news.alarm)
            case wire.Stopped():
                return self._stopped()
            case wire.Paused():
                return endings.paused_by_alarm(news.alarm) if self._request is None else AS_REQUESTED[self._request]
            case wire.Failed():
                return endings.failed(news, self._log_lines)
            case Unreadable():
                self._trainer.kill()
                return endings.unreadable(news.detail, self._log_lines)
            case Exited():
                return self._exited(news.code)
        assert_never(news)

    def _ask(self, request: Request) -> None:
        """Pass a request on to the trainer, once. Cancel overrides earlier requests."""
        if self._request is None and not self._started:
            # It may be preparing a data set, which takes minutes, and has nothing to save.
            self._kill()
        elif self._request is None:
            self._trainer.stop()
            self._kill_at = time.monotonic() + self._stores.infra.settings.stop_grace_s
        if self._request is None or request is Request.cancel:
            self._request = request

    def _end_stall(self) -> None:
        """Raise the alert and kill a trainer that makes no progress, after it has told what its threads are doing."""
        # A trainer that was asked to stop is killed when its time for that is over.
        stall = self._watch.stall()
        if stall is None or self._stalled is not None or self._request is not None:
            return
        self._log.warning("trainer_stalled", pid=self._trainer.pid, **vars(stall))
        self._write([event_data.of_stall(stall)])
        state = process_state(self._trainer.pid)
        stacks = [self._redactor.text(line) for line in self._trainer.dump_stacks()]
        self._stalled = endings.stalled(stall, state, stacks)
        self._kill()

    # -- messages of the trainer

    def _begin(self, message: wire.Started) -> None:
        self._started = True
        begun, needs = (self._claim, message.start_step, message.device), message.needs_units
        patiently(lambda: self._stores.jobs.begin_attempt(*begun, needs_units=needs), self._over)

    def _progress(self, message: wire.Metric | wire.Epoch | wire.ProgressUpdate) -> None:
        """Store the progress, and the event of a metric or an epoch."""
        if isinstance(message, wire.Epoch):
            self._lessons.epoch(message)
        events, progress = event_data.of_progress(message), message.progress
        if isinstance(message, wire.Metric) and message.steps:
            events += event_data.of_readings(message, self._telemetry.take())
        eta = self._eta.update(progress.fraction)
        patiently(
            lambda: self._stores.jobs.progress(self._claim, events, progress=dict(vars(progress)), eta=eta), self._over
        )

    def _measured(self, message: wire.Memory | wire.Result | wire.Quality) -> None:
        match message:
            case wire.Memory():
                self._lessons.memory(message)
            case wire.Result():
                # It is stored when the attempt ends: an unfinished job has no result.
                self._result = message.values
                self._note_extractor(message.values.get("extractor"))
            case wire.Quality(ratio, extractor):
                patiently(lambda: self._stores.jobs.measured(self._claim, ratio, extractor), self._over)

    def _note_extractor(self, told: object) -> None:
        """Write down what an extractor was found to be, for the view of its data set."""
        match told:
            case {"name": str(name), "sha256": str(sha256), "accuracy": float() | None as accuracy}:
                patiently(lambda: self._stores.judging.extractors.note(name, sha256, accuracy), self._over)

    def _alert(self, alert: wire.Alert) -> None:
        self._lessons.alert(alert)
        if (step := alert.back_to) is not None:
            # Not-a-number and too little memory lead back without anybody having asked for it.
            alarm = None if alert.action is None else alert.code
            patiently(lambda: self._stores.jobs.go_back(self._claim, step, alarm), self._over)
        self._write([event_data.of_alert(alert)])

    def _write(self, events: Sequence[Event]) -> None:
        patiently(lambda: self._stores.jobs.progress(self._claim, events), self._over)

    # -- the end

    @property
    def _log_lines(self) -> list[str]:
        return [self._redactor.text(line) for line in self._trainer.last_lines(LOG_LINES)]

    def _settle(self, ending: Ending) -> Ending:
        """Wait for the uploads: a job must not succeed before its files are stored."""
        patience = None if ending.outcome is Outcome.succeeded else self._stores.infra.settings.stop_grace_s
        if self._uploader.drain(patience) or self._uploader.failed is None:
            return ending
        lost = self._not_stored(self._uploader.failed)
        return lost if ending.outcome is Outcome.succeeded else ending

    def _not_stored(self, error: BaseException) -> Ending:
        if isinstance(error, StaleFenceError):
            raise error
        return endings.not_stored(error)

    def _stopped(self) -> Ending:
        if self._request is not None:
            return AS_REQUESTED[self._request]
        limit = self._claim.job["max_runtime_s"]
        if limit is None or self._claim.job["spent_s"] + time.monotonic() - self._began < limit:
            return endings.TOLD_TO_STOP
        return endings.max_runtime(limit, JobKind(self._claim.job["kind"]))

    def _exited(self, code: int) -> Ending:
        """Return the ending for an exit without a last message."""
        if self._request is not None:
            # It did not write its checkpoint in time, so the previous one is used.
            return AS_REQUESTED[self._request]
        if self._stalled is not None:
            return self._stalled
        return endings.exited(
            code,
            self._log_lines,
            killed_for_memory=oom_kills() > self._oom_before,
            ran_out_of_memory=self._trainer.ran_out_of_memory,
        )

    # -- called by the lease

    def _wished(self, action: Action) -> None:
        self._inbox.put(Request(action.value))
        self._halt.set()

    def _lost(self, why: Message) -> None:
        if self._over.is_set():
            return
        self._trainer.kill()
        self._inbox.put(TakenOver(why))
        self._over.set()
        self._halt.set()
