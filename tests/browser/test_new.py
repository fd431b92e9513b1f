"""Submitting by the form, in a browser."""

from __future__ import annotations

import re

import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.browser.conftest import DESK
from tests.browser.pages import assert_fits, assert_readable

pytestmark = pytest.mark.slow

PLAN = "#plan"
# Two steps, and Advanced closed before the form is checked.
STEPS_AND_CLOSE = """() => {
    const steps = document.getElementById("p-d_steps");
    steps.value = "2";
    steps.dispatchEvent(new Event("input", { bubbles: true }));
    document.getElementById("advanced").open = false;
}"""


def field(page, name):
    """Return the input of a parameter."""
    return page.locator(f'[data-param="{name}"] [data-value]')


def advanced(page, group=None):
    """Open what is closed at first, and a group in it."""
    for title in ("Advanced", *([group] if group else [])):
        page.locator("summary", has_text=title).click()


def command(page):
    """Return what the form would send, as the command shows it."""
    return page.locator("#curl").text_content()


def test_a_person_chooses_changes_checks_and_sends(person, stack):
    alice = person()
    page = alice.page("/dashboard/new")
    page.get_by_role("radio", name="DCGAN (28 px)").check()
    expect(page.locator("#dataset-about")).to_contain_text("DCGAN (28 px):")
    expect(page).to_have_url(re.compile(r"recipe=dcgan&dataset=mnist-10k$"))
    page.get_by_label("Name").fill("small digits")
    field(page, "epochs").fill("2")
    expect(field(page, "width")).to_be_hidden()
    advanced(page, "Queue, seed and limits")
    page.locator("summary", has_text="Project, labels and notes").click()
    field(page, "width").fill("8")
    page.get_by_label("Labels").fill("team=a\nrun = 3")
    page.get_by_label("Project").fill("handwriting")
    page.get_by_label("Notes").fill("# Why\n*less* width")
    page.get_by_label("Queue").select_option("cpu")
    expect(page.locator("#advanced > summary [data-changed-count]")).to_have_text("5 changed")
    expect(page.locator(PLAN)).to_contain_text("cpu (1 live worker)")
    expect(page.locator(PLAN)).to_contain_text("28\N{MULTIPLICATION SIGN}28 pixels")
    assert '"epochs": 2' in command(page)
    page.get_by_role("button", name="Start training").click()
    page.wait_for_url(re.compile("/dashboard/jobs/job_"))
    job = alice.client.job(page.url.rpartition("/")[2])
    alice.client.cancel(job["id"])
    assert (job["recipe"], job["name"], job["labels"]) == ("dcgan", "small digits", {"team": "a", "run": "3"})
    assert (job["params"]["epochs"], job["params"]["width"], job["params"]["batch_size"]) == (2, 8, 128)
    assert (job["project"], job["notes"], job["queue_asked"]) == ("handwriting", "# Why\n*less* width", True)
    alice.complaints.clear()


def test_what_was_changed_is_marked_and_put_back_and_stays_with_another_recipe(person):
    page = person().page("/dashboard/new?recipe=mlp_gan")
    changed = page.locator("[data-changed]")
    expect(changed).to_have_count(0)
    field(page, "epochs").fill("3")
    expect(changed).to_have_count(1)
    advanced(page, "Logging and early stopping")
    field(page, "grid_every").fill("2")
    expect(page.locator("#p-group-records [data-changed-count]")).to_have_text("1 changed")
    field(page, "learning_rate").fill("0.001")
    expect(page.locator("#advanced > summary [data-changed-count]")).to_have_text("2 changed")

    page.get_by_role("radio", name="WGAN", exact=True).check()
    expect(page.get_by_role("heading", name="Parameters of WGAN")).to_be_visible()  # what was open is open
    expect(field(page, "epochs")).to_have_value("3")
    expect(field(page, "grid_every")).to_have_value("2")
    expect(field(page, "grid_every")).to_be_visible()
    expect(field(page, "clip")).to_be_hidden()
    expect(changed).to_have_count(3)
    assert '"grid_every": {\n   "epochs": 2\n  }' in command(page)

    page.get_by_role("button", name="reset epochs").click()
    expect(field(page, "epochs")).to_be_focused()
    expect(changed).to_have_count(2)
    assert '"epochs": 3' not in command(page)


