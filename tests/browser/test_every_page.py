"""What holds for every page: axe finds nothing, it fits a phone, it complains of nothing, it comes in few bytes."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import DESK, SMALL, TRAIN
from tests.browser.pages import MOST_BYTES, assert_fits, assert_readable, loaded_bytes
from tests.waiting import until

pytestmark = pytest.mark.slow

# Name of the picture and address, with the jobs below.
PAGES = {
    "overview": "/dashboard",
    "jobs": "/dashboard/jobs",
    "job": "/dashboard/jobs/{job}",
    "job-layers": "/dashboard/jobs/{job}/layers",
    "job-report": "/dashboard/jobs/{job}/report",
    "job-of-samples": "/dashboard/jobs/{drawn}",
    "job-that-waits": "/dashboard/jobs/{waits}",
    "evaluation": "/dashboard/jobs/{both}",
    "evaluation-that-copies": "/dashboard/jobs/{copies}",
    "evaluation-that-failed": "/dashboard/jobs/{failed}",
    "evaluation-that-waits": "/dashboard/jobs/{asked}",
    "jobs-by-quality": "/dashboard/jobs?kind=evaluate&sort=fd_ratio",
    "compare": "/dashboard/compare?jobs={job},{waits}",
    "compare-evaluations": "/dashboard/compare?jobs={both},{copies}",
    "new": "/dashboard/new",
    "new-cyclegan": "/dashboard/new?recipe=cyclegan",
    "datasets": "/dashboard/datasets",
    "ranking": "/dashboard/datasets/{dataset}/ranking",
    "storage": "/dashboard/storage",
    "retention": "/dashboard/storage/retention?project=digits&checkpoints_after_days=30&ended_after_days=365",
    "trash": "/dashboard/jobs?trashed=true",
    "job-in-the-trash": "/dashboard/jobs/{deleted}",
    "queues": "/dashboard/queues",
    "usage": "/dashboard/usage",
    "workers": "/dashboard/workers",
    "keys": "/dashboard/keys",
    "webhooks": "/dashboard/webhooks",
    "audit": "/dashboard/audit",
    "docs": "/docs",
}
WINDOWS = {"desk": DESK, "phone": SMALL}


@pytest.fixture(scope="module")
def addresses(stack, trained, judged):
    """Return the addresses by name, with something to see on each: jobs that wait, run, ended and failed."""
    client = stack.client
    waits = client.submit({**TRAIN, "queue": "gpu", "name": "waits"})
    drawn = client.submit({"kind": "sample", "source": {"job": trained, "checkpoint": "best"}, "name": "drawn"})
    until(lambda: client.job(drawn["id"])["finished_at"], 60, "the end of the drawing")
    asked = client.submit({"kind": "evaluate", "source": {"job": trained}, "queue": "gpu"})["id"]
    deleted = client.submit({**TRAIN, "queue": "gpu", "name": "deleted"})["id"]
    client.cancel(deleted)
    client.delete(deleted)
    jobs = {"asked": asked, "deleted": deleted, "job": trained, "waits": waits["id"], "drawn": drawn["id"], **judged}
    dataset = client.dataset("mnist-10k")["id"]
    return {name: path.format(**jobs, dataset=dataset) for name, path in PAGES.items()}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_readable_fits_and_is_light(person, addresses, picture, name):
    admin = person("admin", "root")
    page = admin.page(addresses[name])
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.locator("#connection:not([data-state=none]), body:not([data-live])").first).to_be_attached()
    assert loaded_bytes(page) < MOST_BYTES
    for window, size in WINDOWS.items():
        page.set_viewport_size(size)
        for colours in ("light", "dark"):
            page.emulate_media(color_scheme=colours)
            assert_fits(page)
            assert_readable(page)
            picture(page, f"{name}-{window}-{colours}")


def test_names_and_labels_of_any_length_and_direction_stay_in_their_places(person, stack):
    admin = person("admin", "root", viewport=SMALL)
    labels = {"k" * 60: "v" * 200, **{f"label-{n}": "x" for n in range(20)}}
    job = stack.client.submit({**TRAIN, "queue": "jetson", "name": "\u05d0" * 20 + "W" * 180, "labels": labels})
    for path in (
        "/dashboard",
        "/dashboard/jobs",
        f"/dashboard/jobs/{job['id']}",
        "/dashboard/queues",
        "/dashboard/audit",
    ):
        page = admin.page(path)
        for size in WINDOWS.values():
            page.set_viewport_size(size)
            assert_fits(page)
    page = admin.page("/dashboard/queues")
    place = page.locator(f"#next-{job['id']}")
    name, short = place.get_by_role("link").bounding_box(), place.locator(".id").bounding_box()
    # A long name is cut, and the id stands in its line.
    assert name["y"] < short["y"] + short["height"] / 2 < name["y"] + name["height"]
    stack.client.cancel(job["id"])


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_the_login_is_readable_and_fits(person, picture, colours):
    nobody = person(signed_in=False, viewport=SMALL, color_scheme=colours)
    page = nobody.page("/dashboard/login")
    assert_readable(page)
    assert_fits(page)
    picture(page, f"login-phone-{colours}")


@pytest.mark.parametrize("language", ["zh-TW", "zh-CN"])
def test_every_page_fits_in_every_language(person, addresses, picture, language):
    admin = person("admin", "root", viewport=SMALL, locale=language)
    page = admin.page("/dashboard")
    for name, address in addresses.items():
        page.goto(admin.stack.url + address)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        assert_fits(page)
        picture(page, f"{name}-phone-{language}")
