"""What was drawn from a job's checkpoints, on its page."""

from __future__ import annotations

import re

from models.states import ErrorCode, Outcome
from stores.jobs.transitions import Ending
from tests.api.dashboard.test_job import see, words


def draw(alice, job, **params):
    """Ask for samples of a job; return the sampling job's id."""
    asked = {"kind": "sample", "source": {"job": job, "checkpoint": "latest"}, "queue": "cpu", "params": params}
    answer = alice.post("/v1/jobs", json=asked)
    assert answer.status_code == 201, answer.text
    return answer.json["id"]


def samples(page):
    """Return the part of the page of each sample, by the id of its job."""
    parts = re.findall(r'<li id="sample-(job_[^"]+)"(.*?)</li>', page, re.DOTALL)
    return dict(parts)


def choices(page, select):
    """Return what one can choose from in a list of the page."""
    return re.findall(r'<option value="(\w+)">', re.search(rf'<select id="{select}".*?</select>', page, re.DOTALL)[0])


def test_what_was_drawn_from_a_job_is_listed_newest_first_with_what_it_is_and_how_it_went(
    alice, enter, bench, stores, finished
):
    drawn = draw(alice, finished.id, seed=5, count=16)
    claim = bench.claim()
    grid = bench.artifact(claim, "samples", "grid-5.png", b"picture", "image/png")
    bench.finish(claim)
    zipped = draw(alice, finished.id, output="images", count=1)
    claim = bench.claim()
    archive = bench.artifact(claim, "samples", "images-1.zip", b"zip", "application/zip")
    bench.finish(claim)
    failed = draw(alice, finished.id, output="interpolation", seed=7)
    stores.jobs.finish(bench.claim(), Ending(Outcome.failed, None, ErrorCode.checkpoint_corrupt, "bytes <b> differ"))
    waits = draw(alice, finished.id, seed=2**63 - 1)

    page = see(enter(alice), finished.id)
    found = samples(page)
    assert list(found) == [waits, failed, zipped, drawn]
    assert f'src="/v1/artifacts/{grid}/content?redirect=false" alt="image grid · seed 5"' in found[drawn]
    told = words(found[drawn])
    assert "image grid · seed 5 succeeded 16 images · epoch 1 · step 1 · " in told
    assert told.endswith("Download grid-5.png")
    assert "<img" not in found[zipped]
    assert f'href="/v1/artifacts/{archive}/content" download' in found[zipped]
    assert "single images (zip) · seed 1 succeeded 1 image ·" in words(found[zipped])
    assert "Damaged checkpoint: bytes &lt;b&gt; differ" in found[failed]
    assert "failed" in words(found[failed])
    assert "image grid · seed 9223372036854775807 queued" in words(found[waits])
    assert re.findall(r'data-pending="(\w+-?[^"]*)"', page) == [waits]
    for job, part in found.items():
        assert f'href="/dashboard/jobs/{job}"' in part


def test_a_walk_stands_in_a_row_of_its_own_and_can_be_scrolled_by_keyboard(alice, enter, bench, finished):
    walk = draw(alice, finished.id, output="interpolation", count=8)
    claim = bench.claim()
    bench.artifact(claim, "samples", "strip-1.png", b"picture", "image/png")
    bench.finish(claim)
    part = samples(see(enter(alice), finished.id))[walk]
    assert part.startswith(' class="wide"')
    assert '<div class="picture" data-keep tabindex="0" role="group"' in part
    assert '<img class="pixels strip"' in part


def test_many_samples_come_some_at_a_time(alice, enter, finished):
    drawn = [draw(alice, finished.id, seed=n) for n in range(14)][::-1]
    reader = enter(alice)
    page = see(reader, finished.id)
    assert list(samples(page)) == drawn[:12]
    more = re.search(r'href="(/dashboard/jobs/[^"]*\?drawn=\d+)#drawn-title"', page)
    page = reader.see(more[1])
    assert list(samples(page)) == drawn
    assert "More samples" not in page
    for odd in ("0", "1001", "x"):
        reader.see(f"/dashboard/jobs/{finished.id}?drawn={odd}", 422)


def test_samples_are_seen_by_who_may_see_their_job_and_by_nobody_else(admin, alice, carol, enter, finished):
    hers, admins = draw(alice, finished.id), draw(admin, finished.id)
    assert list(samples(see(enter(admin), finished.id))) == [admins, hers]
    assert list(samples(see(enter(alice), finished.id))) == [hers]
    page = see(enter(carol), finished.id)
    assert list(samples(page)) == [hers]
    assert "sample-form" not in page


def test_a_job_of_which_nothing_was_drawn_shows_no_list_yet(alice, enter, finished):
    page = see(enter(alice), finished.id)
    assert re.search(r'<section id="job-drawn"[^>]* hidden>', page)
    draw(alice, finished.id)
    assert not re.search(r'<section id="job-drawn"[^>]* hidden>', see(enter(alice), finished.id))


def test_a_sample_whose_files_and_checkpoint_are_gone_says_so(alice, enter, bench, finished, stores):
    gone = draw(alice, finished.id)
    bench.finish(bench.claim())
    with stores.infra.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE jobs SET source_artifact = NULL WHERE kind = 'sample'")
    part = words(samples(see(enter(alice), finished.id))[gone])
    assert "Its files have been deleted." in part
    assert "a deleted checkpoint" in part


def test_a_translator_asks_which_way_and_what_to_translate_and_shows_what_came(alice, enter, bench):
    job = alice.submit(recipe="cyclegan", params={})["id"]
    claim = bench.claim()
    bench.artifact(claim, "checkpoint", "step-2.safetensors", b"weights", "application/octet-stream")
    bench.finish(claim)
    reader = enter(alice)
    page = see(reader, job)
    assert choices(page, "sample-output") == ["translate"]
    assert choices(page, "sample-direction") == ["a_to_b", "b_to_a"]
    assert 'id="sample-seed"' not in page
    field = re.search(r'<input id="sample-dataset"[^>]*>', page)[0]
    assert 'name="dataset" data-pointer="/params/dataset" placeholder="mnist-10k"' in field

    drawn = draw(alice, job, output="translate", direction="b_to_a", dataset="mnist-10k", count=3)
    claim = bench.claim()
    pairs = bench.artifact(claim, "samples", "b_to_a.png", b"picture", "image/png")
    bench.artifact(claim, "samples", "b_to_a.zip", b"zip", "application/zip")
    bench.finish(claim)
    part = samples(see(reader, job))[drawn]
    assert f'src="/v1/artifacts/{pairs}/content?redirect=false" alt="translated images · B → A"' in part
    told = words(part)
    assert "3 images · mnist-10k · epoch 1 · step 1" in told
    assert told.endswith("Download b_to_a.png Download b_to_a.zip")
