"""The page of an evaluation: the verdict, the figures beside their references, and what there is without a result."""

from __future__ import annotations

import html
import re

import pytest

from api.dashboard.report_card import Figure, Kind, card, histogram, pairs, real_range
from models.states import ErrorCode, Outcome
from stores.jobs.transitions import Ending
from tests.api.dashboard.test_job import calls, inside, see, words
from tests.api.uploads.archives import pictures, zipped
from tests.evaluations import BLURRED, BOTH, COLLAPSED, COPIES, ask, evaluated, report, result

DIGITS = {"classes": list("0123456789"), "class_counts": [100] * 10}
RATIO = Kind("fd_ratio", (0.5, 20.0), logarithmic=True)
SHARE = Kind("coverage", (0.0, 1.0), "share")


def head(page):
    """Return what a person reads at the top of the page."""
    return words(re.search(r'<section id="job-head".*?</section>', page, re.DOTALL)[0])


def gauges(page):
    """Return the text alternative of each scale, by the name of its figure."""
    found = re.findall(r'id="figure-(\w+)".*?aria-label="([^"]*)"', page, re.DOTALL)
    return {name: html.unescape(label) for name, label in found}


@pytest.mark.parametrize(
    ("changes", "badges", "sentence"),
    [
        ({}, "Healthy", "Healthy: the images look real, all kinds of images are there, and they are new."),
        (BLURRED, "Low fidelity", "12.9 times as far from real images as new real images are."),
        (COLLAPSED, "Modes lost", "44 % of the real images have a generated image like them."),
        (COPIES, "Copying", "93 % of the images are nearly equal to a training image."),
        (BOTH, "Low fidelity Modes lost", "44 % of the real images"),
    ],
)
def test_the_verdict_stands_in_a_sentence_beside_the_state(alice, enter, bench, finished, changes, badges, sentence):
    job = evaluated(alice, bench, finished.id, result(changes))
    shown = head(see(enter(alice), job))
    assert f"Evaluation of digits succeeded {badges} " in shown  # the name of the training
    assert sentence in shown
    # The training that was judged says so, too.
    judged = head(see(enter(alice), finished.id))
    assert f"digits succeeded {badges} " in judged
    assert sentence in judged
    assert "Report card · epoch 1 · step 1" in judged


def test_figures_stand_in_three_groups_with_those_of_real_images(alice, enter, bench, finished):
    page = see(enter(alice), evaluated(alice, bench, finished.id, result(COLLAPSED)))
    assert re.findall(r'id="group-(\w+)"', page) == ["fidelity", "diversity", "copying"]
    labels = gauges(page)
    assert len(labels) == 10
    assert labels["recall"] == "Recall: 31 %; new real images: 84 to 94 %; worse than real images"
    assert labels["fd_ratio"].startswith("Fréchet ratio: 6.2; new real images: ")
    assert labels["fd_ratio"].endswith("; worse than real images")
    assert labels["coverage"] == "Coverage: 44 %; new real images: 94 to 100 %; worse than real images"
    assert labels["auth_pct"].endswith("; like real images")
    assert "they are new" in words(inside(page, "group-copying"))
    assert "kinds are missing" in words(inside(page, "group-diversity"))
    assert "no fault found, but some figures are worse" in words(inside(page, "group-fidelity"))
    assert "Lower learning rates" in words(page)  # what to try
    assert "style=" not in page  # the policy of pages allows none


def test_classes_stand_beside_the_real_ones_and_missing_ones_are_named(alice, enter, bench, finished):
    page = see(enter(alice), evaluated(alice, bench, finished.id, result(COLLAPSED)))
    table = re.search(r'<table class="classes">.*?</table>', page, re.DOTALL)[0]
    rows = [words(row) for row in re.findall(r"<tr.*?</tr>", table, re.DOTALL)[1:]]
    assert len(rows) == 10
    assert rows[0] == "0 21 % 9.8 %"
    assert [row[0] for row in rows if "hardly any" in row] == ["3", "8", "9"]


