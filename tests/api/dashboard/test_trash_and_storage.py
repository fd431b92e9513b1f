"""The page Storage, the trash as a list, and a job in the trash."""

from __future__ import annotations

import html
import json
import re

from tests.api.conftest import Bench, Finished, Person, Upload
from tests.api.uploads.archives import pictures, zipped

PURGE = "/dashboard/jobs/bulk?trashed=true&action=purge"


def calls(page: str) -> list[str]:
    """Return the API calls that a page's buttons make."""
    return [html.unescape(call) for call in re.findall(r'data-call="([^"]+)"', page)]


def order(page: str) -> dict:
    """Return the order that the form of a bulk action sends."""
    found = re.search(r'data-order="([^"]+)"', page)
    assert found
    return json.loads(html.unescape(found[1]))


def test_the_page_shows_what_takes_the_room_with_buttons_there(
    alice: Person, bob: Person, carol: Person, admin: Person, finished: Finished, upload: Upload, enter
):
    made = upload(alice, zipped(pictures(16))).json
    page = enter(alice).see("/dashboard/storage")
    for words in ("digits", "pets", "Checkpoints", "Data sets", "The trash is empty."):
        assert words in page, words
    assert {f"DELETE /v1/jobs/{finished.id}", f"DELETE /v1/datasets/{made['id']}"} <= set(calls(page))
    assert "By owner" not in page
    assert [call for call in calls(enter(carol).see("/dashboard/storage")) if call.startswith("DELETE")] == []
    page = enter(admin).see("/dashboard/storage")
    assert "By owner" in page
    assert f"DELETE /v1/datasets/{made['id']}" in calls(page)
    page = enter(bob).see("/dashboard/storage")
    assert "digits" not in page
    assert "Nothing is stored." in page


def test_the_trash_is_emptied_after_its_jobs_were_counted(alice: Person, carol: Person, finished: Finished, enter):
    alice.ask("DELETE", f"/v1/jobs/{finished.id}")
    reader = enter(alice)
    page = reader.see("/dashboard/storage")
    assert "1 job" in page
    assert html.escape(PURGE) in page
    assert "No job has files." in page
    assert html.escape(PURGE) not in enter(carol).see("/dashboard/storage")

    confirm = reader.see(PURGE)
    assert "1 job is in the trash" in confirm
    asked = order(confirm)
    assert (asked["action"], asked["expected"]) == ("purge", 1)
    assert reader.call("POST", "/v1/jobs/bulk", json=asked).json["changed"] == 1
    assert "The trash is empty." in reader.see("/dashboard/storage")


def test_the_page_says_what_can_be_done_to_those_who_may_do_it(
    alice: Person, carol: Person, finished: Finished, upload: Upload, enter
):
    upload(alice, zipped(pictures(16)))
    ways = ("Free up space", "Delete jobs that you no longer need", "Delete uploaded data sets", "Set a policy")
    page, looking = (html.unescape(enter(one).see("/dashboard/storage")) for one in (alice, carol))
    assert [words in page for words in ways] == [True] * 4
    assert [words in looking for words in ways] == [False] * 4
    for seen in (page, looking):
        assert "7 days after a job's end, its checkpoints except the best and the latest are removed." in seen
        assert "365 days after its end, all its files are removed." in seen


def test_the_list_deletes_a_job_that_has_ended(alice: Person, carol: Person, finished: Finished, enter):
    waits = alice.submit()["id"]
    asked = [call for call in calls(enter(alice).see("/dashboard/jobs")) if call.startswith("DELETE")]
    assert asked == [f"DELETE /v1/jobs/{finished.id}"]
    assert waits not in " ".join(asked)
    assert calls(enter(carol).see("/dashboard/jobs")) == []


def test_the_trash_is_a_list_of_its_own(alice: Person, carol: Person, finished: Finished, enter):
    other = alice.submit(name="others")["id"]
    assert "Empty the trash" not in enter(alice).see("/dashboard/jobs?trashed=true")
    alice.ask("DELETE", f"/v1/jobs/{finished.id}")
    reader = enter(alice)
    assert "Empty the trash" in reader.see("/dashboard/jobs?trashed=true&state=succeeded")
    assert "Empty the trash" not in enter(carol).see("/dashboard/jobs?trashed=true")
    everything, trash = reader.see("/dashboard/jobs"), reader.see("/dashboard/jobs?trashed=true")
    assert (finished.id in everything, other in everything) == (False, True)
    assert (finished.id in trash, other in trash) == (True, False)
    assert {f"POST /v1/jobs/{finished.id}/restore", f"DELETE /v1/jobs/{finished.id}?purge=true"} <= set(calls(trash))
    assert "7 days" in trash
    assert finished.id not in reader.see("/dashboard/jobs?trashed=true&state=failed")


def test_bulk_deletion_says_what_it_affects(alice: Person, bench: Bench, finished: Finished, enter):
    alice.submit()
    page = enter(alice).see("/dashboard/jobs/bulk?action=delete")
    assert "Moved to the trash" in page
    assert page.count("No change") == 1  # the one that waits
    asked = order(page)
    assert (asked["action"], asked["expected"]) == ("delete", 2)
    assert enter(alice).call("POST", "/v1/jobs/bulk", json=asked).json["changed"] == 1


def test_a_job_in_the_trash_has_a_banner_and_no_forms(alice: Person, carol: Person, finished: Finished, enter):
    path = f"/dashboard/jobs/{finished.id}"
    reader = enter(alice)
    page = reader.see(path)
    assert f"DELETE /v1/jobs/{finished.id}" in calls(page)
    assert {f"DELETE /v1/artifacts/{one}" for one in (finished.grid, finished.checkpoint)} <= set(calls(page))
    assert 'id="in-trash"' not in page

    alice.ask("DELETE", f"/v1/jobs/{finished.id}")
    page = reader.see(path)
    assert 'id="in-trash"' in page
    assert {f"POST /v1/jobs/{finished.id}/restore", f"DELETE /v1/jobs/{finished.id}?purge=true"} <= set(calls(page))
    assert 'data-dialog="retry"' not in page
    looking = enter(carol).see(path)
    assert 'id="in-trash"' in looking
    assert [call for call in calls(looking) if "/v1/jobs" in call or "/v1/artifacts" in call] == []

    alice.ask("DELETE", f"/v1/jobs/{finished.id}?purge=true")
    reader.see(path, status=404)
