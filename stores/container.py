"""All stores, built from one set of settings and passed down together."""

from __future__ import annotations

from dataclasses import dataclass

from celery import Celery
from sqlalchemy import Engine

from stores.accounts.audit import Audits
from stores.accounts.keys import Keys
from stores.accounts.quotas import Guard
from stores.accounts.sessions import Sessions
from stores.datasets.datasets import Datasets
from stores.datasets.previews import Previews
from stores.datasets.uploads import Uploads
from stores.events.bus import Bus, make_redis
from stores.events.events import Events
from stores.events.metrics import Metrics
from stores.fleet.queues import Queues
from stores.fleet.workers import Workers
from stores.infra.blobs import Blobs
from stores.infra.broker import Bell, make_celery
from stores.infra.db import make_engine
from stores.infra.settings import Settings
from stores.jobs.attempts import Jobs
from stores.jobs.commands import Verbs
from stores.maintenance.orphans import Orphans
from stores.maintenance.periodic import Chores
from stores.maintenance.retention import Retention
from stores.queries.activity import Pulse
from stores.queries.curves_by_epoch import Courses
from stores.queries.job_list import Listing
from stores.queries.jobs import Reports
from stores.queries.prometheus import Figures
from stores.queries.samples import Samples
from stores.schedule.memory_stats import Memory
from stores.schedule.next_jobs import Upcoming
from stores.schedule.speed_stats import Paces


@dataclass(frozen=True)
class Stores:
    """All access to state outside the process."""

    settings: Settings
    engine: Engine
    bus: Bus
    bell: Bell
    blobs: Blobs
    jobs: Jobs
    verbs: Verbs
    queues: Queues
    audits: Audits
    reports: Reports
    events: Events
    metrics: Metrics
    listing: Listing
    samples: Samples
    courses: Courses
    figures: Figures
    pulse: Pulse
    upcoming: Upcoming
    keys: Keys
    sessions: Sessions
    datasets: Datasets
    uploads: Uploads
    previews: Previews
    workers: Workers
    memory: Memory
    paces: Paces
    chores: Chores
    retention: Retention
    orphans: Orphans

    @property
    def alive_s(self) -> float:
        """Seconds of silence after which a worker counts as lost."""
        return self.settings.lease_s

    def close(self) -> None:
        """Give the connections back."""
        self.engine.dispose()


def open_stores(settings: Settings, *, celery: Celery | None = None, pool_size: int = 5) -> Stores:
    """Build the stores; nothing connects before the first use."""
    engine = make_engine(settings, pool_size=pool_size)
    bus = Bus(make_redis(settings))
    bell = Bell(celery or make_celery(settings))
    guard = Guard(settings)
    blobs = Blobs(settings)
    return Stores(
        settings=settings,
        engine=engine,
        bus=bus,
        bell=bell,
        blobs=blobs,
        jobs=Jobs(engine, bus, bell, settings.lease_s, settings.quota_running),
        verbs=Verbs(engine, bus, bell, guard, settings.lease_s),
        queues=Queues(engine, bell),
        audits=Audits(engine),
        reports=Reports(engine, settings.lease_s),
        events=Events(engine),
        metrics=Metrics(engine),
        listing=Listing(engine),
        samples=Samples(engine),
        courses=Courses(engine),
        figures=Figures(engine),
        pulse=Pulse(engine),
        upcoming=Upcoming(engine, settings.lease_s),
        keys=Keys(engine),
        sessions=Sessions(engine, settings.session_s),
        datasets=Datasets(engine),
        uploads=Uploads(engine, blobs, guard),
        previews=Previews(engine, blobs),
        workers=Workers(engine),
        memory=Memory(engine),
        paces=Paces(engine),
        chores=Chores(engine),
        retention=Retention(engine, blobs),
        orphans=Orphans(engine, blobs),
    )
