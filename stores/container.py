"""All stores, built from one set of settings and passed down together: one attribute for each folder of `stores/`."""

from __future__ import annotations

from dataclasses import dataclass

from celery import Celery
from sqlalchemy import Engine

from stores.accounts.audit import Audits
from stores.accounts.keys import Keys
from stores.accounts.quotas import Guard
from stores.accounts.saved_views import SavedViews
from stores.accounts.secrets import CURSORS, Secrets
from stores.accounts.sessions import Sessions
from stores.accounts.shares import Shares
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
from stores.infra.db import POOL_SIZE, make_engine
from stores.infra.settings import Settings
from stores.jobs.attempts import Attempts
from stores.jobs.commands import Commands
from stores.jobs.files import Files
from stores.jobs.trash import Trash
from stores.judging.extractors import Extractors
from stores.maintenance.curves import Curves
from stores.maintenance.doomed_objects import DoomedObjects
from stores.maintenance.orphans import Orphans
from stores.maintenance.periodic import PeriodicTasks
from stores.maintenance.policies import Policies
from stores.maintenance.purge import Purge
from stores.maintenance.retention import Retention
from stores.queries.activity import Activity
from stores.queries.curves_by_epoch import CurvesByEpoch
from stores.queries.evaluations import Evaluations
from stores.queries.job_list import JobList
from stores.queries.jobs import JobQueries
from stores.queries.prometheus import PrometheusQueries
from stores.queries.samples import Samples
from stores.queries.storage import StorageQueries
from stores.queries.usage import UsageQueries
from stores.schedule.memory_stats import MemoryStats
from stores.schedule.speed_stats import SpeedStats
from stores.schedule.upcoming_jobs import UpcomingJobs
from stores.trainer_logs.archive import Archive
from stores.trainer_logs.chunks import Chunks
from stores.trainer_logs.reader import Reader
from stores.webhooks.deliveries import Deliveries
from stores.webhooks.outbox import Outbox
from stores.webhooks.webhooks import Webhooks


class Infra:
    """What the other stores stand on: settings, the database, the broker, the object store."""

    def __init__(self, settings: Settings, celery: Celery | None, pool_size: int) -> None:
        self.settings = settings
        self.engine: Engine = make_engine(settings, pool_size=pool_size)
        self.bell = Bell(celery or make_celery(settings))
        self.blobs = Blobs(settings)


class AccountStores:
    """Keys, sessions, links that show a job, the audit, and the lists that owners keep."""

    def __init__(self, infra: Infra) -> None:
        self.keys = Keys(infra.engine)
        self.sessions = Sessions(infra.engine, infra.settings.session_s, infra.settings.session_max_s)
        self.shares = Shares(infra.engine)
        self.audit = Audits(infra.engine)
        self.secrets = Secrets(infra.engine)
        self.views = SavedViews(infra.engine)

    @property
    def cursor_key(self) -> bytes:
        """The key that signs the cursors of lists."""
        return self.secrets.get(CURSORS)


class EventStores(Events):
    """Events; with them the points of their metrics, and the bus that hints at them."""

    def __init__(self, infra: Infra) -> None:
        super().__init__(infra.engine)
        self.metrics = Metrics(infra.engine)
        self.bus = Bus(make_redis(infra.settings))


class DatasetStores(Datasets):
    """Data sets; with them their uploads and previews."""

    def __init__(self, infra: Infra, guard: Guard) -> None:
        super().__init__(infra.engine)
        self.uploads = Uploads(infra.engine, infra.blobs, guard)
        self.previews = Previews(infra.engine, infra.blobs)


class FleetStores:
    """Workers and the queues that they serve."""

    def __init__(self, infra: Infra) -> None:
        self.workers = Workers(infra.engine)
        self.queues = Queues(infra.engine, infra.bell)
        self.alive_s = infra.settings.lease_s  # seconds of silence after which a worker counts as lost


class ScheduleStores:
    """What was learned of memory and speed, and what starts next."""

    def __init__(self, infra: Infra) -> None:
        self.memory_stats = MemoryStats(infra.engine)
        self.speed_stats = SpeedStats(infra.engine)
        self.upcoming_jobs = UpcomingJobs(infra.engine, infra.settings.lease_s)


