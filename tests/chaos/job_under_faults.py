"""One job and what it has to go through: each fault at its point, the repair, and how long it took to go on."""

from __future__ import annotations

import random
import time
from contextlib import suppress
from dataclasses import dataclass, field

import psutil

from models.states import TERMINAL
from tests.chaos.faults import VIOLENCE, Fault
from tests.chaos.follower import Follower
from tests.chaos.invariants import violations
from tests.chaos.running_stack import SUPERVISORS, World, resume

COME_S = 60.0  # for a job to come to a point
END_S = 90.0  # for a job to end after its last fault
FREEZE = 1.5  # leases
SMALL_FILE = 4096


@dataclass(frozen=True)
class Everybody:
    """An operator without a key, who sees all jobs."""

    owner: str = "chaos"
    key_id: None = None
    reads: None = None


@dataclass
class Injury:
    """A fault as it was done. `recovery`: seconds from then (a server's: from its return) until the job went on."""

    fault: Fault
    done: bool = False
    recovery: float | None = None


@dataclass
class Result:
    """What became of one job."""

    name: str
    injuries: list[Injury]
    job_id: str = ""
    seconds: float = 0.0
    violations: list[str] = field(default_factory=list)


class Ordeal:
    """Puts one job through its faults."""

    def __init__(self, world: World, rng: random.Random, name: str, faults: list[Fault]) -> None:
        self._world = world
        self._rng = rng
        self._result = Result(name, [Injury(fault) for fault in faults])
        self._since = 0.0
        self._anew = False  # whether the job goes on with its next attempt, and not before
        self._follower: Follower

    def run(self, calm: dict[str, str]) -> Result:
        """Run it and look whether everything is as it must be."""
        began = time.monotonic()
        world, injuries = self._world, self._result.injuries
        self._prepare(injuries[0].fault)
        self._follower = Follower(world.url, world.key, self._result.name)
        for number, injury in enumerate(injuries):
            if number:
                self._prepare(injury.fault)
            injury.done = self._meet(injury.fault)
            if not injury.done:
                world.free()
            if not self._wait(lambda: self._follower.job_id or self._follower.error, END_S) or self._follower.error:
                break
            if injury.done:
                injury.recovery = self._wait(self._went_on, END_S)
            world.mend()
        world.mend()
        job_id = self._result.job_id = self._follower.job_id
        if job_id:
            self._wait(self._ended, END_S)
        trouble = self._follower.finish(30)
        self._result.violations = [*([f"2: {trouble}"] if trouble else []), *violations(world, self._follower, calm)]
        self._result.seconds = time.monotonic() - began
        return self._result

    # -- coming to the point

    def _prepare(self, fault: Fault) -> None:
        world = self._world
        match fault.point:
            case "training" | "purging":
                pass
            case "committing" | "ringing":
                world.arm(fault.point, [process.pid for process in world.tree("api")])
            case "expiring":
                world.arm(fault.point, [world.child("sweeper").pid or 0])
            case _:
                world.arm(fault.point, [world.child(name).pid or 0 for name in SUPERVISORS])

    def _meet(self, fault: Fault) -> bool:
        """Wait until the job is at the point and do it. False: the job came to its end before."""
        world = self._world
        if fault.point == "expiring":
            holder = self._wait(self._training, COME_S)
            if not holder or self._ended():
                return False
            world.kill(str(holder))
        if fault.point == "purging" and not (self._wait(self._training, COME_S) and self._purge_another()):
            return False
        if fault.point == "training":
            standing = None
            if not self._wait(self._training, COME_S) or self._ended():
                return False
            time.sleep(self._rng.uniform(0, 0.5))  # the fault is to fall anywhere
        else:
            self._wait(lambda: world.halted(fault.point) or self._ended() or self._follower.error, COME_S)
            standing = world.halted(fault.point)
            if standing is None:
                return False
        if fault.point == "training":
            holder = world.holder(self._follower.job_id)
        else:
            holder = next((name for name in SUPERVISORS if world.child(name).pid == standing), None)
        if holder is None and fault.target in {"trainer", "supervisor"}:
            return False
        self._inflict(fault, standing, holder or SUPERVISORS[0])
        return True

    def _purge_another(self) -> bool:
        """Delete the oldest job of the series for good, in whose middle the sweeper stops. False: there is none."""
        query = "SELECT id FROM jobs WHERE finished_at IS NOT NULL AND trashed_at IS NULL AND name <> %s ORDER BY id"
        oldest = self._world.ask(lambda: self._world.scalar(query, self._result.name))
        if oldest is None:
            return False
        self._world.arm("purging", [self._world.child("sweeper").pid or 0])
        self._world.ask(lambda: self._world.stores.jobs.trash.purge(str(oldest), Everybody()))
        return True

    def _training(self) -> str | None:
        """Return the supervisor of the job once steps are counted; any text when it has ended."""
        if not self._follower.job_id:
            return None
        job = self._world.ask(lambda: self._world.stores.queries.jobs.job(self._follower.job_id, None))
        if job["state"] in TERMINAL:
            return "ended"
        moving = job["state"] == "running" and (job["progress"] or {}).get("step", 0) > 0
        return self._world.holder(self._follower.job_id) if moving else None

    # -- doing it

    def _inflict(self, fault: Fault, standing: int | None, holder: str) -> None:
        part = holder if fault.target == "supervisor" else fault.target
        # A supervisor that was told to stop still tells how it stops, and what a frozen trainer had said comes in.
        self._anew = fault.target == "supervisor" or fault.action == "freeze for good"
        self._since = time.time()
        if fault.action in VIOLENCE and fault.target == "trainer":
            self._hurt_trainer(fault.action, holder, standing)
        elif fault.action in VIOLENCE:
            self._hurt(fault.action, part, standing)
        else:
            self._trouble(fault.action, part, holder, standing)
        self._go_on(standing)

    def _hurt(self, action: str, part: str, standing: int | None) -> None:
        match action:
            case "kill":
                self._world.kill(part)
                self._bring_back(part, standing)
            case "terminate":
                self._world.terminate(part)
                self._bring_back(part, standing)
            case "freeze":
                self._freeze(part, standing)

    def _hurt_trainer(self, action: str, holder: str, standing: int | None) -> None:
        trainers = self._trainers(holder)
        for trainer in trainers:
            with suppress(psutil.NoSuchProcess):
                {"kill": trainer.kill, "terminate": trainer.terminate, "freeze": trainer.suspend}[action]()
        if action == "freeze":
            self._go_on(standing)
            time.sleep(self._world.lease_s * FREEZE)  # longer than the lease
            for trainer in trainers:
                with suppress(psutil.NoSuchProcess):
                    trainer.resume()
            self._since = time.time()

    def _trouble(self, action: str, part: str, holder: str, standing: int | None) -> None:
        world = self._world
        match action:
            case "forget all":
                world.flush()
            case "ring thrice":
                for _ in range(3):
                    world.stores.infra.bell.ring("cpu", self._follower.job_id or None)
            case "refuse writes":
                with world.refusing():
                    self._go_on(standing)
                    time.sleep(2)  # for which it refuses
                self._since = time.time()
            case "fill disk":
                self._fill_disk(holder)
            case "freeze for good":
                for trainer in self._trainers(holder):
                    with suppress(psutil.NoSuchProcess):
                        trainer.suspend()
            case "kill everything":
                self._go_on(standing)
                world.kill_everything()
                self._since = time.time()
            case "kill beside a second sweeper":
                world.launch("sweeper-2")
                world.kill(part)
                world.launch(part)

    def _go_on(self, standing: int | None) -> None:
        if standing is not None:
            resume(standing)

    def _bring_back(self, part: str, standing: int | None) -> None:
        """Start a part again; a server after a while, in which the others meet its absence."""
        if part in {"broker", "database", "object store"}:
            self._go_on(standing)
            time.sleep(self._rng.uniform(0.2, 1.5))  # for which it is away
            self._world.launch(part)
            self._since = time.time()
        else:
            self._world.launch(part)

    def _freeze(self, part: str, standing: int | None) -> None:
        """Let a part hang for longer than a lease; whoever stands at the point goes on, unless it is that part."""
        world = self._world
        world.freeze(part)
        if standing is not None and standing not in {process.pid for process in world.tree(part)}:
            resume(standing)
        time.sleep(world.lease_s * FREEZE)  # longer than the lease
        world.thaw(part)
        if part not in SUPERVISORS:
            self._since = time.time()

    def _trainers(self, holder: str) -> list[psutil.Process]:
        parent = self._world.child(holder).pid
        return [trainer for trainer in self._world.trainers() if _parent(trainer) == parent]

    def _fill_disk(self, holder: str) -> None:
        """Let no file of the trainer grow: to its writer that is a full disk, and the machine keeps its own."""
        for trainer in self._trainers(holder):
            with suppress(psutil.NoSuchProcess):
                trainer.rlimit(psutil.RLIMIT_FSIZE, (SMALL_FILE, SMALL_FILE))

    # -- what follows

    def _went_on(self) -> float | None:
        """Return after how many seconds the job told of a next step, or of its end."""
        # An alert tells that it does not go on.
        told = "FALSE" if self._anew else "type NOT IN ('state', 'alert')"
        query = (
            "SELECT extract(epoch FROM min(at)) FROM events WHERE job_id = %s AND at > to_timestamp(%s)"
            f" AND ({told} OR data->>'to' IN ('running', 'succeeded', 'failed', 'canceled'))"
        )
        at = self._world.ask(lambda: self._world.scalar(query, self._follower.job_id, self._since))
        if at is None:
            # Nothing follows its end, and a fault may come just after that.
            return 0.0 if self._ended() else None
        return float(str(at)) - self._since

    def _ended(self) -> bool:
        if not self._follower.job_id:
            return False
        query = "SELECT finished_at IS NOT NULL FROM jobs WHERE id = %s"
        return bool(self._world.ask(lambda: self._world.scalar(query, self._follower.job_id)))

    def _wait(self, condition, timeout: float):
        """Return the condition's first value that says something (0 seconds do), or None when it never came."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            value = condition()
            if value or (value is not None and value is not False and value != ""):
                return value
            time.sleep(0.02)
        return None


def _parent(process: psutil.Process) -> int:
    try:
        return process.ppid()
    except psutil.NoSuchProcess:
        return 0
