"""The metrics page, for Prometheus.

Several processes serve the API and each scrape reaches one of them. What the service does is therefore counted in the
rows, at the scrape; what the processes themselves do goes through files that they share (PROMETHEUS_MULTIPROC_DIR, set
in gunicorn.conf.py), so that every process answers the same.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

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
from stores.jobs.counted import BUCKETS, WAITS, Durations

routes = Routes("service")

# Counting takes a second at 200,000 jobs, and anybody may ask. Between two scrapes of Prometheus more time passes.
FRESH_S = 10.0


@dataclass(frozen=True)
class Figure:
    """A metric. The table of metrics in docs/operations.md is generated from these."""

    name: str
    kind: str
    words: str
    labels: tuple[str, ...] = ()

    @property
    def full_name(self) -> str:
        """The exported name: counters end in `_total`."""
        return f"{self.name}_total" if self.kind == "counter" else self.name


# What each process counts by itself.
_REQUESTS = Figure("ganforge_requests", "counter", "Requests answered.", ("operation", "status"))
_SECONDS = Figure("ganforge_request_seconds", "histogram", "Time to the beginning of the answer.", ("operation",))
_PROBLEMS = Figure("ganforge_problems", "counter", "Requests refused or failed, by the code of the answer.", ("code",))
_STREAMS = Figure("ganforge_open_streams", "gauge", "Open event streams, of all processes of one API.")

REQUESTS = Counter(_REQUESTS.name, _REQUESTS.words, _REQUESTS.labels)
SECONDS = Histogram(
    _SECONDS.name, _SECONDS.words, _SECONDS.labels, buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5, 60)
)
PROBLEMS = Counter(_PROBLEMS.name, _PROBLEMS.words, _PROBLEMS.labels)
STREAMS = Gauge(_STREAMS.name, _STREAMS.words, _STREAMS.labels, multiprocess_mode="livesum")

# What is counted in the rows, for each queue by the field of its report.
_QUEUES = {
    "depth": Figure("ganforge_queue_depth", "gauge", "Waiting jobs.", ("queue",)),
    "oldest_wait_s": Figure(
        "ganforge_queue_oldest_wait_seconds", "gauge", "How long the oldest waiting job has waited.", ("queue",)
    ),
    "running": Figure("ganforge_jobs_running", "gauge", "Running jobs.", ("queue",)),
    "workers": Figure("ganforge_workers_live", "gauge", "Live workers.", ("queue",)),
    "paused": Figure("ganforge_queue_paused", "gauge", "1 while the queue is paused.", ("queue",)),
}
_SUBMITTED = Figure("ganforge_jobs_submitted", "counter", "Jobs that were accepted.", ("queue",))
_FINISHED = Figure("ganforge_jobs_finished", "counter", "Jobs that have ended.", ("queue", "state"))
_FAILED = Figure("ganforge_jobs_failed", "counter", "Jobs that have failed, by code.", ("queue", "code"))
_PAUSED = Figure("ganforge_jobs_paused", "gauge", "Jobs that are paused.", ("queue",))
_ATTEMPTS = Figure(
    "ganforge_attempt_seconds",
    "histogram",
    "How long attempts took; a lease that ran out is the outcome `lost`.",
    ("outcome",),
)
_STALLS = Figure("ganforge_stalls", "counter", "Trainers that made no progress and were killed.", ("queue",))
_JOB_WAITS = Figure(
    "ganforge_job_wait_seconds", "histogram", "How long jobs waited for their first attempt.", ("queue",)
)
_SPEED = Figure(
    "ganforge_images_per_second",
    "gauge",
    "Images that the running jobs learn from in a second, by the last epoch of each.",
    ("queue",),
)
_WORKERS = Figure(
    "ganforge_workers", "gauge", "Workers of the last day: live, draining, lost or stopped.", ("queue", "state")
)
_OBJECTS = Figure("ganforge_stored_objects", "gauge", "Objects in the store that a row names.", ("kind",))
_BYTES = Figure("ganforge_stored_bytes", "gauge", "Bytes of these objects.", ("kind",))
_MISSING = Figure(
    "ganforge_artifacts_missing", "gauge", "Artifacts whose object is gone, as the last look at each found it."
)
_DOOMED = Figure(
    "ganforge_doomed_objects", "gauge", "Objects whose row was deleted and that are still to be removed from the store."
)
_DOOMED_OLDEST = Figure(
    "ganforge_doomed_oldest_seconds", "gauge", "How long the oldest of them has been waiting for its removal."
)
_CHORE_LAST = Figure(
    "ganforge_chore_last_timestamp_seconds", "gauge", "When a round of a chore of the sweeper last ended.", ("chore",)
)
_CHORE_SECONDS = Figure("ganforge_chore_seconds", "gauge", "How long that round took.", ("chore",))
_CHORE_DONE = Figure("ganforge_chore_done", "counter", "What all rounds dealt with.", ("chore",))
_WEBHOOKS = Figure("ganforge_webhooks", "gauge", "Webhooks: working, failing or paused.", ("state",))
_PENDING = Figure("ganforge_webhook_deliveries_pending", "gauge", "Messages of active webhooks that wait to be sent.")
_UNDELIVERED = Figure(
    "ganforge_webhook_deliveries_failed", "gauge", "Messages of active webhooks that failed for good within a day."
)
_OLDEST = Figure("ganforge_webhook_oldest_pending_seconds", "gauge", "Age of the oldest message that waits.")
_BEHIND = Figure(
    "ganforge_webhook_behind_seconds",
    "gauge",
    "How long a message of a working webhook has been due for its first try.",
)
_CHORE_FREED = Figure("ganforge_chore_freed_bytes", "counter", "Bytes that all rounds removed.", ("chore",))

FIGURES = (
    *_QUEUES.values(),
    *(_PAUSED, _SUBMITTED, _FINISHED, _FAILED, _JOB_WAITS, _ATTEMPTS, _STALLS, _SPEED, _WORKERS),
    *(_OBJECTS, _BYTES, _MISSING, _DOOMED, _DOOMED_OLDEST),
    *(_CHORE_LAST, _CHORE_SECONDS, _CHORE_DONE, _CHORE_FREED),
    *(_WEBHOOKS, _PENDING, _UNDELIVERED, _OLDEST, _BEHIND),
    *(_REQUESTS, _SECONDS, _PROBLEMS, _STREAMS),
)


class RowCollector(Collector):
    """Counts jobs, queues and attempts from rows."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics."""
        figures = self._stores.queries.prometheus
        yield from self._queues()
        yield from self._jobs()
        yield _histogram(_ATTEMPTS, BUCKETS, figures.durations())
        stalls = _counter(_STALLS)
        for queue, count in figures.stalls().items():
            stalls.add_metric([queue], count)
        yield stalls
        yield _histogram(_JOB_WAITS, WAITS, figures.waits())
        speed = _gauge(_SPEED)
        for queue, total in figures.images_per_second().items():
            speed.add_metric([queue], total)
        yield speed
        workers = _gauge(_WORKERS)
        for (queue, state), count in figures.workers(self._stores.fleet.alive_s).items():
            workers.add_metric([queue, state], count)
        yield workers
        yield from self._stored()
        yield from self._chores()
        yield from self._webhooks()

    def _queues(self) -> Iterator[Metric]:
        queues: list[Mapping[str, Any]] = [*self._stores.queries.jobs.queues(self._stores.fleet.alive_s)]
        for field, figure in _QUEUES.items():
            family = _gauge(figure)
            for queue in queues:
                family.add_metric([queue["name"]], float(queue[field] or 0))
            yield family

    def _jobs(self) -> Iterator[Metric]:
        submitted, ended, failed, paused = _counter(_SUBMITTED), _counter(_FINISHED), _counter(_FAILED), _gauge(_PAUSED)
        counted = self._stores.queries.prometheus.jobs()
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
        figures = self._stores.queries.prometheus
        objects, size = _gauge(_OBJECTS), _gauge(_BYTES)
        for held in figures.stored():
            objects.add_metric([held.kind], held.objects)
            size.add_metric([held.kind], held.bytes)
        yield from (objects, size)
        yield GaugeMetricFamily(_MISSING.name, _MISSING.words, value=figures.missing())
        doomed, oldest = figures.doomed()
        yield GaugeMetricFamily(_DOOMED.name, _DOOMED.words, value=doomed)
        yield GaugeMetricFamily(_DOOMED_OLDEST.name, _DOOMED_OLDEST.words, value=oldest)

    def _chores(self) -> Iterator[Metric]:
        last, took = _gauge(_CHORE_LAST), _gauge(_CHORE_SECONDS)
        done, freed = _counter(_CHORE_DONE), _counter(_CHORE_FREED)
        for chore in self._stores.maintenance.periodic.all():
            if chore["last_at"] is not None:
                last.add_metric([chore["name"]], chore["last_at"].timestamp())
            took.add_metric([chore["name"]], chore["seconds"])
            done.add_metric([chore["name"]], chore["done"])
            freed.add_metric([chore["name"]], chore["bytes"])
        yield from (last, took, done, freed)

    def _webhooks(self) -> Iterator[Metric]:
        found = self._stores.webhooks.deliveries.figures()
        states = _gauge(_WEBHOOKS)
        for state in ("working", "failing", "paused"):
            states.add_metric([state], found[state])
        yield states
        named = {_PENDING: "pending", _UNDELIVERED: "failed", _OLDEST: "oldest_s", _BEHIND: "behind_s"}
        for figure, name in named.items():
            yield GaugeMetricFamily(figure.name, figure.words, value=found[name])