class JobStores(Attempts, Commands):
    """Every change of a job's state: by supervisors and the sweeper (`Attempts`), and by requesters (`Commands`)."""

    def __init__(self, infra: Infra, bus: Bus, guard: Guard) -> None:
        engine, bell, settings = infra.engine, infra.bell, infra.settings
        Attempts.__init__(self, engine, bus, bell, settings.lease_s, settings.quota_running)
        Commands.__init__(self, engine, bus, bell, guard, settings.lease_s)
        self.trash = Trash(engine, guard, settings.trash_days)
        self.files = Files(engine)


class JudgingStores:
    """What judges generated images."""

    def __init__(self, infra: Infra, jobs: Commands) -> None:
        self.extractors = Extractors(infra.engine, jobs)


class QueryStores:
    """Reads for lists, pages and metrics."""

    def __init__(self, infra: Infra) -> None:
        self.jobs = JobQueries(infra.engine, infra.settings.lease_s)
        self.job_list = JobList(infra.engine)
        self.samples = Samples(infra.engine)
        self.curves_by_epoch = CurvesByEpoch(infra.engine)
        self.evaluations = Evaluations(infra.engine)
        self.activity = Activity(infra.engine)
        self.usage = UsageQueries(infra.engine)
        self.prometheus = PrometheusQueries(infra.engine)
        self.storage = StorageQueries(infra.engine)


class MaintenanceStores:
    """The sweeper's periodic tasks."""

    def __init__(self, infra: Infra, trash: Trash) -> None:
        self.periodic = PeriodicTasks(infra.engine)
        self.retention = Retention(infra.engine)
        self.policies = Policies(infra.engine, trash)
        self.orphans = Orphans(infra.engine, infra.blobs)
        self.curves = Curves(infra.engine)
        self.purge = Purge(infra.engine)
        self.doomed_objects = DoomedObjects(infra.engine, infra.blobs)


class WebhookStores(Webhooks):
    """Webhooks; with them the messages that events make, and their deliveries."""

    def __init__(self, infra: Infra) -> None:
        super().__init__(infra.engine)
        self.outbox = Outbox(infra.engine, infra.settings.lease_s)
        self.deliveries = Deliveries(infra.engine)


class TrainerLogStores:
    """The logs of trainers: what supervisors write, what becomes of it, and what anybody reads."""

    def __init__(self, infra: Infra, bus: Bus, jobs: Attempts) -> None:
        self.chunks = Chunks(infra.engine, bus)
        self.archive = Archive(infra.engine, infra.blobs, jobs)
        self.reader = Reader(infra.engine, infra.blobs)


@dataclass(frozen=True)
class Stores:
    """All access to state outside the process."""

    infra: Infra
    accounts: AccountStores
    events: EventStores
    datasets: DatasetStores
    fleet: FleetStores
    schedule: ScheduleStores
    jobs: JobStores
    judging: JudgingStores
    queries: QueryStores
    maintenance: MaintenanceStores
    webhooks: WebhookStores
    trainer_logs: TrainerLogStores

    def close(self) -> None:
        """Give the connections back."""
        self.infra.engine.dispose()


def open_stores(settings: Settings, *, celery: Celery | None = None, pool_size: int = POOL_SIZE) -> Stores:
    """Build the stores; nothing connects before the first use."""
    infra = Infra(settings, celery, pool_size)
    guard = Guard(settings)
    events = EventStores(infra)
    jobs = JobStores(infra, events.bus, guard)
    return Stores(
        infra=infra,
        accounts=AccountStores(infra),
        events=events,
        datasets=DatasetStores(infra, guard),
        fleet=FleetStores(infra),
        schedule=ScheduleStores(infra),
        jobs=jobs,
        judging=JudgingStores(infra, jobs),
        queries=QueryStores(infra),
        maintenance=MaintenanceStores(infra, jobs.trash),
        webhooks=WebhookStores(infra),
        trainer_logs=TrainerLogStores(infra, events.bus, jobs),
    )
