"""The page of one job: what it says in each state, to whom, and how the same job is made again."""

from __future__ import annotations

import gzip
import html
import json
import re
import shlex
from collections.abc import Callable

import pytest

from ganforge.cli.submit import parse_settings
from models.states import ErrorCode, EventType, Outcome
from stores.jobs.transitions import Ending
from tests.api.conftest import Person
from tests.api.dashboard.conftest import Reader
from tests.api.uploads.archives import pictures, zipped

Enter = Callable[[Person], Reader]


def words(page: str) -> str:
    """Return what a person reads of a page."""
    seen = re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", seen)).split())


def calls(page: str) -> list[str]:
    """Return the changes that the page's buttons make."""
    return re.findall(r'data-call="[A-Z]+ /v1/jobs/[^/"]+/(\w+)"', page)


def inside(page: str, element: str) -> str:
    """Return the text inside of the element with this id."""
    found = re.search(rf'<(\w+) id="{element}".*?>(.*?)</\1>', page, re.DOTALL)
    assert found, element
    return html.unescape(found[2])


def see(reader: Reader, job: str, **request: object) -> str:
    """Return the page of a job."""
    return reader.see(f"/dashboard/jobs/{job}", **request)


def test_a_job_is_shown_with_its_images_its_files_and_what_was_asked(alice, enter, finished):
    page = see(enter(alice), finished.id)
    read = words(page)
    assert "digits succeeded" in read
    assert "team=a" in read
    assert f'src="/v1/artifacts/{finished.grid}/content?redirect=false"' in page
    assert "epoch 1 · step 1" in read
    assert "step-2.safetensors latest" in read or "step-2.safetensors best latest" in read
    data = json.loads(re.search(r'id="job-data"[^>]*>(.*?)</script>', page)[1])
    assert data["grids"] == [{"id": finished.grid, "step": 1, "epoch": 1}]
    assert data["ended"] is True


def test_the_page_fits_its_policy_and_a_slow_line(alice, enter, finished):
    page = see(enter(alice), finished.id)
    assert " style=" not in page
    assert not re.search(r"<script(?![^>]*(src=|application/json))", page)
    assert not re.search(r"\son\w+=", page)
    assert len(gzip.compress(page.encode())) < 40_000


def test_a_stranger_finds_nothing_and_an_odd_address_is_no_crash(alice, bob, enter, finished):
    assert "not found, or you have no access" in see(enter(bob), finished.id, status=404)
    reader = enter(alice)
    for odd in ("job_1", "x", f"{finished.id}0", "%00"):
        reader.see(f"/dashboard/jobs/{odd}", 404)
    reader.see(f"/dashboard/jobs/{finished.id}?before=x", 422)


def test_a_viewer_sees_all_of_it_and_no_button_that_changes(alice, carol, enter, finished):
    hers, his = see(enter(alice), finished.id), see(enter(carol), finished.id)
    for change in ("data-call", "<dialog", "sample-form", "Retry…"):
        assert change not in his
    assert "<dialog" in hers
    assert "sample-form" in hers
    assert "Curves" in his


def test_the_buttons_are_those_that_the_state_allows(alice, enter, bench):
    reader = enter(alice)
    job = alice.submit()["id"]
    assert calls(see(reader, job)) == ["pause", "cancel"]
    alice.post(f"/v1/jobs/{job}/pause")
    assert calls(see(reader, job)) == ["resume", "cancel"]
    alice.post(f"/v1/jobs/{job}/resume")
    claim = bench.claim()
    assert calls(see(reader, job)) == ["pause", "cancel"]
    alice.post(f"/v1/jobs/{job}/pause")
    page = see(reader, job)
    assert calls(page) == ["resume", "cancel"]
    assert "pausing…" in page
    alice.post(f"/v1/jobs/{job}/cancel")
    assert calls(see(reader, job)) == []
    bench.finish(claim, Outcome.canceled)
    page = see(reader, job)
    assert calls(page) == []
    assert 'data-dialog="retry"' in page


