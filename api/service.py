"""Everything the views use, built once by `create_app`; it implements the protocol of api/http/service.py."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Request, Response

from api.http.access import Doorkeeper
from api.http.shared_answer import SharedAnswer
from api.http.turns import Turns
from api.streaming import account_feed, job_stream, log_stream
from api.streaming.hub import Hub
from api.streaming.job_stream import Streams
from api.uploads.previews import PreviewMaker
from api.uploads.uploads import Importer
from models.views import ImportedDataset, Job
from stores.accounts.keys import Principal
from stores.container import Stores
from stores.events.events import Position
from stores.infra.settings import Settings
from stores.trainer_logs.pieces import Place


@dataclass(frozen=True)
class Service:
    """The stores, access checks, the hub of open streams, the importer of uploads, and the OpenAPI document."""

    settings: Settings
    stores: Stores
    door: Doorkeeper
    turns: Turns
    hub: Hub
    streams: Streams
    importer: Importer
    looks: PreviewMaker
    readiness: SharedAnswer[dict[str, str]]
    row_figures: SharedAnswer[bytes]
    document: Callable[[], dict[str, Any]]

    def follow_job(self, who: Principal, job_id: str, seen: int) -> Response:
        """Return the live stream of a job's events after `seen`."""
        return self.streams.respond(who, job_stream.frames(self.hub, self.stores.events, who, job_id, seen))

    def follow_log(self, who: Principal, job_id: str, place: Place, attempt: int | None) -> Response:
        """Return the live stream of a job's log behind a place, of all attempts or of one."""
        reader = self.stores.trainer_logs.reader
        return self.streams.respond(who, log_stream.frames(self.hub, reader, who, job_id, place, attempt))

    def follow_account(self, who: Principal, start: Position) -> Response:
        """Return the live stream of all jobs that the caller may see."""
        return self.streams.respond(who, account_feed.frames(self.hub, self.stores.events, who, start))

    def await_change(self, who: Principal, job_id: str, seconds: float) -> Job:
        """Return the job when its state has changed, or when `seconds` have passed."""
        with self.streams.held(who), self.turns.given_back(who.owner):
            return job_stream.await_change(self.hub, self.stores.queries.jobs, who, job_id, seconds)

    def import_dataset(self, request: Request, who: Principal) -> ImportedDataset:
        """Check and store an uploaded data set, after removing what interrupted uploads left."""
        self.importer.tidy()
        with self.turns.given_back(who.owner):
            return self.importer.take(request, who)