def test_a_preset_fills_in_around_what_was_changed(person):
    page = person().page("/dashboard/new?recipe=dcgan")
    advanced(page)
    field(page, "batch_size").fill("64")
    page.get_by_label("Preset", exact=True).focus()
    page.get_by_label("Preset", exact=True).select_option("ithome")
    expect(field(page, "epochs")).to_have_value("1000")
    expect(field(page, "batch_size")).to_have_value("64")
    expect(page.get_by_label("Preset", exact=True)).to_be_focused()
    expect(page.get_by_text("The article's settings")).to_be_visible()
    expect(page.locator("[data-changed]")).to_have_count(2)  # the preset, and what stands beside it
    page.reload()  # the address holds the choice
    expect(page.get_by_label("Preset", exact=True)).to_have_value("ithome")


def test_one_budget_takes_the_place_of_the_other(person):
    page = person().page("/dashboard/new?recipe=dcgan")
    field(page, "images").fill("5000")
    expect(field(page, "epochs")).to_have_value("")
    assert '"images": 5000' in command(page)
    assert "epochs" not in command(page)
    field(page, "epochs").fill("4")
    expect(field(page, "images")).to_have_value("")


def test_what_is_wrong_is_said_beside_the_field_as_one_types(person):
    alice = person()
    page = alice.page("/dashboard/new?recipe=dcgan")
    advanced(page)
    field(page, "learning_rate").fill("0")  # the browser knows no bound that is not a value itself: the service says so
    problem = page.locator('[data-param="learning_rate"] .problem')
    expect(problem).to_have_text("must be greater than 0.0")
    expect(field(page, "learning_rate")).to_have_attribute("aria-invalid", "true")
    expect(page.locator(PLAN)).to_contain_text("Fix 1 problem:")
    expect(field(page, "learning_rate")).to_be_focused()  # nobody is thrown out of where they type
    field(page, "learning_rate").fill("0.001")
    expect(problem).to_have_count(0)
    expect(page.locator(PLAN)).to_contain_text("1 live worker")
    field(page, "batch_size").fill("1")
    expect(page.locator('[data-param="batch_size"] .problem')).to_contain_text("2")
    alice.complaints.clear()  # the browser says that there was a 422


def test_sending_leads_to_the_first_thing_that_is_wrong_though_it_is_out_of_sight(person):
    alice = person()
    page = alice.page("/dashboard/new?recipe=dcgan")
    advanced(page, "Logging and early stopping")
    field(page, "patience").fill("0")
    expect(page.locator('[data-param="patience"] .problem')).to_be_visible()
    advanced(page)  # closes it
    expect(field(page, "patience")).to_be_hidden()
    page.get_by_role("button", name="Start training").click()
    expect(field(page, "patience")).to_be_focused()
    assert page.url.partition("?")[0].endswith("/dashboard/new")
    field(page, "patience").fill("3")
    # An error of no one field stands in the plan.
    expect(page.locator(PLAN)).to_contain_text("patience needs a monitor")
    page.locator("summary", has_text="Project, labels and notes").click()
    page.get_by_label("Labels").fill("no equals sign")
    expect(page.locator(PLAN)).to_contain_text("Write one key=value per line")
    alice.complaints.clear()


def test_what_the_service_refuses_opens_its_group_and_can_be_closed_again(person):
    alice = person()
    page = alice.page("/dashboard/new?recipe=dcgan&preset=ithome")
    shared = field(page, "shared_fakes")
    advanced(page, "Training")
    shared.select_option("true")
    expect(page.locator(PLAN)).to_contain_text("1 live worker")
    page.evaluate(STEPS_AND_CLOSE)
    problem = page.locator('[data-param="shared_fakes"] .problem')
    expect(problem).to_have_text(re.compile("^both networks share their images only .* set d_steps to 1$"))
    expect(problem).to_be_visible()
    advanced(page)
    page.locator(PLAN).get_by_role("link", name="shared_fakes").click()
    expect(shared).to_be_focused()
    alice.complaints.clear()  # the browser says that there was a 422


