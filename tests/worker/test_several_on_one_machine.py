"""Two supervisors of one machine, each pinned to its own GPU: only the driver's program is stood in for."""

from __future__ import annotations

import os

from sqlalchemy import text

from tests.waiting import until

SMALL, LARGE = "GPU-11111111-2222-3333-4444-555555555555", "GPU-66666666-7777-8888-9999-000000000000"
GIB = 1 << 30


def test_each_supervisor_keeps_to_its_gpu_and_takes_what_fits_on_it(fleet, stores, submit, tmp_path):
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "nvidia-smi"
    lines = (f"0, {SMALL}, GTX 1080, 8192, 8000, 40", f"1, {LARGE}, H100, 81559, 80000, 41")
    program.write_text("#!/bin/sh\n" + "".join(f"echo '{line}'\n" for line in lines))
    program.chmod(0o755)
    path = f"{folder}:{os.environ['PATH']}"
    for n, uuid in enumerate((SMALL, LARGE)):
        name = f"gpu-{n}"
        settings = {"GANFORGE_DEVICE": uuid, "GANFORGE_WORKER_NAME": name, "GANFORGE_SPARE_TRAINER": "true"}
        fleet.supervisor(queue="gpu", PATH=path, **settings)
    workers = until(lambda: len(found := stores.queries.jobs.workers(15)) == 2 and found, 60, "both supervisors")

    facts = {worker["name"]: worker["device"] for worker in workers}
    assert [facts[name]["uuid"] for name in ("gpu-0", "gpu-1")] == [SMALL, LARGE]
    assert [facts[name]["capacity"] for name in ("gpu-0", "gpu-1")] == [8 * GIB, 81559 << 20]
    trainers = until(lambda: len(found := fleet.trainers()) == 2 and found, 60, "a trainer for each")
    seen = {trainer.environ()["CUDA_VISIBLE_DEVICES"] for trainer in trainers}
    assert seen == {SMALL, LARGE}

    # This machine has no GPU, so the trainers say so; what counts is which supervisor took the job.
    jobs = [submit(queue="gpu", needs_bytes=20 * GIB) for _ in range(3)]
    until(lambda: all(stores.queries.jobs.job(job, None)["finished_at"] for job in jobs), 60, "the end of the jobs")
    names = {worker["id"]: worker["name"] for worker in workers}
    with stores.infra.engine.connect() as connection:
        assert {names[row] for row in connection.scalars(text("SELECT worker_id FROM attempts"))} == {"gpu-1"}
