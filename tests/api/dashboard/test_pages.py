"""What all pages have in common."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

from api.http.turns import AT_ONCE


def test_the_pages_of_an_owner_wait_for_a_turn_as_its_requests_do(app, alice, bob, enter):
    turns = app.extensions["ganforge"].turns
    readers = enter(alice), enter(bob)
    with ThreadPoolExecutor(1) as thread, ExitStack() as held:
        for _ in range(AT_ONCE):
            held.enter_context(turns.taken("alice"))
        late = thread.submit(readers[0].see, "/dashboard/jobs")
        readers[1].see("/dashboard/jobs")
        readers[1].see("/dashboard/jobs")
        assert not late.done()
        held.close()
        assert "<h1" in late.result(60)
