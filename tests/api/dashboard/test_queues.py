"""The page of the queues: the head of each line, and the switch."""

from __future__ import annotations


def section(page, queue):
    return page[page.index(f'id="queue-{queue}"') :].partition("</section>")[0]


def test_the_head_of_a_line_is_shown_in_order_and_the_admin_sees_everybody(alice, bob, admin, bench, enter):
    first, second, third = alice.submit(), alice.submit(name="later"), bob.submit(priority=5)
    shown = section(enter(admin).see("/dashboard/queues"), "cpu")
    places = [shown.index(f'id="next-{job["id"]}"') for job in (third, first, second)]
    assert places == sorted(places)
    shown = section(enter(alice).see("/dashboard/queues"), "cpu")
    assert third["id"] not in shown
    # bob's job is in front of hers, and she learns that without learning whose it is
    assert 'data-label="Position">2</td>' in shown
    assert "bob" not in shown


def test_an_admin_switches_a_queue_and_others_have_no_button(alice, carol, admin, enter):
    reader = enter(admin)
    assert 'data-call="POST /v1/queues/gpu/pause"' in section(reader.see("/dashboard/queues"), "gpu")
    assert reader.call("POST", "/v1/queues/gpu/pause").status_code == 200
    shown = section(reader.see("/dashboard/queues"), "gpu")
    assert 'data-call="POST /v1/queues/gpu/resume"' in shown
    assert "paused" in shown
    for person in (alice, carol):
        reader = enter(person)
        assert "data-call" not in reader.see("/dashboard/queues")
        assert reader.call("POST", "/v1/queues/gpu/resume").status_code == 403


def test_a_queue_says_whether_anybody_serves_it(alice, admin, worker, enter):
    reader = enter(alice)
    page = reader.see("/dashboard/queues")
    assert "open" in section(page, "cpu")
    assert "no worker" in section(page, "jetson")
    assert "No waiting jobs." in section(page, "jetson")
    admin.post(f"/v1/workers/{worker}/drain")
    assert "draining" in section(reader.see("/dashboard/queues"), "cpu")
