"""Jobs side by side: which may be, what differs between them, how fast each was, and how far at each step."""

from __future__ import annotations

import html
import json
import re
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import text

from api.dashboard.chart_axes import Clock, clock, ends, speeds, thinned
from api.dashboard.formats import NONE
from models.ids import new_id
from models.states import EventType
from tests.api.conftest import Bench, Finished, Person

PATH = "/dashboard/compare"
EPOCHS = """
    INSERT INTO events (job_id, seq, attempt, type, data)
    SELECT :job, 100 + row_number() OVER (ORDER BY again, n), 1, 'epoch', jsonb_build_object(
               'epoch', n, 'images', 100 * n, 'seconds', 1 + n % 2, 'images_per_second', 100.0 / (1 + n % 2),
               'device', 'CPU', 'd_loss', n)
      FROM generate_series(1, 9000) AS n, generate_series(0, 1) AS again WHERE again = 0 OR n > 4500
"""
TIMES = "\N{MULTIPLICATION SIGN}"


def tell_epoch(
    bench: Bench, claim: Any, number: int, device: str = "CPU", seconds: float = 2.0, **means: float
) -> None:
    """Tell of an epoch of 1,000 images."""
    epoch = {"epoch": number, "images": 1000 * number, "seconds": seconds, "images_per_second": 1000 / seconds}
    bench.stores.jobs.progress(claim, [(EventType.epoch, {**epoch, "device": device, **means})])


def data(page: str) -> list[dict[str, Any]]:
    """Return what scripts draw from."""
    found = re.search(r'data-jobs="([^"]*)"', page)
    assert found
    return list(json.loads(html.unescape(found[1])))


def part(page: str, name: str) -> str:
    """Return a section of a page."""
    found = re.search(rf'<section id="{name}".*?</section>', page, re.DOTALL)
    assert found
    return html.unescape(found[0])


def cells(page: str, name: str, row: str) -> list[str]:
    """Return what stands in a row of a table, as text."""
    for line in re.findall(r"<tr>.*?</tr>", part(page, name), re.DOTALL):
        texts = [re.sub(r"<[^>]+>", "", cell).strip() for cell in re.findall(r"<t[hd].*?</t[hd]>", line, re.DOTALL)]
        if texts[0].endswith(row):
            return [" ".join(text.split()) for text in texts[1:]]
    raise AssertionError(f"no row {row}")


def test_jobs_are_laid_side_by_side_in_the_order_of_the_address(finished: Finished, alice: Person, enter):
    other = alice.submit(name="later")["id"]
    page = enter(alice).see(f"{PATH}?jobs={other},{finished.id}")
    assert "2 jobs compared" in page
    assert [job["id"] for job in data(page)] == [other, finished.id]
    assert f'href="{PATH}?jobs={other}"' in page  # the address without the other one
    assert f"/v1/artifacts/{finished.grid}/content?redirect=false" in page
    assert "no image yet" in page
    assert data(page)[1]["grids"] == [[finished.grid, 1, 1]]
    # As the form of the list sends them, and one twice.
    again = enter(alice).see(f"{PATH}?jobs={other}&jobs={finished.id}&jobs={other}")
    assert data(again) == data(page)


def test_none_or_one_job_leads_to_the_list(alice: Person, enter):
    reader = enter(alice)
    job = alice.submit(name="alone")["id"]
    assert "No jobs selected." in reader.see(PATH)
    assert "No jobs selected." in reader.see(f"{PATH}?jobs=")
    page = reader.see(f"{PATH}?jobs={job},{job}")
    assert "alone" in page
    assert "Select at least one more job" in page


def test_what_is_missing_or_somebody_elses_is_named(alice: Person, bob: Person, enter):
    mine, others, nobodys = alice.submit()["id"], bob.submit()["id"], new_id("job")
    page = enter(alice).see(f"{PATH}?jobs={mine},{others},{nobodys},nonsense", 404)
    named = re.search(r"jobs ([^<]*) not found", page)[1]
    for missing in (others, nobodys, "nonsense"):
        assert missing in named
    assert mine not in named
    assert enter(alice).see(f"{PATH}?jobs=<script>", 404).count("<script>") == 0