def test_a_job_that_waits_says_its_place_and_why(alice, enter):
    first, second = alice.submit()["id"], alice.submit()["id"]
    reader = enter(alice)
    assert "Next in queue cpu." in words(see(reader, first))
    assert "Number 2 in queue cpu." in words(see(reader, second))
    assert "no worker serves this queue" in words(see(reader, second))


def test_a_failure_is_said_in_words_with_its_code(alice, enter, bench, stores):
    job = alice.submit()["id"]
    claim = bench.claim()
    stores.jobs.finish(claim, Ending(Outcome.failed, None, ErrorCode.out_of_memory, "9 GB were asked for"))
    read = words(see(enter(alice), job))
    assert "Out of memory" in read
    assert "9 GB were asked for" in read
    assert "out_of_memory" in read


def test_what_followed_from_an_alert_stands_beside_it(alice, enter, bench, stores):
    job = alice.submit()["id"]
    told = {"code": "collapse", "detail": "as it was told", "step": 1200, "action": "pause"}
    stores.jobs.progress(bench.claim(), [(EventType.alert, told)])
    read = words(see(enter(alice), job))
    assert read.count("The job was paused.") == 2  # with the alert, and in the timeline
    assert "action" not in read


@pytest.mark.parametrize(
    ("code", "title", "hint"),
    [
        ("discriminator_too_strong", "The discriminator is too strong", "a lower d_learning_rate"),
        ("generator_too_strong", "The generator is too strong", "more d_steps"),
        ("collapse", "Mode collapse", "a larger noise_dim"),
        ("gradient_norm", "Large gradients", "a warm-up (warmup_images)"),
        ("generator_stalled", "The generator has stopped learning", "a higher g_learning_rate"),
        ("overfitting", "The discriminator overfits", "more training images"),
        ("critic_reversed", "The critic scores fakes above real images", "more d_steps"),
        ("critic_unbounded", "The critic's scores grow without end", "a lower d_learning_rate"),
        ("balance_stuck", "The balance k is stuck", "another gamma"),
        ("cycle_loss_rises", "The cycle loss rises", "lower learning rates"),
        ("not_a_number", "NaN or infinity detected", "lower learning rates"),
        ("batch_halved", "Batch size halved", "a smaller batch_size"),
        ("checkpoint_corrupt", "Damaged checkpoint", "the object store"),
        ("stalled", "No progress", "another worker"),
        ("something_new", "something_new", "as it was told"),
    ],
)
def test_an_alert_is_explained_with_what_to_try(alice, enter, bench, stores, code, title, hint):
    job = alice.submit()["id"]
    told = {"code": code, "detail": "as it was told", "step": 1200, "d_real": 0.98765}
    stores.jobs.progress(bench.claim(), [(EventType.alert, told), (EventType.alert, told)])
    read = words(see(enter(alice), job))
    assert f"{title} at step 1,200 · 2 times" in read
    assert hint in read
    assert "d_real 0.9877" in read


def test_every_alert_that_is_told_is_explained():
    from pathlib import Path

    template = Path("api/templates/dashboard/job_words.html").read_text()
    sources = [*Path("trainers").rglob("*.py"), *Path("worker").rglob("*.py")]
    text = "\n".join(path.read_text() for path in sources)
    told = set(re.findall(r'[._]alert\(\s*(?:Alerts\.|")(\w+)', text)) | set(re.findall(r'"code": "(\w+)"', text))
    told |= set(re.findall(r'"(\w+)": (?:lambda: )?Alerts\.', text))
    assert len(told) >= 13
    assert [code for code in told if template.count(f'"{code}"') < 3] == []


