"""One sweep, in this process."""

from __future__ import annotations

from stores.accounts.audit import Local
from sweeper.sweeper import sweep


def test_a_sweep_ends_what_waits_for_an_extractor_that_will_not_come(stores, submit):
    extractor = submit("darknet")
    waiting, other = submit(waits_for=extractor), submit()
    sweep(stores)
    assert stores.queries.jobs.job(waiting, None)["state"] == "queued"
    stores.jobs.cancel(extractor, Local("alice"))
    sweep(stores)
    assert stores.queries.jobs.job(waiting, None)["error"]["code"] == "extractor_failed"
    assert stores.queries.jobs.job(other, None)["state"] == "queued"