def test_a_viewer_and_an_admin_compare_what_they_may_see(
    alice: Person, bob: Person, carol: Person, admin: Person, enter
):
    both = f"{alice.submit()['id']},{alice.submit()['id']}"
    for person in (carol, admin):
        assert "2 jobs compared" in enter(person).see(f"{PATH}?jobs={both}")
    enter(bob).see(f"{PATH}?jobs={both}", 404)


def test_only_what_differs_is_in_the_table_of_differences(alice: Person, enter):
    first = alice.submit(seed=1, params={"epochs": 2, "grid_every": {"steps": 5}})["id"]
    second = alice.submit(seed=2, params={"epochs": 2, "grid_every": {"epochs": 1}, "width": 16})["id"]
    third = alice.submit(recipe="wgan_gp", seed=2, params={"epochs": 2, "grid_every": {"epochs": 1}})["id"]
    page = enter(alice).see(f"{PATH}?jobs={first},{second},{third}")
    assert cells(page, "differences", "recipe") == ["mlp_gan", "mlp_gan", "wgan_gp"]
    assert cells(page, "differences", "seed") == ["1", "2", "2"]
    assert cells(page, "differences", "grid_every.steps") == ["5", NONE, NONE]
    assert cells(page, "differences", "grid_every.epochs") == [NONE, "1", "1"]
    assert "<code>epochs</code>" not in part(page, "differences")
    assert "<code>queue</code>" not in part(page, "differences")


def test_a_sampling_job_beside_trainings_makes_no_parameter_differ(finished: Finished, alice: Person, enter):
    source = {"job": finished.id, "checkpoint": "best"}
    drawn = alice.post("/v1/jobs", json={"kind": "sample", "source": source, "params": {"seed": 9}}).json
    other = alice.submit(params={"epochs": 3})["id"]
    page = enter(alice).see(f"{PATH}?jobs={finished.id},{drawn['id']},{other}")
    assert cells(page, "differences", "kind") == ["train", "sample", "train"]
    assert cells(page, "differences", "epochs") == ["2", NONE, "3"]
    assert "batch_size" not in part(page, "differences")
    assert "All jobs use the same noise" in page


def test_jobs_that_are_alike_differ_in_nothing(alice: Person, enter):
    page = enter(alice).see(f"{PATH}?jobs={alice.submit()['id']},{alice.submit(name='twin')['id']}")
    assert "No differences: recipe, data set, seed" in part(page, "differences")


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({}, "All jobs use the same noise"),
        ({"seed": 5}, "Seeds differ, so cells don't correspond"),
        ({"params": {"epochs": 2, "noise_dim": 7}}, "noise_dim differs, so cells don't correspond"),
        ({"queue": "gpu"}, "All jobs use the same noise"),
    ],
)
def test_the_page_says_whether_pictures_are_from_the_same_noise(
    alice: Person, enter, other: dict[str, Any], words: str
):
    page = enter(alice).see(f"{PATH}?jobs={alice.submit()['id']},{alice.submit(**other)['id']}")
    assert words in page


def test_speed_is_told_per_job_and_device_by_its_medians(alice: Person, bench: Bench, enter):
    ids = [alice.submit(name=name)["id"] for name in ("fast", "slow", "waiting")]
    claim = bench.claim()
    for number, seconds in enumerate((9.0, 2.0, 2.0), 1):
        tell_epoch(bench, claim, number, "NVIDIA H100", seconds)
    tell_epoch(bench, claim, 4, "CPU", 40.0)
    bench.finish(claim)
    claim = bench.claim()
    tell_epoch(bench, claim, 1, "Jetson", 20.0, d_loss=0.25)
    page = enter(alice).see(f"{PATH}?jobs={','.join(ids)}")
    assert cells(page, "speed", "fast") == ["cpu", "NVIDIA H100", "3", "2", "500", f"{TIMES} 20"]
    assert cells(page, "speed", "slow") == ["cpu", "Jetson", "1", "20", "50", f"{TIMES} 2"]
    assert "waiting" not in part(page, "speed")
    assert cells(page, "finals", "d_loss") == [NONE, "0.25", NONE]
    assert cells(page, "finals", "Epoch") == ["4", "1", NONE]


