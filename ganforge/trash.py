"""Deleting: jobs into the trash and out of it, single files, and what uses the space."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from ganforge.session import Session
from ganforge.transport import path_segment

if TYPE_CHECKING:  # importing pydantic would make every command start later
    from models.views import Job, Storage


class Trash(Session):
    """Deletes things, and brings jobs back. The jobs in the trash are `Client.jobs(trashed="true")`."""

    def delete(self, job_id: str, *, purge: bool = False) -> None:
        """Move an ended job to the trash; with `purge`, delete it for good, from the trash too."""
        query = "?purge=true" if purge else ""
        self._transport.send("DELETE", f"/v1/jobs/{path_segment(job_id)}{query}")

    def restore(self, job_id: str) -> Job:
        """Restore a job from the trash."""
        return cast("Job", self._post(f"/v1/jobs/{path_segment(job_id)}/restore"))

    def delete_artifact(self, artifact_id: str) -> None:
        """Delete one file of a job, for good."""
        self._transport.send("DELETE", f"/v1/artifacts/{path_segment(artifact_id)}")

    def storage(self) -> Storage:
        """Return what uses the space, by owner, kind, data set and job, and what the trash holds."""
        return cast("Storage", self._get("/v1/storage"))
