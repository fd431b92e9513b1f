"""Report cards, rankings and comparisons of evaluations, in a real browser."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import expect

from ganforge.stack.home import Home
from ganforge.stack.services import Services
from models.ids import new_id
from models.states import Outcome
from stores.container import open_stores
from stores.infra.settings import Settings
from stores.jobs.attempts import NewArtifact
from stores.jobs.transitions import Ending
from tests.browser.conftest import SMALL
from tests.browser.pages import assert_fits, assert_readable
from tests.browser.test_job import open_job
from tests.evaluations import BOTH, COPIES, report, result

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def stores(stack):
    """The stores of the running service."""
    home = Home(stack.commands.home)
    services, running = Services(home), home.read_stack()
    for name, address in (("postgres", "postgres"), ("valkey", "redis"), ("s3", "s3")):
        services.ports[name] = int(running[address].rpartition(":")[2])
    names = {name.removeprefix("GANFORGE_").lower(): value for name, value in services.environment().items()}
    opened = open_stores(Settings(**names))
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def judged(stack, stores, trained, tmp_path_factory):
    """Evaluations of a generator with two faults, and of one that copies, stored as a worker stores them."""
    folder = tmp_path_factory.mktemp("pictures")
    worker = stores.fleet.workers.register("by hand", "jetson", {"kind": "cpu"})
    made = {}
    for name, changes in (("both", BOTH), ("copies", COPIES)):
        asked = {"kind": "evaluate", "source": {"job": trained, "checkpoint": "best"}, "name": name}
        asked |= {"queue": "jetson", "priority": 100}
        made[name] = stack.client.submit(asked)["id"]
        claim = stores.jobs.claim("jetson", worker, "jetson")
        assert claim.job_id == made[name]
        keep(stores, claim, folder, result(changes))
    stores.fleet.workers.stop(worker)
    return made


def keep(stores, claim, folder: Path, measured):
    """Store the files and the result of an evaluation."""
    for kind, name, content_type in (
        ("samples", "judged.png", "image/png"),
        ("figure", "closest_pairs.png", "image/png"),
        ("report", "report.json", "application/json"),
    ):
        made = new_id("art")
        path = folder / made
        if content_type == "image/png":
            Image.effect_noise((256, 256), 80).save(path, "PNG")
        else:
            path.write_text(json.dumps(report(measured)))
        key = f"jobs/{claim.job_id}/{made}"
        stores.infra.blobs.put(key, path, content_type)
        size = path.stat().st_size
        stores.jobs.add_artifact(claim, NewArtifact(made, kind, name, 1, 1, size, "0" * 64, content_type, key))
    stores.jobs.finish(claim, Ending(Outcome.succeeded, result=measured))


def look(page, picture, name):
    """Check that the page is readable and fits, on a desk and a phone, in light and dark."""
    for size in (page.viewport_size, SMALL):
        page.set_viewport_size(size)
        for colours in ("light", "dark"):
            page.emulate_media(color_scheme=colours)
            assert_fits(page)
            assert_readable(page)
            picture(page, f"{name}-{size['width']}-{colours}")


def test_a_training_is_evaluated_from_its_page(person, trained, picture):
    page = open_job(person("admin", "root"), trained)
    page.locator("#evaluate-count").fill("100")
    page.get_by_role("button", name="Evaluate", exact=True).click()
    expect(page.locator("#evaluate-count:invalid")).to_be_visible()
    page.locator("#evaluate-count").fill("200")
    page.get_by_role("button", name="Evaluate", exact=True).click()
    expect(page.locator("#verdict")).to_be_visible(timeout=90_000)
    expect(page.locator("#figure-fd_ratio svg[role=img]")).to_be_visible()
    job = page.url.rpartition("/")[2]
    picture(page, "job-evaluated")
    page.locator(".facts .source a").click()
    expect(page).to_have_url(re.compile(trained))
    row = page.locator(f"#evaluation-{job}")
    expect(row).to_contain_text("200")
    row.get_by_role("link").click()
    expect(page.locator("#verdict")).to_be_visible()


def test_a_report_card_can_be_read_by_everybody(person, judged, picture):
    page = person("viewer", owner="admin", bypass_csp=True).page(f"/dashboard/jobs/{judged['both']}")
    expect(page.locator("#verdict")).to_contain_text("do not look real enough")
    ratio = page.get_by_role("img", name=re.compile("^Fréchet ratio: 12.9; .*; worse than real images$"))
    expect(ratio).to_be_visible()
    # The mark is drawn right of the band of real images.
    band, mark = (page.locator(f"#figure-fd_ratio .{part}").bounding_box() for part in ("real", "judged"))
    assert mark["x"] > band["x"] + band["width"]
    expect(page.get_by_role("row", name=re.compile("^3 hardly any"))).to_be_visible()
    look(page, picture, "job-report-card")


def test_the_ranking_of_a_data_set_leads_to_the_report_cards(stack, person, judged, picture):
    address = f"/dashboard/datasets/{stack.client.dataset('mnist-10k')['id']}/ranking"
    page = person("admin", "root", bypass_csp=True).page(f"{address}?extractor={'a' * 64}")
    expect(page.get_by_role("heading", level=1)).to_have_text("Generators of mnist-10k, best first")
    first = page.locator("#ranking tbody tr").first
    expect(first).to_contain_text("Copying")
    look(page, picture, "ranking")
    first.get_by_role("link", name="Report card").click()
    expect(page.locator("#verdict")).to_contain_text("Training images are copied")


def test_evaluations_are_compared_by_their_figures(person, judged, picture):
    page = person("admin", "root", bypass_csp=True).page(f"/dashboard/compare?jobs={','.join(judged.values())}")
    row = page.locator("#quality").get_by_role("row", name=re.compile("^Fréchet ratio"))
    expect(row).to_contain_text("best")
    look(page, picture, "compare-evaluations")