def test_a_duplicate_says_how_much_differs_and_copies_the_project_but_not_the_notes(person):
    alice = person()
    params = {"epochs": 3, "width": 16, "grid_every": {"epochs": 2}}
    body = {"kind": "train", "recipe": "mlp_gan", "dataset": "mnist-10k", "params": params, "notes": "of this job"}
    job = alice.client.submit({**body, "project": "handwriting", "priority": -100})
    page = alice.page(f"/dashboard/new?from={job['id']}")
    # The width, the grids, the priority and the project; what the service filled in is left to it again.
    expect(page.locator("#advanced > summary [data-changed-count]")).to_have_text("4 changed")
    expect(page.locator("#advanced")).not_to_have_attribute("open", "")
    expect(page.locator("#job-notes")).to_have_value("")
    expect(page.locator("#job-queue")).to_have_value("auto")
    alice.client.cancel(job["id"])


def test_nobody_to_run_it_is_said_before_it_is_sent(person):
    page = person().page("/dashboard/new?recipe=mlp_gan")
    advanced(page, "Queue, seed and limits")
    page.get_by_label("Queue").select_option("jetson")
    expect(page.locator(PLAN)).to_contain_text("No worker serves jetson")


def test_the_end_is_foretold_where_the_like_has_ended_before(person, stack, trained):
    page = person("admin").page(f"/dashboard/new?from={trained}")
    expect(page.get_by_text("Copied from digits")).to_be_visible()
    expect(field(page, "epochs")).to_have_value("4")
    expect(page.locator("#plan dd").nth(2)).to_contain_text(re.compile(r"in \d+ s, at .*between"))


def test_a_second_press_after_a_broken_connection_makes_no_second_job(person):
    alice = person()
    page = alice.page("/dashboard/new?recipe=mlp_gan")
    advanced(page, "Queue, seed and limits")
    page.get_by_label("Queue").select_option("jetson")
    expect(page.locator(PLAN)).to_contain_text("No worker serves jetson")
    keys = []

    def arrive_and_break(route):
        keys.append(route.request.headers["idempotency-key"])
        route.fetch()
        route.abort()

    page.route("**/v1/jobs", arrive_and_break)
    send = page.get_by_role("button", name="Start training")
    send.click()
    expect(page.get_by_text("service not responding")).to_be_visible()
    page.unroute("**/v1/jobs")
    send.click()
    page.wait_for_url(re.compile("/dashboard/jobs/job_"))
    jobs = alice.client.jobs(limit=10)
    assert [job["id"] for job in jobs] == [page.url.rpartition("/")[2]]
    assert len(keys) == 1
    alice.client.cancel(page.url.rpartition("/")[2])
    alice.complaints.clear()


def test_what_was_written_is_there_again_when_the_session_has_ended_meanwhile(person):
    alice = person()
    page = alice.page("/dashboard/new?recipe=dcgan&dataset=mnist-10k")
    field(page, "epochs").fill("7")
    page.get_by_label("Name").fill("kept")
    expect(page.locator(PLAN)).to_contain_text("1 live worker")
    advanced(page)
    alice.context.clear_cookies()
    field(page, "batch_size").fill("32")
    expect(page).to_have_url(re.compile("/dashboard/login"))
    page.get_by_label("Access key").fill(alice.key)
    page.get_by_role("button", name="Sign in").click()
    expect(field(page, "epochs")).to_have_value("7")
    expect(field(page, "batch_size")).to_have_value("32")
    expect(page.get_by_label("Name")).to_have_value("kept")
    expect(page.locator("[data-changed]")).to_have_count(2)
    page.goto(alice.stack.url + "/dashboard/new?recipe=dcgan&dataset=mnist-10k")  # whoever comes otherwise begins anew
    expect(page.locator("[data-changed]")).to_have_count(0)
    alice.complaints.clear()