def test_epochs_that_were_done_again_count_once(alice: Person, bench: Bench, stores):
    job = alice.submit()["id"]
    claim = bench.claim()
    for number, d_loss in ((1, 0.5), (2, 0.4), (3, 0.3), (2, 0.2)):
        tell_epoch(bench, claim, number, d_loss=d_loss)
    told = stores.queries.curves_by_epoch.epochs([job])[job]
    assert [(epoch["epoch"], epoch["d_loss"]) for epoch in told] == [(1, 0.5), (2, 0.2)]


def test_many_epochs_are_read_as_few_that_stand_for_several(alice: Person, bench: Bench, stores):
    job = alice.submit()["id"]
    with stores.infra.engine.begin() as connection:
        # The second half is told again, after a return to an earlier checkpoint.
        connection.execute(text(EPOCHS), {"job": job})
    told = stores.queries.curves_by_epoch.epochs([job])[job]
    assert len(told) == 1000
    assert (told[0]["epoch"], told[0]["epochs"], told[0]["seconds"]) == (9, 9, 14.0)
    assert told[0]["images_per_second"] == pytest.approx(900 / 14)
    assert (told[-1]["epoch"], told[-1]["d_loss"]) == (9000, 9000.0)
    assert sum(one["epochs"] for one in told) == 9000
    assert clock({"step": 9000, "images": 900_000}, told, 1.0).seconds[-1] == pytest.approx(13_500)
    (speed,) = speeds(told)
    assert (speed.epochs, speed.seconds_per_epoch) == (9000, pytest.approx(1.5, abs=0.06))


def test_of_many_grids_some_are_read_and_the_last_is_among_them(alice: Person, bench: Bench, stores):
    job = alice.submit()["id"]
    bench.claim()
    with stores.infra.engine.begin() as connection:
        connection.execute(
            text("""
            INSERT INTO artifacts
                   (id, job_id, attempt, fence, kind, name, step, bytes, sha256, content_type, object_key)
            SELECT 'art_' || n, :job, 1, 1, 'grid', 'grid', n, 1, repeat('0', 64), 'image/png', 'grid ' || n
              FROM generate_series(1, 2500) AS n
            """),
            {"job": job},
        )
    steps = [grid["step"] for grid in stores.queries.curves_by_epoch.grids([job])[job]]
    assert (len(steps), steps[0], steps[-1]) == (1000, 3, 2500)
    assert {after - before for before, after in pairwise(steps)} == {2, 3}


def test_of_two_grids_of_one_step_the_newer_is_shown(alice: Person, bench: Bench, stores):
    job = alice.submit()["id"]
    claim = bench.claim()
    bench.artifact(claim, "grid", "a.png", b"a", "image/png")
    newer = bench.artifact(claim, "grid", "b.png", b"b", "image/png")
    bench.artifact(claim, "checkpoint", "c", b"c", "application/octet-stream")
    assert [grid["id"] for grid in stores.queries.curves_by_epoch.grids([job])[job]] == [newer]


def epoch(number: int, images: int, seconds: float, rate: float, device: str = "CPU") -> dict[str, Any]:
    """Return what an epoch event tells."""
    return {"epoch": number, "images": images, "seconds": seconds, "images_per_second": rate, "device": device}


def test_a_clock_counts_images_by_steps_and_seconds_by_epochs():
    progress = {"step": 25, "images": 2500}
    epochs = [epoch(1, 1000, 4.0, 250.0), epoch(2, 2000, 2.0, 500.0)]
    # The half epoch in hand goes on at the pace of the last.
    assert clock(progress, epochs, 99.0) == Clock([0, 10, 20, 25], [0, 1000, 2000, 2500], [0, 4, 6, 7])


def test_a_clock_runs_by_the_time_since_the_start_until_an_epoch_has_ended():
    assert clock({"step": 5, "images": 500}, [], 10.0) == Clock([0, 5], [0, 500], [0, 10])
    assert clock({"step": 0, "images": 0}, [], 10.0) == Clock([0], [0], [0])


def test_a_clock_of_a_job_that_goes_on_from_another_begins_where_that_ended():
    found = clock({"step": 60, "images": 6000}, [epoch(6, 6000, 4.0, 250.0)], 9.0)
    assert found == Clock([50, 60], [5000, 6000], [0, 4])


