"""A job that waits for the extractor of its data set says so, on its page and in the list."""

from __future__ import annotations

import re

import pytest

from models.states import Outcome
from stores.jobs.transitions import Ending
from tests.api.dashboard.test_job import see, words
from tests.evaluations import pets_row

WAITING = {
    "evaluation": {"kind": "evaluate", "source": {"dataset": "pets"}, "recipe": None, "params": {}},
    "training": {"recipe": "dcgan", "params": {"epochs": 1, "monitor": "fd_ratio", "image_size": 28}},
}
TELLS = "Waiting for the extractor of pets, the network that measures images. It is trained first:"


def head(page):
    """Return what a person reads at the top of the page."""
    return words(re.search(r'<section id="job-head".*?</section>', page, re.DOTALL)[0])


@pytest.fixture
def ask(stores, worker):
    """Return a function that asks for a job on a data set without an extractor; a worker serves its queue."""
    pets_row(stores)

    def post(person, kind):
        asked = {"kind": "train", "queue": "cpu", "dataset": "pets", **WAITING[kind]}
        answer = person.post("/v1/jobs", json={name: value for name, value in asked.items() if value is not None})
        assert answer.status_code == 201, answer.text
        return answer.json

    return post


@pytest.mark.parametrize("kind", WAITING)
def test_a_job_that_waits_for_its_extractor_says_so_with_a_link(alice, enter, ask, bench, kind):
    job = ask(alice, kind)
    reader = enter(alice)
    page = see(reader, job["id"])
    assert f"{TELLS} Extractor of pets" in head(page)
    assert "Reason:" not in head(page), "the same would be said twice"
    assert f'href="/dashboard/jobs/{job["waits_for"]}"' in page
    assert "queued waiting for its extractor" in words(reader.see("/dashboard/jobs"))
    claim = bench.claim()
    assert claim.job_id == job["waits_for"]
    bench.stores.jobs.finish(claim, Ending(Outcome.succeeded))
    page = see(reader, job["id"])
    assert "extractor of pets" not in head(page)
    assert "Next in queue cpu." in head(page)
    assert "waiting for its extractor" not in words(reader.see("/dashboard/jobs"))


def test_who_may_not_see_the_job_that_makes_it_reads_the_reason(alice, bob, enter, ask):
    made = ask(alice, "evaluation")["waits_for"]
    page = see(enter(bob), ask(bob, "training")["id"])
    assert TELLS not in head(page)
    assert f"Reason: waiting for the extractor of data set pets, which job {made} is making." in head(page)
    assert f'href="/dashboard/jobs/{made}"' not in page
