"""`python -m benchmarks.attacks [NAME …]`: what an innocent owner notices while another attacks.

The service is a whole stack on a disk of 4 GiB in memory (as root; otherwise on the disk that is there, without the
attacks that fill it). Before each attack the innocent is measured alone. The exit code is 0 if each attack spared it:
it was at most five times slower, nothing was refused to it, no process ended, and none took too much memory.
"""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.attacks import bodies, crowds, histories, reads, uploads
from benchmarks.attacks.innocent import Seen, work
from benchmarks.attacks.target import Target, from_afar
from benchmarks.attacks.watch import Watch
from benchmarks.service import Service, chosen, emit, running_service

DISK = "4g"
ALONE_S = float(os.environ.get("SECONDS", "15"))
ATTACK_S = float(os.environ.get("SECONDS", "15")) + 5
SLOWER_AT_MOST = 5.0
# An API process rests at about 150 MB; a packer may take 512 MB.
MEGABYTES_AT_MOST = {"api": 400, "packer": 540}


@dataclass(frozen=True)
class Attack:
    """One attack: what the attacker does, and what stands in the database before."""

    run: Callable[[Target, float], Counter[str]]
    prepare: Callable[[Service, str], str] = lambda _service, _owner: ""
    """Called with the attacker's owner; returns the job that is attacked, if there is one."""
    fills_disk: bool = False


ATTACKS = {
    "half_headers": Attack(crowds.half_headers),
    "half_bodies": Attack(crowds.half_bodies),
    "held_waits": Attack(crowds.held_waits, prepare=histories.waiting_job),
    "many_streams": Attack(crowds.many_streams),
    "flood": Attack(crowds.flood),
    "large_orders": Attack(bodies.large_orders),
    "slow_bodies": Attack(uploads.slow_bodies),
    "odd_tars": Attack(uploads.odd_tars),
    "bombs": Attack(uploads.bombs),
    "long_curves": Attack(reads.long_curves, prepare=histories.job_of_many_steps),
    "scrapers": Attack(reads.scrapers, prepare=histories.many_jobs),
    "full_disk": Attack(uploads.full_disk, fills_disk=True),
}


def main() -> None:
    """Run the named attacks, or all; leave with 1 if one reached the innocent."""
    names = chosen(sys.argv[1:], list(ATTACKS))
    with _small_disk() as folder, running_service(folder) as service:
        # What is measured is the service, not what training takes of the machine.
        service.client.pause_queue("cpu")
        held = [_attack(service, name, ATTACKS[name]) for name in names if folder or not ATTACKS[name].fills_disk]
    sys.exit(0 if all(held) else 1)


def _attack(service: Service, name: str, attack: Attack) -> bool:
    """Measure the innocent alone, then beside the attack; print both; return whether the innocent was spared."""
    keys = [service.client.create_key(f"{who}-{name}", owner=f"{who}-{name}") for who in ("innocent", "attacker")]
    innocent = Target(service.stack.port, keys[0]["key"])
    job = attack.prepare(service, keys[1]["owner"])
    attacker = Target(service.stack.port, keys[1]["key"], job, "127.0.0.2")
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, spawn) as pool:
        alone = pool.submit(work, innocent, ALONE_S).result()
        with Watch(service.stack) as watch:
            attacking = pool.submit(from_afar, attack.run, attacker, ATTACK_S + 2)
            beside = pool.submit(work, innocent, ATTACK_S).result()
            answers = attacking.result()
        stopped = watch.stopped()
    return _judge(name, alone, beside, answers, watch.heaviest, stopped)


def _judge(
    name: str, alone: Seen, beside: Seen, answers: Counter[str], heaviest: dict[str, float], stopped: list[str]
) -> bool:
    before, during = alone.figures(), beside.figures()
    # Of uploads and streams there are a dozen, too few for a percentile.
    ratios = {what: _ratio(during[what], before[what]) for what in ("p99_ms", "upload_ms", "stream_opened_ms")}
    ratios["answers_per_second"] = _ratio(before["answers_per_second"], during["answers_per_second"])
    too_heavy = {part: weight for part, weight in heaviest.items() if weight > MEGABYTES_AT_MOST.get(part, 1e9)}
    slower = {what: ratio for what, ratio in ratios.items() if ratio is None or ratio > SLOWER_AT_MOST}
    held = not (slower or during["refused"] or stopped or too_heavy)
    emit(
        f"attack_{name}",
        held=held,
        times_slower=ratios,
        alone=before,
        beside=during,
        attacker=dict(answers.most_common(8)),
        megabytes=heaviest,
        stopped=stopped,
    )
    return held


def _ratio(larger: Any, smaller: Any) -> float | None:
    return round(larger / smaller, 1) if larger and smaller else None


@contextmanager
def _small_disk() -> Iterator[Path | None]:
    """Mount a small disk in memory for the block; None where that isn't allowed."""
    if os.geteuid() != 0:
        print("Not root, so no small disk: the attacks that fill it are left out.", file=sys.stderr)
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="ganforge-attack-") as folder:
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK}", "attacked", folder], check=True)
        try:
            yield Path(folder)
        finally:
            subprocess.run(["umount", "--lazy", folder], check=True)


if __name__ == "__main__":
    main()