def test_attempts_and_logs_stand_on_the_time_line_and_older_ones_behind_a_link(alice, enter, bench, stores):
    job = alice.submit()["id"]
    claim = bench.claim()
    lines = [(EventType.log, {"level": "info", "message": f"line {n}."}) for n in range(150)]
    stores.jobs.progress(claim, lines)
    reader = enter(alice)
    page = see(reader, job)
    assert "Attempt 1 in progress" in words(page)
    assert "line 149." in page
    assert "line 50." in page
    assert "line 49." not in page
    older = re.search(rf'href="(/dashboard/jobs/{job}\?before=\d+)', page)
    page = reader.see(older[1])
    assert "line 49." in page
    assert "line 50." not in page
    assert "Before the first attempt" in page


def test_what_people_and_trainers_write_is_text_and_nothing_else(alice, enter, bench, stores):
    bad = "</script><script>alert(1)</script>"
    job = alice.submit(name=bad, labels={"<b>": bad, "a&b": "c d"})["id"]
    claim = bench.claim()
    told = [(EventType.log, {"level": "info", "message": bad}), (EventType.alert, {"code": bad, "detail": bad})]
    stores.jobs.progress(claim, told)
    stores.jobs.finish(claim, Ending(Outcome.failed, bad, ErrorCode.internal, bad))
    page = see(enter(alice), job)
    assert "<script>alert" not in page
    assert "<b>" not in page
    assert 'href="/dashboard/jobs?label=a%26b%3Ac%20d"' in page


def test_the_shown_call_and_the_shown_command_make_the_same_job(alice, enter):
    params = {"images": 5000, "batch_size": 32, "d_learning_rate": 1e-4, "grid_every": {"seconds": 0.5}, "exact": False}
    job = alice.submit(params=params, seed=2**63 - 1, name="it's a $name", labels={"t": "a b"}, priority=3)
    page = see(enter(alice), job["id"])
    words_of_call = shlex.split(inside(page, "curl").replace("\\\n", " "))
    assert words_of_call[2] == "http://localhost/v1/jobs"
    assert "Authorization: Bearer $GANFORGE_API_KEY" in words_of_call
    made = alice.post("/v1/jobs?dry_run=true", json=json.loads(words_of_call[-1]))
    assert made.status_code == 200, made.text
    same = ("recipe", "dataset", "params", "seed", "queue", "name", "labels", "priority")
    assert {name: made.json[name] for name in same} == {name: job[name] for name in same}

    words_of_command = shlex.split(inside(page, "command-line"))
    assert words_of_command[:5] == ["ganforge", "train", "mlp_gan", "--dataset", "mnist-10k"]
    options = list(zip(words_of_command[3::2], words_of_command[4::2], strict=True))
    settings = parse_settings([text for option, text in options if option == "--set"])
    request = {"kind": "train", "recipe": "mlp_gan", "dataset": "mnist-10k", "params": settings}
    made = alice.post("/v1/jobs?dry_run=true", json=request)
    assert made.json["params"] == job["params"]
    assert ("--name", "it's a $name") in options
    assert ("--label", "t=a b") in options


def test_what_reproduces_a_job_has_its_project_but_not_its_notes_and_its_queue_only_if_it_was_asked_for(
    alice, enter, worker
):
    for queue, asked in (("auto", False), ("cpu", True)):
        job = alice.submit(queue=queue, project="one two", notes="mine")
        assert (job["queue"], job["queue_asked"]) == ("cpu", asked)
        page = see(enter(alice), job["id"])
        sent = json.loads(shlex.split(inside(page, "curl").replace("\\\n", " "))[-1])
        assert (sent.get("queue"), sent["project"], sent.get("notes")) == ("cpu" if asked else None, "one two", None)
        command = inside(page, "command-line")
        assert ("--queue cpu" in command) is asked
        assert "--project 'one two'" in command
        assert ("this job was queued for cpu" in page) is not asked