def test_the_report_the_images_and_the_network_that_measured_are_linked(alice, enter, bench, finished):
    job = evaluated(alice, bench, finished.id)
    page = see(enter(alice), job)
    file = re.search(r'href="/v1/artifacts/(art_[^/]+)/content" download>Download', page)[1]
    assert alice.get(f"/v1/artifacts/{file}/content?redirect=false").json == report(result())
    assert f'href="/dashboard/jobs/{job}/report"' in page
    assert "2,000 images were judged" in words(page)
    assert "mnist-10k (accuracy 99.1 %)" in words(page)
    assert 'alt="Some of the images that were judged"' in page
    assert f'href="/dashboard/jobs/{finished.id}"' in page


def test_the_card_is_there_when_its_files_are_gone(alice, enter, bench, finished, stores):
    job = evaluated(alice, bench, finished.id)
    with stores.infra.engine.begin() as connection:
        connection.exec_driver_sql(f"DELETE FROM artifacts WHERE job_id = '{job}'")
    page = see(enter(alice), job)
    assert len(gauges(page)) == 10
    assert {label.split("; ")[1] for label in gauges(page).values()} == {"no reference"}
    assert "Some of the images" not in page


def test_an_evaluation_that_waits_runs_or_failed_says_so_in_place_of_its_card(alice, enter, bench, finished, stores):
    reader = enter(alice)
    job = ask(alice, finished.id)
    assert "The report card appears here when all images have been examined." in words(see(reader, job))
    claim = bench.claim()
    far = {"epoch": 0, "epochs": None, "step": 400, "steps": 1000, "images": 400, "fraction": 0.4}
    stores.jobs.progress(claim, [], progress=far)
    page = see(reader, job)
    assert "400 of 1,000 images examined" in head(page)
    assert "40 %" in head(page)
    assert "Epoch" not in head(page)
    stores.jobs.finish(claim, Ending(Outcome.failed, None, ErrorCode.checkpoint_corrupt, "it is damaged"))
    page = see(reader, job)
    assert "Damaged checkpoint it is damaged" in head(page)
    assert "No result. The reason stands above" in words(page)
    assert calls(page) == []


def test_images_of_a_data_set_are_evaluated_without_a_recipe_on_their_page(alice, enter, bench, upload):
    made = upload(alice, zipped(pictures(200, mode="L")), "mine")
    assert made.status_code == 201, made.text
    job = evaluated(alice, bench, {"dataset": "mine"}, result(BLURRED), dataset="mnist-10k")
    shown = head(see(enter(alice), job))
    assert shown.startswith("Evaluation of mine succeeded Low fidelity")
    assert "Evaluated images: mine" in shown
    assert "Compared with: mnist-10k" in shown
    assert "Recipe" not in shown
    assert "mine" in words(enter(alice).see("/dashboard/jobs"))


def test_other_people_see_no_evaluation_and_a_viewer_sees_it(alice, bob, carol, enter, bench, finished):
    job = evaluated(alice, bench, finished.id)
    enter(bob).see(f"/dashboard/jobs/{job}", 404)
    page = see(enter(carol), job)
    assert "Healthy" in head(page)
    assert "Retry" not in head(page)


@pytest.mark.parametrize("language", ["zh-TW", "zh-CN"])
def test_the_verdict_is_said_in_the_readers_language(alice, enter, bench, finished, language):
    job = evaluated(alice, bench, finished.id, result(BOTH))
    page = see(enter(alice), job, headers={"Accept-Language": language})
    assert not re.search(r"[A-Za-z]{4,} [a-z]{3,} [a-z]{3,}", inside(page, "verdict"))
    assert "worse than" not in page


