"""The form for a new job, as the server writes it."""

from __future__ import annotations

import html
import re

import pytest

from models.measured_quality import BEST_ON_DIGITS, CORES
from models.recipes import RECIPES
from tests.api.uploads.archives import pictures, zipped


def fields(page):
    """Return what each parameter's input holds, by name."""
    found = {}
    for part in re.split(r'<div class="field param" data-param="', page)[1:]:
        entry = part.partition('<p class="hint"')[0]
        value = re.search(r'data-value [^>]*value="([^"]*)"', entry)
        choice = re.search(r'<option(?: value="([^"]*)")? selected>([^<]*)<', entry)
        given = value or choice
        found[part.partition('"')[0]] = (
            next((one for one in given.groups() if one is not None), None) if given else None
        )
    return found


def chosen(page, name):
    """Return what is chosen in a list of choices."""
    inside = page.partition(f'name="{name}"')[2].partition("</select>")[0]
    found = re.search(r'<option value="([^"]*)" selected|<option selected>([^<]*)', inside)
    return found and (found[1] or found[2])


def recipe(page):
    """Return the recipe that is chosen."""
    return re.findall(r'name="recipe" value="([^"]*)"[^>]* checked', page)[0]


def offered(page):
    """Return the data sets by how they fit."""
    inside = page.partition('<select id="dataset"')[2].partition("</select>")[0]
    groups = re.findall(r'<optgroup label="([^"]*)">(.*?)</optgroup>', inside, re.DOTALL)
    return {label: re.findall(r'<option value="([^"]*)"', options) for label, options in groups}


def test_the_form_tells_which_recipe_was_best_after_some_minutes(alice, enter):
    page = enter(alice).see("/dashboard/new")
    told = page.partition("Best on handwritten digits")[2].partition("</p>")[0]
    assert f"with {CORES} CPU core" in told
    for best in BEST_ON_DIGITS:
        minutes = re.search(f"{re.escape(RECIPES[best.recipe].title)} after ([0-9, ]+) min", told)
        assert str(best.minutes) in minutes[1].split(", ")


@pytest.mark.parametrize("recipe", list(RECIPES))
def test_every_parameter_of_every_recipe_has_a_field_that_holds_its_default(alice, enter, recipe):
    page = enter(alice).see(f"/dashboard/new?recipe={recipe}")
    defaults = RECIPES[recipe].params().model_dump(mode="json")
    held = fields(page)
    assert set(held) == set(defaults)
    for name, default in defaults.items():
        text = f'data-param="{name}" data-kind='
        assert page.count(text) == 1
        if isinstance(default, int | float) and not isinstance(default, bool):
            assert float(held[name]) == default
        if default is None:
            assert held[name] in {"", None}


def test_bounds_and_descriptions_of_the_schema_stand_in_the_field(alice, enter):
    page = enter(alice).see("/dashboard/new?recipe=dcgan")
    epochs = page.partition('data-param="epochs"')[2].partition('data-param="images"')[0]
    assert 'type="number"' in epochs
    assert 'min="1" max="100000" step="1"' in epochs
    assert 'data-pointer="/params/epochs"' in epochs
    assert "Set either this or <code>images</code>." in epochs
    assert "If not set: <code>learning_rate</code>" in page


def test_what_follows_from_each_alert_of_the_recipe_is_a_choice(alice, enter):
    page = enter(alice).see("/dashboard/new?recipe=wgan")
    field = page.partition('data-param="on_alert"')[2].partition('<p class="hint"')[0]
    assert 'data-kind="actions"' in field
    assert re.findall(r'data-code="(\w+)"', field) == [
        *("critic_reversed", "critic_unbounded", "collapse", "generator_stalled", "overfitting", "gradient_norm"),
    ]
    assert field.count(">pause the job</option>") == 6
    assert re.findall(r'<option value="(\w+)" selected>', field) == ["none"] * 6


def test_a_preset_fills_in_and_counts_as_unchanged(alice, enter):
    page = enter(alice).see("/dashboard/new?recipe=dcgan&preset=ithome")
    assert chosen(page, "preset") == "ithome"
    assert fields(page)["epochs"] == "1000"
    assert 'data-param="epochs" data-kind="integer" data-default="1000"' in page


def test_a_preset_of_another_recipe_is_left_out(alice, enter):
    page = enter(alice).see("/dashboard/new?recipe=mlp_gan&preset=ithome")
    assert chosen(page, "preset") is None
    assert fields(page)["epochs"] == str(RECIPES["mlp_gan"].params().epochs)


def test_the_recipe_is_the_first_that_takes_the_data_set(alice, enter, upload):
    files = {**pictures(20, "A/", size=(32, 32)), **pictures(20, "B/", size=(32, 32))}
    assert upload(alice, zipped(files), "pairs").status_code == 201
    page = enter(alice).see("/dashboard/new?dataset=pairs")
    assert recipe(page) == "cyclegan"
    assert chosen(page, "dataset") == "pairs"
    page = enter(alice).see("/dashboard/new")
    assert recipe(page) == "compact"
    assert chosen(page, "dataset") == "mnist-10k"


def test_data_sets_that_fit_come_first_and_those_that_do_not_say_why(alice, enter, upload):
    assert upload(alice, zipped(pictures(20, size=(300, 200))), "wide", size="200").status_code == 201
    assert upload(alice, zipped(pictures(20, size=(64, 64))), "faces").status_code == 201
    page = enter(alice).see("/dashboard/new?recipe=darknet&dataset=faces")
    assert offered(page) == {"Compatible with Darknet classifier": ["mnist-10k"], "Incompatible": ["faces", "wide"]}
    assert "needs images with at least two classes" in page
    page = enter(alice).see("/dashboard/new?recipe=wgan")
    assert offered(page) == {
        "Compatible with WGAN": ["mnist-10k", "faces"],
        "Compatible after resizing: set image_size": ["wide"],
    }
    assert "set `image_size` to 64" in page


