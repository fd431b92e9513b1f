"""The protocol of what every view receives: the stores, access checks, and the services of higher layers."""

from __future__ import annotations

from typing import Any, Protocol

from flask import Request, Response

from api.http.access import Doorkeeper
from api.http.shared_answer import SharedAnswer
from api.http.turns import Turns
from models.views import ImportedDataset, Job
from stores.accounts.keys import Principal
from stores.container import Stores
from stores.events.events import Position
from stores.infra.settings import Settings
from stores.trainer_logs.pieces import Place


class Service(Protocol):
    """Built once by `create_app` (api/service.py)."""

    @property
    def settings(self) -> Settings:
        """The settings of this process."""

    @property
    def stores(self) -> Stores:
        """All access to state outside the process."""

    @property
    def door(self) -> Doorkeeper:
        """The access checks."""

    @property
    def turns(self) -> Turns:
        """The turns that each owner's requests take."""

    @property
    def readiness(self) -> SharedAnswer[dict[str, str]]:
        """Whether the parts that the service depends on answer."""

    @property
    def row_figures(self) -> SharedAnswer[bytes]:
        """The metrics that are counted in the rows, in Prometheus' format."""

    def document(self) -> dict[str, Any]:
        """Return the OpenAPI document."""

    def follow_job(self, who: Principal, job_id: str, seen: int) -> Response:
        """Return the live stream of a job's events after `seen`.

        Raises:
            ProblemError: 503, this process has too many open streams; 429, this key has.
        """

    def follow_log(self, who: Principal, job_id: str, place: Place, attempt: int | None) -> Response:
        """Return the live stream of a job's log behind a place, of all attempts or of one.

        Raises:
            ProblemError: 503, this process has too many open streams; 429, this key has.
        """

    def follow_account(self, who: Principal, start: Position) -> Response:
        """Return the live stream of all jobs that the caller may see.

        Raises:
            ProblemError: 503, this process has too many open streams; 429, this key has.
        """

    def await_change(self, who: Principal, job_id: str, seconds: float) -> Job:
        """Return the job when its state has changed, or when `seconds` have passed.

        Raises:
            NotFoundError: there is no such job, or it is somebody else's.
            ProblemError: 503 or 429, as for a stream.
        """

    def import_dataset(self, request: Request, who: Principal) -> ImportedDataset:
        """Check and store an uploaded data set; return it as the API shows it.

        Raises:
            ProblemError: the upload cannot be taken; its fields are named.
        """