def test_marks_and_bands_stand_where_their_values_are():
    better = Figure(RATIO, 0.5, (0.8, 1.3))
    worse = Figure(RATIO, 20.0, (0.8, 1.3))
    assert (better.fits, worse.fits, Figure(RATIO, 3.0, None).fits) == (True, False, None)
    assert (better.at(0.5), better.at(20.0)) == (4.0, 96.0)
    first, width = better.band
    assert better.at(0.8) == pytest.approx(first)
    assert better.at(1.3) == pytest.approx(first + width)
    assert better.at((0.5 * 20) ** 0.5) == 50.0  # the scale is logarithmic
    assert Figure(SHARE, 0.5, (0.97, 0.97)).band[1] == 1.5  # wide enough to see
    assert Figure(SHARE, 0.96, (0.94, 1.0)).fits
    # What lies outside of the usual scale widens it.
    assert Figure(RATIO, 300.0, (0.8, 1.3)).ends == (0.5, 300.0)


def test_a_ratio_far_below_that_of_real_images_stands_at_the_beginning_of_its_scale():
    same = Figure(RATIO, 1e-9, (0.8, 1.3))
    assert (same.ends, same.at(same.value), same.fits) == ((0.5, 20.0), 4.0, True)


def test_ranges_are_told_with_few_digits():
    assert Figure(RATIO, 1.0, (0.8123, 1.2987)).told == (0.81, 1.3)
    assert Figure(SHARE, 0.5, (0.9432, 1.0)).told == (0.94, 1.0)
    assert Figure(SHARE, 0.5, (0.0042, 0.0181)).told == (0.004, 0.018)
    assert Figure(RATIO, 1.0, None).told is None


def test_pairs_nearer_than_real_images_are_marked(alice, enter, bench, finished):
    page = see(enter(alice), evaluated(alice, bench, finished.id, result(COPIES)))
    labels = re.findall(r'role="img" aria-label="(Pair [^"]*)"', page)
    assert labels == [
        "Pair 1: distance 0.02, nearer than real images",
        "Pair 2: distance 0.41, nearer than real images",
        "Pair 3: distance 0.80",
    ]
    # Each is cut from the sheet: a column of it, the judged image above the training image.
    assert re.findall(r'<svg viewBox="(\d) (\d) 1 1"', page) == [(str(n), row) for n in range(3) for row in "01"]
    assert 'width="3" height="2" preserveAspectRatio="none"' in page
    assert len(re.findall(r'<li class="off">', page)) == 2
    # Few such pairs are no fault.
    page = see(enter(alice), evaluated(alice, bench, finished.id))
    assert '<li class="off">' not in page
    assert len(re.findall(r'<li class="close">', page)) == 2


def test_a_report_without_a_sheet_has_no_pairs():
    assert pairs({}) == pairs({"closest": [[0, 1, 0.2]]}) == []


def test_images_that_look_like_nothing_real_are_of_no_kind(alice, enter, bench, finished):
    noise = {**BLURRED, "fidelity": {"precision": 0.01}, "diversity": {"coverage": 0.0, "recall": 0.0}}
    page = see(enter(alice), evaluated(alice, bench, finished.id, result(noise)))
    assert "unclear while images do not look real" in words(inside(page, "group-diversity"))
    assert "Images that do not look real belong to no class" in words(page)


def test_a_figure_that_was_not_measured_is_left_out():
    groups = card(result(diversity={"kl": None}), {})
    assert [figure.kind.name for figure in groups[1].figures] == ["coverage", "recall"]


def test_of_many_classes_those_are_shown_that_differ_most():
    names = [f"class {n}" for n in range(100)]
    shares = [1 / 100] * 100
    shares[3], shares[97] = 0.0, 0.02
    measured = result(diversity={"class_histogram": shares, "classes_missing": ["class 3"]})
    found = histogram(measured, {}, {"classes": names, "class_counts": [50] * 100})
    assert len(found.classes) == 20
    assert found.left_out == 80
    assert [one.name for one in found.classes if one.missing] == ["class 3"]
    assert {"class 3", "class 97"} <= {one.name for one in found.classes}
    assert histogram(result(), {}, {"classes": [], "class_counts": None}) is None
    assert histogram(result(), {}, DIGITS).left_out == 0


def test_the_range_of_real_images_is_that_of_the_report():
    assert real_range("fd_ratio", report(result())) == (0.8, 1.3)
    assert real_range("fd_ratio", {}) is None
