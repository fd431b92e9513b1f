"""The page of the workers, for admins."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import func, update

from api.dashboard.machines import memories
from models.rows import Worker


def test_workers_are_for_admins(alice, carol, enter):
    for person in (alice, carol):
        reader = enter(person)
        assert "administrators only" in reader.see("/dashboard/workers", 403)
        assert 'href="/dashboard/workers"' not in reader.see("/dashboard")


def test_a_worker_is_shown_with_its_device_and_what_it_does(alice, admin, enter, stores):
    reader = enter(admin)
    assert "No workers seen" in reader.see("/dashboard/workers")
    facts = {"kind": "gpu", "name": "H<100>", "gpu_memory_total": 80e9, "gpu_memory_free": 20e9, "room": 20e9}
    worker = stores.fleet.workers.register("tower", "gpu", facts)
    assert "idle" in reader.see("/dashboard/workers")
    job = alice.submit(queue="gpu", name="faces")
    stores.jobs.claim("gpu", worker, "H100")
    page = reader.see("/dashboard/workers")
    for shown in ("H&lt;100&gt;", "20 GB free of 80 GB", f'href="/dashboard/jobs/{job["id"]}"', "busy"):
        assert shown in page
    assert '<meter min="0" max="80000000000.0" value="60000000000.0"' in page


def test_a_temperature_is_shown_where_it_is_known(admin, enter, stores):
    stores.fleet.workers.register("tower", "gpu", {"kind": "gpu", "temperature": None})
    assert "Temperature" not in enter(admin).see("/dashboard/workers")
    stores.fleet.workers.register("other", "cpu", {"kind": "cpu", "temperature": 61.6})
    page = enter(admin).see("/dashboard/workers")
    assert page.count("Temperature") == 1
    assert "62 °C" in page
    assert [worker["device"]["temperature"] for worker in admin.get("/v1/workers").json["data"]] == [None, 61.6]


def test_of_a_lost_worker_nobody_knows_how_hot_it_is(admin, enter, stores):
    worker = stores.fleet.workers.register(
        "tower", "cpu", {"temperature": 95.0, "memory_total": 4e9, "memory_available": 1e9}
    )
    page = enter(admin).see("/dashboard/workers")
    assert "hot" in page
    assert "free of" in page
    with stores.infra.engine.begin() as connection:
        connection.execute(
            update(Worker).where(Worker.id == worker).values(last_seen=func.now() - timedelta(minutes=5))
        )
    page = enter(admin).see("/dashboard/workers")
    assert "lost" in page
    assert "hot" not in page
    assert "free of" not in page


def test_what_a_home_made_worker_tells_of_its_device_breaks_no_page(admin, enter, stores):
    facts = {
        "name": ["a", 1],
        "room": "much",
        "capacity": 4.5,
        "memory_total": "4 GB",
        "memory_available": 1,
        "gpu_load": {},
    }
    stores.fleet.workers.register("home-made", "cpu", facts)
    for path in ("/dashboard", "/dashboard/workers", "/dashboard/queues"):
        assert "home-made" in enter(admin).see(path) or path == "/dashboard/queues"


def test_a_worker_is_drained_and_let_work_again(admin, worker, enter, stores):
    reader = enter(admin)
    assert f'data-call="POST /v1/workers/{worker}/drain"' in reader.see("/dashboard/workers")
    assert reader.call("POST", f"/v1/workers/{worker}/drain").status_code == 202
    page = reader.see("/dashboard/workers")
    assert "draining" in page
    assert f'data-call="POST /v1/workers/{worker}/undrain"' in page
    stores.fleet.workers.stop(worker)
    page = reader.see("/dashboard/workers")
    assert "data-call" not in page
    assert "1 worker shut down normally in the last 24 h" in page


def test_a_memory_that_nobody_knows_is_not_shown():
    assert memories({"kind": "cpu"}) == []
    assert memories({"memory_total": 0, "memory_available": 0}) == []
    assert memories({"gpu_memory_total": None, "gpu_memory_free": None}) == []
    assert memories({"memory_total": "4 GB", "memory_available": 1}) == []
    # what is free may have been counted a moment after what there is
    assert memories({"memory_total": 4, "memory_available": 5}) == [{"of": "machine", "total": 4, "used": 0, "free": 5}]
