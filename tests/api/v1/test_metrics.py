"""GET /v1/jobs/{id}/metrics"""

from __future__ import annotations

import pytest

from tests.api.conftest import Bench, Finished, Person, Pointers


def test_curves_come_by_name(finished: Finished, alice: Person) -> None:
    answer = alice.get(f"/v1/jobs/{finished.id}/metrics")
    assert answer.json == {
        "series": {
            "d_loss": {"steps": [1, 2], "values": [0.7, 0.6]},
            "g_loss": {"steps": [1, 2], "values": [1.1, 1.2]},
        }
    }


def test_names_choose_among_them(finished: Finished, alice: Person) -> None:
    series = alice.get(f"/v1/jobs/{finished.id}/metrics?names=g_loss,k,g_loss").json["series"]
    assert series == {"g_loss": {"steps": [1, 2], "values": [1.1, 1.2]}, "k": {"steps": [], "values": []}}


def test_thinned_curves_keep_their_extremes(alice: Person, bench: Bench) -> None:
    job = alice.submit()["id"]
    claim = bench.claim()
    for step in range(1, 41):
        bench.metric(claim, step, d_loss={17: 99.0, 23: -99.0}.get(step, float(step)))
    curve = alice.get(f"/v1/jobs/{job}/metrics?max_points=10").json["series"]["d_loss"]
    assert len(curve["steps"]) <= 10
    assert {17, 23, 1, 40} <= set(curve["steps"])
    assert max(curve["values"]) == 99.0
    assert min(curve["values"]) == -99.0


def test_curves_come_as_a_table(finished: Finished, alice: Person) -> None:
    answer = alice.get(f"/v1/jobs/{finished.id}/metrics?names=d_loss,g_loss", headers={"Accept": "text/csv"})
    assert answer.mimetype == "text/csv"
    assert answer.text == "step,d_loss,g_loss\n1,0.7,1.1\n2,0.6,1.2\n"


def test_a_long_table_is_sent_in_parts(alice: Person, bench: Bench) -> None:
    job = alice.submit()["id"]
    claim = bench.claim()
    for begin in range(1, 2501, 500):
        steps = list(range(begin, begin + 500))
        data = {"epoch": 1, "steps": steps, "values": {"d_loss": [float(step) for step in steps]}}
        bench.stores.jobs.progress(claim, [("metric", data)])
    answer = alice.get(f"/v1/jobs/{job}/metrics?max_points=100000", headers={"Accept": "text/csv"})
    parts = [bytes(part) for part in answer.iter_encoded()]
    assert len(parts) > 2
    assert max(map(len, parts)) < 20_000
    assert b"".join(parts).decode() == "step,d_loss\n" + "".join(f"{n},{float(n)}\n" for n in range(1, 2501))


def test_a_job_without_metrics_has_an_empty_table(alice: Person) -> None:
    job = alice.submit()["id"]
    assert alice.get(f"/v1/jobs/{job}/metrics").json == {"series": {}}
    assert alice.get(f"/v1/jobs/{job}/metrics", headers={"Accept": "text/csv"}).text == "step\n"


@pytest.mark.parametrize(
    "query", ["max_points=1", "max_points=100001", "names=", "names=a,,b", "names=D-Loss", "names=%00", "name=d_loss"]
)
def test_what_is_asked_is_checked(finished: Finished, alice: Person, pointers: Pointers, query: str) -> None:
    assert pointers(alice.get(f"/v1/jobs/{finished.id}/metrics?{query}"))