def test_recipes_say_before_they_are_chosen_whether_they_fit_the_data_set(alice, enter, upload):
    assert upload(alice, zipped(pictures(20, size=(300, 200))), "wide", size="200").status_code == 201
    page = enter(alice).see("/dashboard/new?recipe=compact&dataset=wide")
    said = dict(re.findall(r'id="recipe-(\w+)-fit">([^<]*)<', page))
    assert said["wgan"] == "Fits with image_size = 64"
    assert 'id="recipe-wgan-fit"></span>' in enter(alice).see("/dashboard/new?recipe=compact&dataset=mnist-10k")
    assert said["darknet"] == "Does not fit wide"
    assert said["cyclegan"] == "Does not fit wide"
    assert 'data-size="64"' in enter(alice).see("/dashboard/new?recipe=wgan&dataset=wide")


def test_a_form_is_filled_in_from_a_job(alice, enter, worker):
    changes = {"epochs": 3, "grid_every": {"steps": 50}, "learning_rate": 0.001}
    job = alice.submit(
        recipe="dcgan", params=changes, seed=7, name="<digits>", labels={"team": "a"}, priority=5, max_runtime_s=60
    )
    page = enter(alice).see(f"/dashboard/new?from={job['id']}")
    assert recipe(page) == "dcgan"
    held = fields(page)
    assert (held["epochs"], held["grid_every"], held["learning_rate"]) == ("3", "50", "0.001")
    # What the data set gave is not what was asked for.
    assert (job["params"]["image_size"], held["image_size"]) == (28, "")
    assert '<option value="steps" selected' in page.partition('data-param="grid_every"')[2].partition("<p")[0]
    for name, value in (("seed", 7), ("priority", 5), ("max_runtime_s", 60), ("name", html.escape("<digits>"))):
        assert re.search(rf'name="{name}"[^>]* value="{value}"', page), name
    assert chosen(page, "queue") == "cpu"
    assert "team=a\n</textarea>" in page
    assert "<digits>" not in page


def test_a_budget_in_images_takes_the_place_of_epochs(alice, enter):
    job = alice.submit(params={"images": 5000})
    held = fields(enter(alice).see(f"/dashboard/new?from={job['id']}"))
    assert (held["images"], held["epochs"]) == ("5000", "")


def test_a_drawing_fills_in_nothing(alice, enter, finished):
    source = {"job": finished.id, "checkpoint": "best"}
    drawn = alice.post("/v1/jobs", json={"kind": "sample", "source": source}).json
    page = enter(alice).see(f"/dashboard/new?from={drawn['id']}")
    assert "That job generated samples" in page
    assert "Copied from" not in page


def test_another_recipe_in_the_address_goes_before_the_jobs(alice, enter):
    job = alice.submit(params={"epochs": 3})
    page = enter(alice).see(f"/dashboard/new?from={job['id']}&recipe=wgan")
    assert recipe(page) == "wgan"
    assert fields(page)["epochs"] == "3"


def test_queues_are_shown_with_who_serves_them(alice, enter, worker):
    page = enter(alice).see("/dashboard/new?recipe=mlp_gan")
    assert "cpu \N{EN DASH} 1 worker, 0 waiting" in page
    assert "gpu \N{EN DASH} 0 workers, 0 waiting" in page


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("recipe=nope", 404),
        ("from=job_0198c0de-0000-7000-8000-000000000000", 404),
        ("from=nope", 422),
        ("surprise=1", 422),
        ("recipe=mlp_gan&recipe=dcgan", 422),
    ],
)
def test_an_address_that_means_nothing_is_an_error_page(alice, enter, query, status):
    enter(alice).see(f"/dashboard/new?{query}", status)


def test_an_unknown_data_set_is_said_and_another_offered(alice, enter):
    page = enter(alice).see("/dashboard/new?dataset=%3Cnope%3E")
    assert "Data set “&lt;nope&gt;” not found or not ready." in page
    assert chosen(page, "dataset") == "mnist-10k"


def test_nobody_fills_in_a_form_from_a_strangers_job_or_sees_their_data_sets(alice, bob, admin, enter, upload):
    job = alice.submit()
    made = upload(alice, zipped(pictures(20, size=(28, 28))), "secret").json
    enter(bob).see(f"/dashboard/new?from={job['id']}", 404)
    assert "secret" not in enter(bob).see("/dashboard/new")
    # An admin sees all; what another owner named is meant by its id.
    assert f'<option value="{made["id"]}"' in enter(admin).see("/dashboard/new")


def test_a_viewer_has_no_form(carol, enter):
    enter(carol).see("/dashboard/new", 403)
    assert "/dashboard/new" not in enter(carol).see("/dashboard")


def test_every_input_has_a_label_and_no_page_has_a_style_of_its_own(alice, enter):
    page = enter(alice).see("/dashboard/new?recipe=cyclegan")
    labelled = set(re.findall(r'<label for="([^"]+)"', page))
    inputs = re.findall(r'<(?:input|select|textarea)[^>]* id="([^"]+)"', page)
    assert set(inputs) <= labelled
    assert len(inputs) == len(set(inputs))
    assert " style=" not in page
    assert "<script>" not in page


def test_what_a_field_goes_back_to_is_said_in_words(alice, enter):
    reader = enter(alice)
    assert 'title="Reset to every 1 epoch"' in reader.see("/dashboard/new?recipe=mlp_gan")
    page = reader.see("/dashboard/new?recipe=mlp_gan", headers={"Accept-Language": "zh-TW"})
    assert 'title="Back to' not in page
    assert "1 epochs" not in page
