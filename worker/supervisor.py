"""The supervisor of one device: registers, sends heartbeats, keeps a trainer ready, and runs job after job."""

from __future__ import annotations

import threading

import structlog
from sqlalchemy.exc import SQLAlchemyError

from models.states import DeviceClass
from stores.container import Stores
from stores.jobs.transitions import Claim
from worker.attempt import Attempt
from worker.device import Device
from worker.scratch import Scratch
from worker.trainer import Spare

log = structlog.get_logger(__name__)


class Supervisor:
    """Everything that lasts as long as the worker process."""

    def __init__(self, stores: Stores, device: Device) -> None:
        settings = stores.infra.settings
        self._stores = stores
        self._device = device
        self._spare = Spare(device, settings.trainer_python, ahead=settings.spare_trainer and device.keeps_spare)
        self._scratch = Scratch(settings.home)
        self._stopping = threading.Event()
        self._started = threading.Event()
        self._draining = False
        self._attempt: Attempt | None = None
        self._worker_id = ""
        self._heart = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def start(self) -> None:
        """Start the first trainer, register, and start the heartbeat. Waits for the database if it is away."""
        self._spare.prepare()
        self._scratch.open()
        self._heart.start()

    def work(self) -> None:
        """Run jobs until none is left. Called for every message from the broker; a surplus message finds nothing."""
        self._started.wait()
        while not self._stopping.is_set() and not self._draining:
            try:
                room = self._device.room()
                queue = self._stores.infra.settings.queue
                claim = self._stores.jobs.claim(
                    queue, self._worker_id, self._device.name, room, self._units, given_up=self._stopping.is_set
                )
            except SQLAlchemyError:
                # The sweeper sends a new message when the database is back.
                log.exception("claim_failed")
                return
            if claim is None:
                return
            self._run(claim)
            if not self._stopping.is_set():
                self._spare.prepare()

    @property
    def _units(self) -> bool | None:
        """Whether jobs that began in bfloat16 on a processor can go on here; None: unknown, they may try."""
        return self._spare.units if self._device.kind is DeviceClass.cpu else None

    def _facts(self) -> dict[str, object]:
        return {**self._device.facts(), "bfloat16": self._units}

    def _run(self, claim: Claim) -> None:
        with self._spare.lend() as trainer:
            self._attempt = Attempt(self._stores, self._device, claim, trainer, self._scratch.path)
            if self._stopping.is_set():
                self._attempt.interrupt()
            try:
                self._attempt.run()
            finally:
                self._attempt = None

    def stop_soon(self) -> None:
        """Take no more jobs, and give the running one back with a checkpoint. Safe in a signal handler."""
        self._stopping.set()
        attempt = self._attempt
        if attempt is not None:
            attempt.interrupt()

    def close(self) -> None:
        """Shut down: end the waiting trainer, and mark this worker as stopped."""
        self._stopping.set()
        self._spare.close()
        try:
            if self._worker_id:
                self._stores.fleet.workers.stop(self._worker_id)
        except SQLAlchemyError:
            log.warning("goodbye_not_written", worker=self._worker_id)
        self._scratch.close()
        self._stores.close()

    def _beat(self) -> None:
        """Register, then send a heartbeat every few seconds, and keep a trainer ready."""
        settings = self._stores.infra.settings
        name = settings.worker_name or f"{settings.queue}-{self._device.uuid or self._device.name}"
        while not self._stopping.is_set():
            try:
                if not self._worker_id:
                    self._worker_id = self._stores.fleet.workers.register(name, settings.queue, self._facts())
                    log.info("worker_registered", worker=self._worker_id, queue=settings.queue)
                    self._started.set()
                    # Jobs may have been waiting since before this worker started.
                    self._stores.infra.bell.ring(settings.queue)
                was_draining = self._draining
                self._draining = self._stores.fleet.workers.beat(self._worker_id, self._facts())
                if was_draining and not self._draining:
                    # Messages that came in the meantime were ignored.
                    self._stores.infra.bell.ring(settings.queue)
                self._spare.prepare()
            except SQLAlchemyError as error:
                log.warning("heartbeat_failed", error=str(error).splitlines()[0][:200])
            self._stopping.wait(settings.renew_s if self._started.is_set() else 0.5)
