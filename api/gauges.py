"""The metrics page, for Prometheus.

Several processes serve the API and each scrape reaches one of them. What the service does is therefore counted in the
rows, at the scrape; what the processes themselves do goes through files that they share (PROMETHEUS_MULTIPROC_DIR, set
in gunicorn.conf.py), so that every process answers the same.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from flask import Response
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from api.access import Access
from api.routes import Call, Routes
from api.schemas.queries import Query
from models.states import TERMINAL
from stores.container import Stores
from stores.figures import BUCKETS

routes = Routes("service")

REQUESTS = Counter("ganforge_requests_total", "Requests answered.", ["operation", "status"])
SECONDS = Histogram(
    "ganforge_request_seconds",
    "Time to the beginning of the answer.",
    ["operation"],
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5, 60),
)
STREAMS = Gauge("ganforge_open_streams", "Open event streams.", multiprocess_mode="livesum")


class RowCollector(Collector):
    """Counts jobs, queues and attempts in the rows."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores

    def collect(self) -> Iterator[Metric]:
        """Yield the figures."""
        yield from self._queues()
        yield self._finished()
        yield self._durations()
        speed = GaugeMetricFamily(
            "ganforge_images_per_second", "Images that the running jobs learn from in a second.", labels=["queue"]
        )
        for queue, total in self._stores.figures.images_per_second().items():
            speed.add_metric([queue], total)
        yield speed

    def _queues(self) -> Iterator[Metric]:
        queues = self._stores.reports.queues(self._stores.alive_s)
        for name, field, words in (
            ("ganforge_queue_depth", "depth", "Jobs that wait."),
            ("ganforge_queue_oldest_wait_seconds", "oldest_wait_s", "How long the oldest of them has waited."),
            ("ganforge_jobs_running", "running", "Jobs that run."),
            ("ganforge_workers_live", "workers", "Workers that were heard of lately."),
            ("ganforge_queue_paused", "paused", "1 while the queue is paused."),
        ):
            family = GaugeMetricFamily(name, words, labels=["queue"])
            for queue in queues:
                family.add_metric([queue["name"]], float(queue[field] or 0))
            yield family

    def _finished(self) -> Metric:
        family = CounterMetricFamily("ganforge_jobs_finished", "Jobs that have ended.", labels=["queue", "state"])
        for (queue, state), count in self._stores.reports.finished().items():
            if state in TERMINAL:
                family.add_metric([queue, state], count)
        return family

    def _durations(self) -> Metric:
        family = HistogramMetricFamily("ganforge_attempt_seconds", "How long attempts took.", labels=["outcome"])
        for found in self._stores.figures.durations():
            buckets = [(str(float(bound)), float(count)) for bound, count in zip(BUCKETS, found.within, strict=True)]
            family.add_metric([found.outcome], [*buckets, ("+Inf", float(found.count))], found.seconds)
        return family


@routes.add("GET", "/metrics", Access.public, answers={200: None}, media={"text/plain": "Prometheus' text format."})
def show_figures(call: Call[Query, None]) -> Response:
    """Show figures for Prometheus."""
    registry = CollectorRegistry()
    registry.register(RowCollector(call.service.stores))
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        page = generate_latest(registry)
    else:
        page = generate_latest(registry) + generate_latest(REGISTRY)
    return Response(page, content_type=CONTENT_TYPE_LATEST)