def test_the_form_is_filled_in_and_sent_with_keys_alone(person):
    alice = person()
    page = alice.page("/dashboard/new?recipe=mlp_gan")
    page.get_by_role("radio", name="MLP GAN").focus()
    page.keyboard.press("ArrowDown")
    expect(page.locator("#dataset-about")).to_contain_text("DCGAN (28 px):")
    expect(page.get_by_role("radio", name="DCGAN (28 px)")).to_be_focused()
    advanced(page, "Queue, seed and limits")
    page.get_by_label("Queue").select_option("jetson")
    field(page, "epochs").focus()
    page.keyboard.press("Control+A")
    page.keyboard.type("2")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/dashboard/jobs/job_"))
    made = page.url.rpartition("/")[2]
    assert alice.client.job(made)["params"]["epochs"] == 2
    alice.client.cancel(made)
    alice.complaints.clear()


def test_the_form_is_for_everybody_at_any_width(person, picture, look):
    alice = person(**look.context)
    page = alice.page("/dashboard/new?recipe=wgan")
    expect(page.locator(PLAN)).to_contain_text("1 live worker")
    for part in ("#job-name", "#choice", "#dataset", "#p-epochs"):
        box = page.locator(part).bounding_box()
        assert look.name.startswith("small") or box["y"] + box["height"] <= DESK["height"], (part, box)
    picture(page, f"new-{look.name}")
    advanced(page)
    for group in page.locator("#advanced .group > summary").all():
        group.click()
    page.get_by_text("Submit with curl").click()
    field(page, "epochs").fill("3")
    field(page, "patience").fill("0")
    expect(page.locator('[data-param="patience"] .problem')).to_be_visible()
    picture(page, f"new-{look.name}-more")
    assert_readable(page)
    assert_fits(page)


def test_what_is_wrong_is_said_in_the_language_of_the_page(person):
    alice = person(locale="zh-TW")
    page = alice.page("/dashboard/new?recipe=dcgan")
    page.locator("#advanced > summary").click()
    for name, value, said in (
        ("width", "2", "必須至少為 4"),  # the browser finds it, and would say so in its own language
        ("width", "", "必須填寫"),
        ("learning_rate", "0", "必須大於 0.0"),  # the service refuses it
    ):
        field(page, name).fill(value)
        expect(page.locator(f'[data-param="{name}"] .problem')).to_have_text(said)
        field(page, name).fill("16" if name == "width" else "0.001")
    alice.complaints.clear()


def test_a_data_set_of_another_size_is_told_once_and_a_button_sets_what_fits(person, tmp_path):
    alice = person()
    for number in range(64):  # a batch
        Image.new("L", (200, 200), number * 4).save(tmp_path / f"{number}.png")
    alice.client.add_dataset(tmp_path, name="wide", size=200)
    page = alice.page("/dashboard/new?recipe=wgan")
    expect(page.locator("#recipe-wgan-fit")).to_be_empty()
    page.get_by_label("Data set").select_option("wide")
    expect(page.locator("#recipe-wgan-fit")).to_have_text("Fits with image_size = 64")
    expect(page.locator("#recipe-darknet-fit")).to_have_text("Does not fit wide")
    problem = page.locator("#dataset + .problem")
    expect(problem).to_contain_text("needs square images")
    expect(problem.locator("code")).to_have_text("image_size")
    expect(page.locator("#dataset-why")).to_be_hidden()
    page.get_by_role("button", name="Set image_size = 64").click()
    expect(field(page, "image_size")).to_have_value("64")
    expect(field(page, "image_size")).to_be_focused()
    expect(page.locator(PLAN)).to_contain_text("64\N{MULTIPLICATION SIGN}64 pixels")
    expect(problem).to_have_count(0)
    expect(page.locator("#dataset-fix")).to_be_hidden()
    alice.complaints.clear()  # the browser says that there was a 422