def test_parameters_that_differ_from_the_default_come_first(alice, enter):
    job = alice.submit(params={"epochs": 3, "noise_dim": 77})["id"]
    first, _, everything = words(see(enter(alice), job)).partition("Reproduce")[2].partition("All parameters")
    assert "noise_dim 77 default: 50" in first
    assert "batch_size" not in first
    assert "batch_size 128 128" in everything
    assert (
        "d_learning_rate not set not set Learning rate of the discriminator. If not set: learning_rate ." in everything
    )


def test_a_retry_is_offered_with_what_was_asked_and_every_start(alice, enter, finished):
    page = see(enter(alice), finished.id)
    assert f'<option id="from-{finished.checkpoint}" value="{finished.checkpoint}" ' in page
    assert re.search(r'id="retry-epochs"[^>]* value="2"', page)
    # A field for each; what it says is the job's own is what is not sent.
    own = {
        name: json.loads(html.unescape(text))
        for name, text in re.findall(r'data-param="(\w+)".*?data-default="(.*?)"', page)
    }
    assert own == alice.get(f"/v1/jobs/{finished.id}").json["params"]


def test_a_retry_of_what_was_trained_on_a_deleted_data_set_asks_for_another(alice, enter, upload):
    dataset = upload(alice, zipped(pictures(16)), "cats").json
    job = alice.submit(dataset="cats", recipe="mlp_gan", params={"batch_size": 4})["id"]
    alice.post(f"/v1/jobs/{job}/cancel")
    reader = enter(alice)
    assert 'data-dialog="retry"' in see(reader, job)
    assert alice.ask("DELETE", f"/v1/datasets/{dataset['id']}").status_code == 204
    page = see(reader, job)
    assert 'data-dialog="retry"' not in page
    assert f'href="/dashboard/new?from={job}"' in page
    assert "cats deleted" in words(page)


def test_samples_can_be_asked_for_when_there_is_a_checkpoint(alice, enter, finished):
    reader = enter(alice)
    assert "disabled" not in inside(see(reader, finished.id), "sample-actions")
    waiting = alice.submit()["id"]
    assert inside(see(reader, waiting), "sample-actions").count("disabled") == 2


def test_a_job_and_its_retries_lead_to_each_other(alice, enter, finished):
    retry = alice.post(f"/v1/jobs/{finished.id}/retry", json={"checkpoint": "latest"}).json
    reader = enter(alice)
    assert f'href="/dashboard/jobs/{retry["id"]}"' in see(reader, finished.id)
    page = see(reader, retry["id"])
    assert f'href="/dashboard/jobs/{finished.id}"' in page
    assert "its latest checkpoint" in page


def test_a_sampling_job_shows_what_it_drew_and_where_from(alice, enter, bench, finished):
    job = alice.post("/v1/jobs", json={"kind": "sample", "source": {"job": finished.id}, "queue": "cpu"}).json["id"]
    reader = enter(alice)
    assert "The images appear here once they are generated." in see(reader, job)
    claim = bench.claim()
    sample = bench.artifact(claim, "samples", "grid-1.png", b"picture", "image/png")
    bench.finish(claim)
    page = see(reader, job)
    assert f'src="/v1/artifacts/{sample}/content?redirect=false"' in page
    assert f'href="/dashboard/jobs/{finished.id}"' in page
    assert "Curves" not in words(page)
    assert f"ganforge sample {finished.id} --checkpoint best" in html.unescape(page)


@pytest.mark.parametrize("judges", ["job", "dataset"])
def test_an_evaluation_shows_what_it_judges_and_how_to_repeat_it(alice, enter, finished, judges):
    source = {"job": finished.id} if judges == "job" else {"dataset": "mnist-10k"}
    asked = {"kind": "evaluate", "source": source, "dataset": "mnist-10k", "params": {"count": 300}, "queue": "cpu"}
    made = alice.post("/v1/jobs", json=asked)
    page = html.unescape(see(enter(alice), made.json["id"]))
    what = f"{finished.id} --checkpoint best" if judges == "job" else "--images mnist-10k"
    assert f"ganforge evaluate {what} --dataset mnist-10k --queue cpu --count 300" in page
    [sent] = re.findall(r"-d '({.*?})'", page, re.DOTALL)
    again = alice.post("/v1/jobs", json=json.loads(sent)).json
    same = ("kind", "source", "dataset", "params", "queue", "recipe")
    assert [again[name] for name in same] == [made.json[name] for name in same]


