"""The metrics page, for Prometheus.

Several processes serve the API and each scrape reaches one of them. What the service does is therefore counted in the
rows, at the scrape; what the processes themselves do goes through files that they share (PROMETHEUS_MULTIPROC_DIR, set
in gunicorn.conf.py), so that every process answers the same.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

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

from api.http.access import Access
from api.http.routes import Call, Routes
from api.schemas.queries import Query
from models.states import TERMINAL, State
from stores.container import Stores
from stores.queries.prometheus import BUCKETS, WAITS, Durations

routes = Routes("service")

REQUESTS = Counter("ganforge_requests_total", "Requests answered.", ["operation", "status"])
SECONDS = Histogram(
    "ganforge_request_seconds",
    "Time to the beginning of the answer.",
    ["operation"],
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5, 60),
)
PROBLEMS = Counter("ganforge_problems_total", "Requests refused or failed, by the code of the answer.", ["code"])
STREAMS = Gauge("ganforge_open_streams", "Open event streams.", multiprocess_mode="livesum")


class RowCollector(Collector):
    """Counts jobs, queues and attempts in the rows."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores

    def collect(self) -> Iterator[Metric]:
        """Yield the figures."""
        figures = self._stores.figures
        yield from self._queues()
        yield from self._jobs()
        yield _histogram("ganforge_attempt_seconds", "How long attempts took.", "outcome", BUCKETS, figures.durations())
        words = "How long jobs waited for their first attempt."
        yield _histogram("ganforge_job_wait_seconds", words, "queue", WAITS, figures.waits())
        words = "Images that the running jobs learn from in a second."
        speed = GaugeMetricFamily("ganforge_images_per_second", words, labels=["queue"])
        for queue, total in figures.images_per_second().items():
            speed.add_metric([queue], total)
        yield speed
        workers = GaugeMetricFamily("ganforge_workers", "Workers of the last day.", labels=["queue", "state"])
        for (queue, state), count in figures.workers(self._stores.alive_s).items():
            workers.add_metric([queue, state], count)
        yield workers
        yield from self._stored()
        yield from self._chores()

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

    def _jobs(self) -> Iterator[Metric]:
        submitted = CounterMetricFamily("ganforge_jobs_submitted", "Jobs that were accepted.", labels=["queue"])
        ended = CounterMetricFamily("ganforge_jobs_finished", "Jobs that have ended.", labels=["queue", "state"])
        failed = CounterMetricFamily(
            "ganforge_jobs_failed", "Jobs that have failed, by code.", labels=["queue", "code"]
        )
        paused = GaugeMetricFamily("ganforge_jobs_paused", "Jobs that are paused.", labels=["queue"])
        counted = self._stores.figures.jobs()
        for queue in sorted({one.queue for one in counted}):
            mine = [one for one in counted if one.queue == queue]
            submitted.add_metric([queue], sum(one.count for one in mine))
            paused.add_metric([queue], sum(one.count for one in mine if one.state == State.paused))
            for state in sorted(TERMINAL):
                if count := sum(one.count for one in mine if one.state == state):
                    ended.add_metric([queue, state], count)
            for one in mine:
                if one.code is not None:
                    failed.add_metric([queue, one.code], one.count)
        yield from (submitted, ended, failed, paused)

    def _stored(self) -> Iterator[Metric]:
        figures = self._stores.figures
        objects = GaugeMetricFamily(
            "ganforge_stored_objects", "Objects in the store that a row names.", labels=["kind"]
        )
        size = GaugeMetricFamily("ganforge_stored_bytes", "Their bytes.", labels=["kind"])
        for held in figures.stored():
            objects.add_metric([held.kind], held.objects)
            size.add_metric([held.kind], held.bytes)
        yield from (objects, size)
        words = "Artifacts whose object is gone, as the last look at each found it."
        yield GaugeMetricFamily("ganforge_artifacts_missing", words, value=figures.missing())

    def _chores(self) -> Iterator[Metric]:
        last = GaugeMetricFamily(
            "ganforge_chore_last_timestamp_seconds", "When a round of a chore last ended.", labels=["chore"]
        )
        took = GaugeMetricFamily("ganforge_chore_seconds", "How long that round took.", labels=["chore"])
        done = CounterMetricFamily("ganforge_chore_done", "What all rounds dealt with.", labels=["chore"])
        freed = CounterMetricFamily("ganforge_chore_freed_bytes", "Bytes that all rounds removed.", labels=["chore"])
        for chore in self._stores.chores.all():
            if chore["last_at"] is not None:
                last.add_metric([chore["name"]], chore["last_at"].timestamp())
            took.add_metric([chore["name"]], chore["seconds"])
            done.add_metric([chore["name"]], chore["done"])
            freed.add_metric([chore["name"]], chore["bytes"])
        yield from (last, took, done, freed)


def _histogram(name: str, words: str, label: str, bounds: Sequence[float], found: Sequence[Durations]) -> Metric:
    family = HistogramMetricFamily(name, words, labels=[label])
    for one in found:
        buckets = [(str(float(bound)), float(count)) for bound, count in zip(bounds, one.within, strict=True)]
        family.add_metric([one.of], [*buckets, ("+Inf", float(one.count))], one.seconds)
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
