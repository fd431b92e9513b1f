"""What a request names, looked up: data sets, trainings and their checkpoints, as far as the caller may use them."""

from __future__ import annotations

from api.http.problems import FieldError, InvalidError, field
from models import views
from models.ids import is_id
from models.messages import Missing, RequestFaults, word
from models.states import JobKind, Role
from stores.accounts.keys import Principal
from stores.container import Stores
from stores.infra.errors import NotFoundError


def find_dataset(
    stores: Stores, who: Principal, name: str, errors: list[FieldError], place: str = "/dataset"
) -> views.Dataset | None:
    """Return a data set that jobs can use now; None after an error at the field `place`."""
    # A name means the caller's own data set or a shared one, for admins too; an id means exactly one data set.
    found = stores.datasets.find(name, None if is_id("ds", name) and who.role is Role.admin else who.owner)
    if found is None:
        message = RequestFaults.choose_a_dataset(datasets=list(stores.datasets.names(who.owner)))
    elif found["state"] != "ready":
        message = RequestFaults.dataset_not_ready(state=word(found["state"]))
    else:
        return found
    errors.append(field(place, message))
    return None


def training_of(stores: Stores, who: Principal, job_id: str) -> views.Job:
    """Return the training that a source names.

    Raises:
        InvalidError: there is none that the caller may read, or it is a job of another kind.
    """
    try:
        source = stores.queries.jobs.job(job_id, who.reads)
    except NotFoundError:
        raise InvalidError([field("/source/job", Missing.no_such_job())]) from None
    if source["trashed_at"] is not None:
        raise InvalidError([field("/source/job", RequestFaults.job_trashed())])
    if source["kind"] == JobKind.sample:
        raise InvalidError([field("/source/job", RequestFaults.sampling_job())])
    if source["kind"] == JobKind.evaluate:
        raise InvalidError([field("/source/job", RequestFaults.evaluation_job())])
    return source


def checkpoint_of(stores: Stores, who: Principal, job_id: str, wanted: str) -> views.Artifact:
    """Return the checkpoint that a source names.

    Raises:
        InvalidError: the job has no such checkpoint.
    """
    checkpoint = stores.queries.jobs.checkpoint(job_id, wanted, who.reads)
    if checkpoint is None:
        message = RequestFaults.not_a_checkpoint_of_it() if is_id("art", wanted) else RequestFaults.no_checkpoint_yet()
        raise InvalidError([field("/source/checkpoint", message)])
    return checkpoint