@pytest.mark.parametrize(("recipe", "draws"), [("darknet", False), ("wgan_gp", True), ("r3gan", True), ("began", True)])
def test_every_recipe_has_its_page_and_only_generators_draw(alice, enter, recipe, draws):
    job = alice.submit(recipe=recipe, params={})["id"]
    page = see(enter(alice), job)
    assert ('id="sample-form"' in page) is draws
    assert "Before the first attempt" in page


def test_a_picture_may_be_kept_by_who_may_see_it(alice, finished):
    answer = alice.get(f"/v1/artifacts/{finished.grid}/content?redirect=false")
    assert answer.headers["Cache-Control"] == "private, max-age=31536000, immutable"
    assert alice.get(f"/v1/artifacts/{finished.grid}/content").headers["Cache-Control"] == "no-store"


def test_the_pace_of_epochs_is_laid_over_steps(alice, enter, bench, stores):
    job = alice.submit()["id"]
    claim = bench.claim()
    epochs = [
        (EventType.epoch, {"epoch": n, "images": n * 1000, "seconds": 2.0, "images_per_second": 500.0 + n})
        for n in (1, 2)
    ]
    progress = {"epoch": 2, "epochs": 2, "step": 20, "steps": 20, "images": 2000, "fraction": 1.0}
    stores.jobs.progress(claim, epochs, progress=progress)
    page = see(enter(alice), job)
    data = json.loads(re.search(r'id="job-data"[^>]*>(.*?)</script>', page)[1])
    assert data["speed"] == {"steps": [10, 20], "values": [501.0, 502.0]}
    assert "502 images per second" in words(page)


def test_the_pace_is_laid_over_the_steps_at_which_epochs_ended_the_last_time(alice, enter, bench, stores):
    job = alice.submit()["id"]
    claim = bench.claim()
    # The batch was halved after the first epoch; an attempt that went back told of the second one again.
    for number, step, rate in ((1, 10, 500.0), (2, 31, 90.0), (2, 30, 250.0)):
        epoch = {"epoch": number, "step": step, "images": number * 1000, "seconds": 2.0, "images_per_second": rate}
        stores.jobs.progress(claim, [(EventType.epoch, epoch)], progress={"step": step, "images": number * 1000})
    data = json.loads(re.search(r'id="job-data"[^>]*>(.*?)</script>', see(enter(alice), job))[1])
    assert data["speed"] == {"steps": [10, 30], "values": [500.0, 250.0]}


def test_notes_project_and_star_are_on_the_page_of_a_job(alice: Person, carol: Person, enter) -> None:
    job = alice.submit()["id"]
    assert re.search(r'id="job-notes"[^>]* hidden', enter(carol).see(f"/dashboard/jobs/{job}"))
    assert "Add notes…" in enter(alice).see(f"/dashboard/jobs/{job}")
    alice.ask("PATCH", f"/v1/jobs/{job}", json={"project": "one & two"})
    assert not re.search(r'id="job-notes"[^>]* hidden', enter(carol).see(f"/dashboard/jobs/{job}"))
    alice.ask("PATCH", f"/v1/jobs/{job}", json={"notes": "*good* <b>", "starred": True})
    page = enter(alice).see(f"/dashboard/jobs/{job}")
    assert "<em>good</em> &lt;b&gt;" in page
    assert 'href="/dashboard/jobs?project=one+%26+two"' in page
    assert 'aria-pressed="true"' in page
    assert "*good* &lt;b&gt;</textarea>" in page
    assert "<em>good</em>" in enter(carol).see(f"/dashboard/jobs/{job}")