def test_a_clock_counts_the_steps_that_epochs_tell():
    progress = {"step": 35, "images": 2500}
    epochs = [{**epoch(1, 1000, 4.0, 250.0), "step": 10}, {**epoch(2, 2000, 2.0, 500.0), "step": 25}]
    assert clock(progress, epochs, 99.0) == Clock([0, 10, 25, 35], [0, 1000, 2000, 2500], [0, 4, 6, 7])


def test_a_clock_bends_where_the_batch_was_halved():
    progress = {"step": 45, "images": 3000}
    # Ten steps of a hundred images an epoch, from the middle of the second one steps of fifty.
    epochs = [{**epoch(n, 1000 * n, 4.0, 250.0), "step": step} for n, step in ((1, 10), (2, 25), (3, 45))]
    found = clock(progress, epochs, 99.0, [(15, 1500)])
    assert found == Clock([0, 10, 15, 25, 45], [0, 1000, 1500, 2000, 3000], [0, 4, 6, 8, 12])


def test_a_clock_lays_epochs_that_do_not_tell_their_step_between_those_that_do():
    progress = {"step": 60, "images": 4000}
    epochs = [epoch(1, 1000, 4.0, 250.0), *({**epoch(n, 1000 * n, 4.0, 250.0), "step": 20 * n - 20} for n in (2, 3))]
    assert clock(progress, epochs, 99.0).steps == [0, 10, 20, 40, 60]
    assert ends(progress, epochs) == [10, 20, 40]
    assert ends({"step": 40, "images": 2000}, [epoch(1, 1000, 1.0, 1.0), epoch(2, 2000, 1.0, 1.0)]) == [20, 40]


def test_a_clock_of_a_job_that_goes_on_from_another_begins_at_its_own_pace():
    # The other job trained with larger batches: 5,000 images in 20 steps.
    epochs = [{**epoch(n, 1000 * n, 4.0, 250.0), "step": 10 * n - 30} for n in (6, 7)]
    found = clock({"step": 40, "images": 7000}, epochs, 9.0)
    assert found == Clock([20, 30, 40], [5000, 6000, 7000], [0, 4, 8])


def test_a_job_whose_batch_was_halved_is_drawn_at_its_images(alice: Person, bench: Bench, enter):
    ids = [alice.submit(name=name)["id"] for name in ("halved", "whole")]
    halved, whole = bench.claim(), bench.claim()
    tell_epoch(bench, halved, 1, step=10)
    news = {"code": "batch_halved", "detail": "", "step": 16, "back_to": 15, "batch_size": 50, "images": 1500}
    bench.stores.jobs.progress(halved, [(EventType.alert, news)])
    tell_epoch(bench, halved, 2, step=25)
    tell_epoch(bench, whole, 1, step=10)
    tell_epoch(bench, whole, 2, step=20)
    for claim, step in ((halved, 25), (whole, 20)):
        bench.stores.jobs.progress(claim, [], progress={"step": step, "images": 2000})
    page = enter(alice).see(f"{PATH}?jobs={','.join(ids)}")
    assert [job["clock"] for job in data(page)] == [
        {"steps": [0, 10, 15, 25], "images": [0, 1000, 1500, 2000], "seconds": [0, 2, 3, 4]},
        {"steps": [0, 10, 20], "images": [0, 1000, 2000], "seconds": [0, 2, 4]},
    ]
    assert "<code>step</code>" not in part(page, "finals")
    old = {"code": "batch_halved", "detail": "", "step": 21, "back_to": 20, "batch_size": 50}
    bench.stores.jobs.progress(whole, [(EventType.alert, old)])
    assert bench.stores.queries.curves_by_epoch.halvings(ids) == {ids[0]: [(15, 1500)], ids[1]: []}


def test_speeds_are_medians_by_device():
    found = speeds([epoch(1, 1, 9.0, 1.0), epoch(2, 2, 1.0, 9.0), epoch(3, 3, 2.0, 4.0), epoch(4, 4, 5.0, 2.0, "GPU")])
    assert [(one.device, one.epochs, one.seconds_per_epoch, one.images_per_second) for one in found] == [
        ("CPU", 3, 2.0, 4.0),
        ("GPU", 1, 5.0, 2.0),
    ]


def test_thinning_keeps_both_ends():
    assert thinned(list(range(1000)), 5) == [0, 249, 499, 749, 999]
    assert thinned([1, 2, 3], 5) == [1, 2, 3]
