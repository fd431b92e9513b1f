"""Every query of the dashboard and of the alert rules reads, and names metrics and labels that a running API shows."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import promql_parser
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from models.states import ErrorCode, Outcome
from stores.jobs.transitions import Ending
from stores.maintenance.periodic import Round
from sweeper.housekeeping import Housekeeping

ROOT = Path(__file__).resolve().parents[2]
ALERTS = ROOT / "deploy" / "prometheus" / "alerts.yaml"
DASHBOARD = ROOT / "deploy" / "grafana" / "ganforge.json"
# What Prometheus itself adds to what it scrapes.
ITS_OWN = {"up": {"job", "instance"}}
SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum"), "gauge": ("",)}


def alerts() -> list[dict]:
    """Return all alert rules."""
    groups = yaml.safe_load(ALERTS.read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def panels() -> list[dict]:
    """Return the panels that show something."""
    return [panel for panel in json.loads(DASHBOARD.read_text())["panels"] if panel["type"] != "row"]


def queries() -> list[tuple[str, str]]:
    """Return the expressions with where they stand; Grafana's variables filled in as Grafana does."""
    found = [(rule["alert"], rule["expr"]) for rule in alerts()]
    for panel in panels():
        for target in panel["targets"]:
            filled = target["expr"].replace("$__rate_interval", "1m").replace("$queue", "cpu|gpu")
            assert "$" not in filled
            found.append((panel["title"], filled))
    return found


def selectors(node: promql_parser.Expr) -> Iterator[tuple[str, set[str]]]:
    """Yield the metrics that an expression selects, with the labels it selects them by."""
    if isinstance(node, promql_parser.VectorSelector):
        names = {matcher.name for matcher in node.matchers.matchers}
        yield node.name, names
    for part in ("expr", "lhs", "rhs", "vector_selector", "param"):
        child = getattr(node, part, None)
        if child is not None and not isinstance(child, str | float):
            yield from selectors(child)
    for child in getattr(node, "args", None) or ():
        yield from selectors(child)


@pytest.fixture
def shown(finished, alice, bench, stores) -> dict[str, set[str]]:
    """Return the labels of every metric of an API that has seen something of everything."""
    alice.submit()
    stores.jobs.finish(bench.claim(), Ending(Outcome.failed, None, ErrorCode.diverged, "as asked"))
    alice.submit()
    bench.claim()
    alice.post("/v1/jobs", json={})
    stores.maintenance.periodic.take("sweep", 60)
    stores.maintenance.periodic.finish("sweep", Round(1), 0.1, 60)
    labels: dict[str, set[str]] = defaultdict(set, ITS_OWN)
    for family in text_string_to_metric_families(alice.get("/metrics").text):
        for suffix in SUFFIXES.get(family.type, ("",)):
            labels[family.name + suffix] |= set()
        for sample in family.samples:
            labels[sample.name] |= set(sample.labels)
    return labels


def test_every_query_names_metrics_and_labels_that_exist(shown):
    for place, expression in queries():
        found = list(selectors(promql_parser.parse(expression)))
        assert found, f"{place} selects nothing"
        for name, labels in found:
            assert name in shown, f"{place} asks for {name}, which the API does not show"
            assert labels <= shown[name], f"{place} asks for {labels - shown[name]} of {name}"


def test_every_chore_that_a_query_names_is_one_of_the_sweeper(stores):
    Housekeeping(stores).once()  # makes a row for each
    chores = {one["name"] for one in stores.maintenance.periodic.all()} | {"sweep"}
    named = {
        (place, chore)
        for place, expression in queries()
        for values in re.findall(r'chore!?=~?"([^"]+)"', expression)
        for chore in values.split("|")
    }
    assert {(place, chore) for place, chore in named if chore not in chores} == set()
    by_retention = {"retention_policies", "old_checkpoints", "old_artifacts", "old_events", "expired_trash"}
    assert {chore for place, chore in named if place == "Removed by retention"} == by_retention


def test_every_metric_of_the_service_is_on_the_dashboard(shown):
    drawn = {name for _, expression in queries() for name, _ in selectors(promql_parser.parse(expression))}
    told = {name.removesuffix("_bucket").removesuffix("_count").removesuffix("_sum") for name in drawn}
    ours = {
        name.removesuffix("_bucket").removesuffix("_count").removesuffix("_sum")
        for name in shown
        if name.startswith("ganforge_") and not name.endswith("_created")
    }
    assert ours - told == set()


def test_every_alert_says_what_it_means_and_what_to_do():
    manual = (ROOT / "docs" / "operations.md").read_text()
    for rule in alerts():
        assert rule["annotations"]["summary"].endswith(".")
        assert len(rule["annotations"]["remedy"]) > 20
        assert rule["labels"]["severity"] in {"warning", "critical"}
        assert f"`{rule['alert']}`" in manual, f"docs/operations.md does not explain {rule['alert']}"


def test_the_dashboard_is_one_that_grafana_can_import():
    board = json.loads(DASHBOARD.read_text())
    assert board["uid"] == "ganforge"
    ids = [panel["id"] for panel in board["panels"]]
    assert len(set(ids)) == len(ids)
    taken: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken, f"{panel['title']} lies over another panel"
        assert at["x"] + at["w"] <= 24
        taken |= cells
    assert all(panel["description"] and panel["datasource"]["uid"] == "${source}" for panel in panels())


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool comes with Prometheus, and there is none here")
def test_alerts_fire_when_they_should_and_not_before():
    done = subprocess.run(
        ["promtool", "test", "rules", str(Path(__file__).with_name("alerts.test.yaml"))],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