def _gauge(figure: Figure) -> GaugeMetricFamily:
    return GaugeMetricFamily(figure.name, figure.words, labels=figure.labels)


def _counter(figure: Figure) -> CounterMetricFamily:
    return CounterMetricFamily(figure.name, figure.words, labels=figure.labels)


def _histogram(figure: Figure, bounds: Sequence[float], found: Sequence[Durations]) -> Metric:
    family = HistogramMetricFamily(figure.name, figure.words, labels=figure.labels)
    for one in found:
        buckets = [(str(float(bound)), float(count)) for bound, count in zip(bounds, one.within, strict=True)]
        family.add_metric([one.of], [*buckets, ("+Inf", float(one.count))], one.seconds)
    return family


def row_figures(stores: Stores) -> bytes:
    """Count the rows; return the metrics that come from them, in Prometheus' format."""
    registry = CollectorRegistry()
    registry.register(RowCollector(stores))
    return generate_latest(registry)


@routes.add("GET", "/metrics", Access.public, answers={200: None}, media={"text/plain": "Prometheus' text format."})
def show_figures(call: Call[Query, None]) -> Response:
    """Get the metrics in Prometheus' format.

    What is counted in the rows is counted at most every 10 s by each process, once for all who ask.
    """
    rows = call.service.row_figures.get()
    own = REGISTRY
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        own = CollectorRegistry()
        MultiProcessCollector(own)  # type: ignore[no-untyped-call]
    return Response(rows + generate_latest(own), content_type=CONTENT_TYPE_LATEST)
