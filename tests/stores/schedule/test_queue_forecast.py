"""What a new job would find in each queue is answered for all candidates at once."""

from __future__ import annotations

import pytest
from sqlalchemy import event, text

from models.job_profile import Shape
from stores.schedule.queue_forecast import needs_of_smaller, outlooks

SHAPE = Shape("mlp_gan", 28, 128, 64)
WIDER = Shape("mlp_gan", 28, 128, 128)
GB = 10**9


@pytest.fixture
def ask(stores):
    """Return a function that asks for the outlook of queues, and counts the statements."""

    def outlooks_of(*queues, shape=SHAPE, images=1000):
        with stores.infra.engine.connect() as connection:
            statements = []
            event.listen(connection, "before_cursor_execute", lambda *call: statements.append(call))
            found = outlooks(connection, queues, shape, images, alive_s=15)
            assert len(statements) == 1
        return found

    return outlooks_of


def test_one_statement_answers_for_all_queues(stores, new_job, ask):
    large = stores.fleet.workers.register("large", "gpu", {"kind": "gpu", "capacity": 8 * GB})
    stores.fleet.workers.register("small", "gpu", {"kind": "gpu", "capacity": 2 * GB})
    stores.schedule.memory_stats.learn(SHAPE, "gpu", 4 * GB, 8 * GB)
    stores.schedule.speed_stats.learn(SHAPE, "gpu", 100, 3)
    stores.schedule.speed_stats.took("gpu", 40)
    for _ in range(3):
        stores.jobs.submit(new_job(queue="gpu"))
    stores.jobs.claim("gpu", large, "gpu")

    found = ask("gpu", "cpu")

    gpu, cpu = found["gpu"], found["cpu"]
    assert (gpu.needs_bytes, gpu.ahead, gpu.live, len(gpu.seats)) == (4 * GB, 3, 1, 2)
    assert (gpu.typical_s, gpu.wait_s, gpu.runtime.seconds) == (40, 3 * 40, 3 + 1000 / 100)
    assert (cpu.needs_bytes, cpu.ahead, cpu.live, cpu.seats, cpu.runtime) == (None, 0, 0, (), None)


def test_a_larger_job_needs_at_least_what_a_smaller_one_needed(stores, ask):
    stores.schedule.memory_stats.learn(SHAPE, "cpu", 4 * GB, 8 * GB)
    assert ask("cpu", shape=WIDER)["cpu"].needs_bytes == 4 * GB
    assert ask("cpu", shape=Shape("mlp_gan", 28, 64, 128))["cpu"].needs_bytes is None
    assert ask("cpu", shape=None, images=None)["cpu"].needs_bytes is None


@pytest.mark.parametrize(
    ("change", "seats", "live"),
    [
        ("draining = false", 1, 1),
        ("draining = true", 1, 0),
        ("stopped_at = now()", 1, 0),
        ("last_seen = now() - interval '1 minute'", 1, 0),
        ("last_seen = now() - interval '2 days'", 0, 0),
        ("queue = 'gpu'", 0, 0),
    ],
)
def test_only_a_worker_that_takes_jobs_is_live(stores, worker, ask, change, seats, live):
    with stores.infra.engine.begin() as connection:
        connection.execute(text(f"UPDATE workers SET {change}"))
    found = ask("cpu")["cpu"]
    assert (len(found.seats), found.live) == (seats, live)


def test_the_needs_of_smaller_batches_are_looked_up_together(stores):
    stores.schedule.memory_stats.ran_out(SHAPE, "cpu", 4 * GB)
    stores.schedule.memory_stats.learn(Shape("mlp_gan", 28, 32, 64), "cpu", GB, 4 * GB)
    with stores.infra.engine.connect() as connection:
        found = needs_of_smaller(connection, ["cpu", "gpu"], WIDER, [128, 64, 32, 16])
    assert found == {("cpu", 128): 4 * GB + 1, ("cpu", 64): GB, ("cpu", 32): GB}
