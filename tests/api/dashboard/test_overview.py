"""The first page: what it shows to whom, and what it says needs attention."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import text

from models.states import ErrorCode, EventType, Outcome
from stores.jobs.transitions import Ending


def plain(page):
    """Return what a person reads of a page."""
    page = re.sub(r"<script.*?</script>|<[^>]+>", " ", page, flags=re.DOTALL)
    return re.sub(r"\s+", " ", page)


def fail(bench, code=ErrorCode.out_of_memory):
    claim = bench.claim()
    bench.stores.jobs.finish(claim, Ending(Outcome.failed, code=code, detail="it did"))


def row(page, queue):
    return plain(page[page.index(f'<tr role="row" id="queue-{queue}"') :].partition("</tr>")[0])


def test_the_queues_are_shown_with_what_waits_comes_and_goes(alice, admin, bench, enter):
    for _ in range(5):
        alice.submit()
    bench.finish(bench.claim())
    bench.claim()
    shown = row(enter(admin).see("/dashboard"), "cpu")
    # waiting, running, oldest wait; arrivals and finishes a minute, of five minutes and of the hour; workers
    assert re.search(r"cpu 3 1 \d s 1 \(1 h avg 0\.08\) 0\.2 \(1 h avg 0\.02\) 1 *$", shown), shown


def test_nothing_needs_a_person_where_all_is_well(alice, bench, enter):
    alice.submit()
    page = plain(enter(alice).see("/dashboard"))
    assert "All clear" in page


def test_jobs_that_nobody_can_start_need_a_person(alice, bob, admin, bench, enter, stores):
    alice.submit(queue="gpu")
    alice.submit(queue="gpu")
    alice.submit()
    admin.post("/v1/queues/cpu/pause")
    page = plain(enter(admin).see("/dashboard"))
    assert "2 jobs wait in gpu, which no worker serves." in page
    assert "1 job waits in cpu, which is paused." in page
    assert page.index("gpu, which") < page.index("cpu, which")
    assert "2 jobs wait in gpu" in plain(enter(alice).see("/dashboard"))
    page = plain(enter(bob).see("/dashboard"))
    assert "All clear: none of your jobs failed" in page
    assert "Jobs of other owners wait in gpu, which no worker serves." in page
    assert "Jobs of other owners wait in cpu, which is paused." in page
    bob.submit(queue="gpu")
    page = plain(enter(bob).see("/dashboard"))
    assert "All clear" not in page
    assert "1 job waits in gpu" in page
    assert "wait in gpu, which" not in page


def test_all_clear_speaks_of_ones_own_jobs_and_to_an_admin_of_all(alice, bob, carol, admin, bench, enter):
    bob.submit()
    fail(bench)
    for person in (alice, carol):
        page = plain(enter(person).see("/dashboard"))
        assert "All clear: none of your jobs failed in the last 24 h" in page
        assert "of other owners" not in page
    assert "All clear" not in plain(enter(admin).see("/dashboard"))
    bob.ask("DELETE", f"/v1/jobs/{bob.get('/v1/jobs').json['data'][0]['id']}")
    assert "All clear: no job failed in the last 24 h" in plain(enter(admin).see("/dashboard"))


def test_a_queue_whose_workers_all_drain_needs_a_person(alice, admin, bench, enter):
    alice.submit()
    admin.post(f"/v1/workers/{bench.worker}/drain")
    page = plain(enter(admin).see("/dashboard"))
    assert "1 job waits in cpu, whose workers are all draining." in page
    assert "Worker bench is draining." in page
    assert "Worker bench is draining." not in plain(enter(alice).see("/dashboard"))


def test_a_lost_worker_needs_a_person_until_it_is_back(admin, worker, enter, stores):
    with stores.infra.engine.begin() as connection:
        connection.execute(text("UPDATE workers SET last_seen = now() - interval '5 minutes'"))
    reader = enter(admin)
    assert "Worker bench is lost." in plain(reader.see("/dashboard"))
    stores.fleet.workers.register("bench", "cpu", {"kind": "cpu"})
    assert "Worker bench is lost." not in plain(reader.see("/dashboard"))


@pytest.mark.parametrize(
    ("capacity", "says"),
    [(200, "1 of the next jobs in cpu waits for memory."), (90, "1 of the next jobs in cpu needs more memory")],
)
def test_a_job_that_waits_for_memory_needs_a_person(alice, enter, stores, capacity, says):
    stores.fleet.workers.register("bench", "cpu", {"kind": "cpu", "room": 50, "capacity": capacity})
    job = alice.submit()
    with stores.infra.engine.begin() as connection:
        connection.execute(text("UPDATE jobs SET needs_bytes = 100"))
    page = enter(alice).see("/dashboard")
    assert says in plain(page)
    assert f'href="/dashboard/jobs/{job["id"]}"' in page


def test_failures_say_what_to_do_and_lead_to_the_job(alice, bob, admin, bench, enter):
    for person in (alice, bob, alice):
        newest = person.submit()
        fail(bench)
    page = enter(alice).see("/dashboard")
    assert "2 jobs failed in the last 24 h: Out of memory out_of_memory" in plain(page)
    assert "Retry with a smaller batch" in plain(page)
    assert f'<a href="/dashboard/jobs/{newest["id"]}">Latest failure' in page
    assert "3 jobs failed in the last 24 h" in plain(enter(admin).see("/dashboard"))


def test_every_code_of_an_error_has_a_remedy(alice, bench, enter):
    for code in ErrorCode:
        alice.submit()
        fail(bench, code)
    page = enter(alice).see("/dashboard")
    for code in ErrorCode:
        after = plain(page[page.index(f"<code>{code}</code>") :])
        assert re.match(rf" {code} [A-Z][a-z ,]+", after), code


def test_people_see_their_own_jobs_and_alerts_and_the_admin_all(alice, bob, admin, bench, enter):
    done, runs = alice.submit(name="done"), alice.submit(name="runs")
    bench.finish(bench.claim())
    claim = bench.claim()
    alert = {"code": "unheard_of", "detail": "fakes look <alike>"}
    bench.stores.jobs.progress(claim, [(EventType.alert, alert)], progress={"fraction": 0.42})
    for person in (alice, admin):
        page = enter(person).see("/dashboard")
        assert f'id="ended-{done["id"]}"' in page
        assert f'id="running-{runs["id"]}"' in page
        assert "42 %" in plain(page)
        assert "fakes look &lt;alike&gt;" in page
    page = enter(bob).see("/dashboard")
    assert runs["id"] not in page
    assert done["id"] not in page
    assert "No alerts." in plain(page)


def test_only_admins_see_the_workers_with_memory_temperature_and_job(alice, admin, enter, stores):
    facts = {"kind": "jetson", "name": "Nano", "memory_total": 4e9, "memory_available": 1e9, "temperature": 81.5}
    worker = stores.fleet.workers.register("nano", "jetson", facts)
    job = alice.submit(queue="jetson", name="faces")
    stores.jobs.claim("jetson", worker, "Nano")
    page = enter(admin).see("/dashboard")
    shown = page[page.index(f'id="worker-{worker}"') :].partition("</tr>")[0]
    assert re.search(r"nano busy jetson Nano .* 1 GB free of 4 GB 82 °C hot faces", plain(shown)), plain(shown)
    assert f'href="/dashboard/jobs/{job["id"]}"' in shown
    assert "nano" not in enter(alice).see("/dashboard")
