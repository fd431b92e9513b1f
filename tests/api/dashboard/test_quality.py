"""Quality on the pages: of a training, in lists and comparisons, on the overview, in the ranking of a data set."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import text

from models.states import EventType, Role
from tests.api.conftest import Person
from tests.api.dashboard.test_compare import cells, part
from tests.api.dashboard.test_job import inside, see, words
from tests.api.uploads.archives import pictures, zipped
from tests.evaluations import BLURRED, COLLAPSED, COPIES, ask, evaluated, result

OTHER = {"name": "another network", "sha256": "b" * 64, "accuracy": None}


def train(alice, bench, **changes):
    """Return a training that has succeeded with a checkpoint."""
    job = alice.submit(**changes)["id"]
    claim = bench.claim()
    bench.artifact(claim, "checkpoint", "step-2.safetensors", b"weights", "application/octet-stream")
    bench.finish(claim)
    return job


def dataset_id(stores):
    return stores.datasets.find("mnist-10k", None)["id"]


def ranking(stores):
    return f"/dashboard/datasets/{dataset_id(stores)}/ranking"


def rows(page, section):
    """Return what a person reads of each entry of a section, after the head of its table."""
    found = re.search(rf'<section id="{section}".*?</section>', page, re.DOTALL)[0]
    body = found.split("</thead>")[-1]
    return [words(row) for row in re.findall(r"<(?:tr|li) .*?</(?:tr|li)>", body, re.DOTALL)]


def test_a_training_lists_its_evaluations_newest_first_with_verdict_and_figures(alice, enter, bench, finished):
    evaluated(alice, bench, finished.id, result(BLURRED))
    evaluated(alice, bench, finished.id)
    waits = ask(alice, finished.id, params={"count": 500})
    page = see(enter(alice), finished.id)
    found = re.search(r'<div id="evaluations".*?</table>', page, re.DOTALL)[0].split("</thead>")[1]
    shown = [words(row) for row in re.findall(r"<tr.*?</tr>", found, re.DOTALL)]
    assert [row.split(" 2026")[0].split(" 20")[0] for row in shown][:1] == ["epoch 1 · step 1 queued – – 500"]
    assert "Healthy 1.13 95.5 % 2,000" in shown[1]
    assert "Low fidelity 12.9 61 % 2,000" in shown[2]
    assert f'href="/dashboard/jobs/{waits}"' in found


def test_a_training_can_be_evaluated_once_it_has_a_checkpoint(alice, carol, enter, bench, finished, stores):
    page = see(enter(alice), finished.id)
    form = inside(page, "evaluate-form")
    assert "This generator has not been evaluated yet." in words(page)
    assert 'data-pointer="/source/checkpoint"' in form
    assert 'min="200" max="10000" value="2000"' in form
    assert "disabled" not in inside(page, "evaluate-actions")
    assert f'href="{ranking(stores)}"' in page
    assert "evaluate-form" not in see(enter(carol), finished.id)
    waits = alice.submit()["id"]
    page = see(enter(alice), waits)
    assert "disabled" in inside(page, "evaluate-actions")
    assert "There is nothing to evaluate before the first checkpoint." in words(page)


def test_classifiers_and_translators_are_not_evaluated(alice, enter):
    for recipe in ("darknet", "cyclegan"):
        page = see(enter(alice), alice.submit(recipe=recipe, params={})["id"])
        assert "job-evaluations" not in page


def test_the_list_is_sorted_by_quality_and_has_a_column_for_it(alice, enter, bench, finished):
    reader = enter(alice)
    assert "Fréchet ratio</a>" not in reader.see("/dashboard/jobs")
    worse = evaluated(alice, bench, finished.id, result(BLURRED))
    better = evaluated(alice, bench, finished.id)
    page = reader.see("/dashboard/jobs?sort=fd_ratio")
    assert re.findall(r'<tr id="(job_[^"]+)"', page) == [better, worse, finished.id]
    assert 'aria-sort="ascending"' in page
    assert "12.9" in words(page)
    page = reader.see("/dashboard/jobs?sort=-fd_ratio&kind=evaluate&limit=1")
    assert re.findall(r'<tr id="(job_[^"]+)"', page) == [worse]
    following = re.search(r'rel="next" href="([^"]*)"', page)[1].replace("&amp;", "&")
    page = reader.see(following)
    assert re.findall(r'<tr id="(job_[^"]+)"', page) == [better]
    assert "First page" in words(page)
    # Filters keep the order, and the usual order is not in the address.
    assert 'href="/dashboard/jobs?sort=-fd_ratio"' in page
    assert "sort" not in re.search(r'href="(/dashboard/jobs[^"]*)"[^>]*>Clear all', page)[1]
    assert re.findall(r'<tr id="(job_[^"]+)"', reader.see("/dashboard/jobs?sort=")) == [better, worse, finished.id]
    reader.see("/dashboard/jobs?sort=nonsense", 422)


def test_a_list_of_several_networks_is_not_sorted_by_quality_and_says_why(alice, enter, bench, finished):
    evaluated(alice, bench, finished.id)
    newest = evaluated(alice, bench, finished.id, result(extractor=OTHER))
    page = enter(alice).see("/dashboard/jobs?sort=fd_ratio")
    assert "cannot be sorted by quality: its jobs were measured with different extractors" in words(page)
    assert re.findall(r'<tr id="(job_[^"]+)"', page)[0] == newest
    offered = re.findall(r'<a href="([^"]*)" title="\w{64}">(.*?)</a>', inside(page, "refused"))
    path = "/dashboard/jobs?extractor={}&sort=fd_ratio"
    assert offered == [
        (path.format("a" * 64), "mnist-10k <code>aaaaaaaa</code>"),
        (path.format("b" * 64), "another network <code>bbbbbbbb</code>"),
    ]
    page = enter(alice).see(f"/dashboard/jobs?sort=fd_ratio&extractor={'b' * 64}")
    assert re.findall(r'<tr id="(job_[^"]+)"', page) == [newest]


def test_a_comparison_shows_the_newest_evaluation_of_each_and_marks_the_best(alice, enter, bench, finished):
    other = train(alice, bench, name="other")
    evaluated(alice, bench, finished.id, result(COLLAPSED))
    evaluated(alice, bench, finished.id, result(BLURRED))
    evaluated(alice, bench, other)
    third = alice.submit(name="third")["id"]
    page = enter(alice).see(f"/dashboard/compare?jobs={finished.id},{other},{third}")
    assert cells(page, "quality", "Verdict") == ["Low fidelity", "Healthy", "–"]
    assert cells(page, "quality", "Fréchet ratio") == ["12.9", "1.13 best", "–"]
    assert cells(page, "quality", "Coverage") == ["61 %", "95.5 % best", "–"]
    # More than real images have is no better.
    assert cells(page, "quality", "Authenticity") == ["71 %", "48 %", "–"]


def test_copies_are_never_the_best(alice, enter, bench, finished):
    every = [evaluated(alice, bench, finished.id, result(changes)) for changes in (COPIES, BLURRED, COLLAPSED)]
    page = enter(alice).see(f"/dashboard/compare?jobs={','.join(every)}")
    assert cells(page, "quality", "Fréchet ratio") == ["0.56", "12.9", "6.2 best"]
    assert cells(page, "quality", "Coverage") == ["95.5 %", "61 % best", "44 %"]
    # Evaluations have no curves, but the images that were judged.
    assert 'id="charts"' not in page
    assert len(re.findall(r"<img[^>]* alt=.Some of the images", part(page, "quality"))) == 3


def test_evaluations_of_other_networks_are_not_compared(alice, enter, bench, finished):
    first = evaluated(alice, bench, finished.id)
    second = evaluated(alice, bench, finished.id, result(extractor=OTHER))
    shown = words(part(enter(alice).see(f"/dashboard/compare?jobs={first},{second}"), "quality"))
    assert "measured with different networks, so their figures cannot be compared" in shown
    assert "mnist-10k (aaaaaaaa), another network (bbbbbbbb)" in shown
    assert "Coverage" not in shown


def test_jobs_without_an_evaluation_say_where_to_get_one(alice, enter, finished):
    page = enter(alice).see(f"/dashboard/compare?jobs={finished.id},{alice.submit()['id']}")
    assert "None of these jobs has been evaluated." in part(page, "quality")


def test_a_data_set_ranks_the_best_evaluation_of_each_generator(alice, bob, enter, bench, finished, stores):
    good = train(alice, bench, name="good", recipe="dcgan", params={})
    evaluated(alice, bench, finished.id, result(BLURRED))
    evaluated(alice, bench, good, result(COLLAPSED))
    evaluated(alice, bench, good)
    page = enter(alice).see(ranking(stores))
    found = rows(page, "ranking")
    assert len(found) == 2
    assert found[0].startswith("1 good …")
    assert "dcgan · epoch 1 · step 1 · trained" in found[0]
    assert "Healthy 1.13 95.5 % 2,000 Report card" in found[0]
    assert found[1].startswith("2 digits …")
    assert "Low fidelity 12.9" in found[1]
    assert page.count('alt="" src="/v1/artifacts/') == 2  # a grid of each
    assert "Every generator of this data set with a checkpoint has been evaluated." in words(page)
    assert "No generator has been evaluated against this data set yet." in words(enter(bob).see(ranking(stores)))


def test_a_generator_that_copies_stands_below_healthy_ones_whatever_its_ratio(alice, enter, bench, finished, stores):
    copier = train(alice, bench, name="copier", recipe="dcgan", params={})
    evaluated(alice, bench, copier, result(COPIES))
    evaluated(alice, bench, finished.id, result(count=1000))
    page = enter(alice).see(ranking(stores))
    first, second = rows(page, "ranking")
    assert "Healthy 1.13" in first
    assert "Copying 0.56" in second
    # Their ratios are of different counts.
    assert "compare ratios of equal counts" in words(page)
    evaluated(alice, bench, finished.id)
    compared = f"/dashboard/compare?jobs={finished.id},{copier}"
    assert "compare ratios of equal counts" not in words(enter(alice).see(compared))


def test_the_list_shows_the_verdict_of_an_evaluation_and_its_order_as_a_filter(alice, enter, bench, finished):
    evaluated(alice, bench, finished.id, result(COLLAPSED))
    page = enter(alice).see("/dashboard/jobs?sort=fd_ratio&kind=evaluate")
    assert "succeeded Modes lost" in words(page)
    assert 'aria-label="Remove the filter Kind: evaluation"' in page
    chip = re.search(r'href="([^"]*)" aria-label="Back to newest first; now: best quality first [^"]*"', page)[1]
    assert chip == "/dashboard/jobs?kind=evaluate"
    assert "Back to newest first" not in enter(alice).see(chip)


def test_generators_that_were_never_evaluated_stand_below_with_a_button(alice, carol, enter, bench, finished, stores):
    train(alice, bench, recipe="darknet", params={})
    alice.submit(name="no checkpoint yet")
    page = enter(alice).see(ranking(stores))
    found = rows(page, "never")
    assert len(found) == 1
    assert found[0].startswith("digits …")
    sent = re.search(r'data-call="POST /v1/jobs" data-body="([^"]*)"', page)[1].replace("&#34;", '"')
    assert sent == '{"kind": "evaluate", "source": {"checkpoint": "best", "job": "' + finished.id + '"}}'
    assert 'data-call="POST /v1/jobs"' not in enter(carol).see(ranking(stores))
    ask(alice, finished.id)
    page = enter(alice).see(ranking(stores))
    assert "Evaluation queued" in rows(page, "never")[0]
    assert 'data-call="POST /v1/jobs"' not in page


def test_each_network_has_a_ranking_of_its_own(alice, enter, bench, finished, stores):
    evaluated(alice, bench, finished.id)
    evaluated(alice, bench, finished.id, result(BLURRED, extractor=OTHER))
    reader = enter(alice)
    page = reader.see(ranking(stores))
    assert "Low fidelity" in rows(page, "ranking")[-1]  # the newest network
    page = reader.see(f"{ranking(stores)}?extractor={'a' * 64}")
    assert "Healthy" in rows(page, "ranking")[-1]
    assert "another network bbbbbbbb (1)" in words(page)
    reader.see(f"{ranking(stores)}?extractor=x", 422)


def test_a_ranking_tells_only_the_id_of_a_training_that_its_reader_may_not_read(
    app, admin, enter, bench, finished, stores
):
    evaluated(admin, bench, finished.id)
    (found,) = rows(enter(admin).see(ranking(stores)), "ranking")
    assert found.startswith("1 digits …")
    _, key = stores.accounts.keys.create("the admin's other key", "root", Role.user)
    (found,) = rows(enter(Person(app.test_client(), key, "")).see(ranking(stores)), "ranking")
    assert "digits" not in found
    assert f"…{finished.id[-6:]}" in found


def test_any_images_can_be_chosen_to_be_evaluated(alice, bob, enter, bench, finished, stores, upload):
    assert "There is no other data set with images of this kind yet." in words(enter(alice).see(ranking(stores)))
    upload(alice, zipped(pictures(200, mode="L")), "mine")
    upload(alice, zipped(pictures(20, mode="L")), "few")
    upload(alice, zipped(pictures(200)), "coloured")
    page = enter(alice).see(ranking(stores))
    assert re.findall(r'<option value="([^"]*)">', inside(page, "evaluate-source")) == ["mine"]
    assert f'data-reference="{dataset_id(stores)}"' in page
    evaluated(alice, bench, {"dataset": "mine"}, result(BLURRED), dataset="mnist-10k")
    assert "Images of mine Low fidelity" in rows(enter(alice).see(ranking(stores)), "ranking")[0]
    enter(bob).see("/dashboard/datasets/mine/ranking", 404)
    assert f'href="{ranking(stores)}"' in enter(bob).see("/dashboard/datasets")


@pytest.mark.parametrize(
    ("ratios", "fell"),
    [((4, 2, 3.5, 3.6), True), ((4, 2, 3.5, 2.1), False), ((4, 3, 2), False), ((), False), ((9,), False)],
)
def test_a_running_training_whose_quality_fell_needs_attention(alice, bob, enter, bench, ratios, fell):
    job = alice.submit(name="falls")["id"]
    claim = bench.claim()
    for number, ratio in enumerate(ratios, 1):
        epoch = {"epoch": number, "images": 1000 * number, "seconds": 1, "images_per_second": 1000, "device": "cpu"}
        bench.stores.jobs.progress(claim, [(EventType.epoch, {**epoch, "fd_ratio": ratio})])
    page = words(enter(alice).see("/dashboard"))
    assert ("The quality of a training fell: its Fréchet ratio is 3.6, and was 2 at its best." in page) is fell
    assert "The quality of a training fell" not in words(enter(bob).see("/dashboard"))
    if fell:
        bench.finish(claim)
        assert "The quality of a training fell" not in words(enter(alice).see("/dashboard"))
    assert job


def test_the_best_checkpoint_by_quality_is_named(alice, enter, bench, finished, stores):
    with stores.infra.engine.begin() as connection:
        connection.execute(
            text("UPDATE jobs SET fd_ratio = 2.345, extractor = :sha, best_checkpoint = :best WHERE id = :job"),
            {"sha": "a" * 64, "best": finished.checkpoint, "job": finished.id},
        )
    page = words(see(enter(alice), finished.id))
    assert "Quality of its best checkpoint Fréchet ratio while training: 2.35 epoch 1 · step 1" in page
