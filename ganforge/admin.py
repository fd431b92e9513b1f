"""What an admin does: keys, queues, workers, the audit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from ganforge.session import Session
from ganforge.transport import path_segment

if TYPE_CHECKING:  # importing pydantic would make every command start later
    from models.views import AuditEntry, FreshKey, Key, Queue, Worker


class Operator(Session):
    """Looks after a service."""

    def keys(self) -> Iterator[Key]:
        """Yield the access keys, without their secrets: your own, or as an admin all."""
        return cast("Iterator[Key]", self._list("/v1/keys"))

    def create_key(
        self, name: str, *, owner: str | None = None, role: str = "user", quotas: Mapping[str, int] | None = None
    ) -> FreshKey:
        """Make an access key; its secret is in this answer and nowhere else.

        Who is no admin makes keys of the own owner, with the own role and limits at most. `quotas`: limits other than
        the service's own of `queued`, `running` and `stored_bytes`.
        """
        body = {"name": name, "role": role, "quotas": dict(quotas or {}), **({"owner": owner} if owner else {})}
        return cast("FreshKey", self._transport.ask("POST", "/v1/keys", json=body))

    def revoke_key(self, key_id: str) -> None:
        """Make an access key useless."""
        self._transport.send("DELETE", f"/v1/keys/{key_id}")

    def queues(self) -> Iterator[Queue]:
        """Yield the queues: what waits, what runs, who serves them."""
        return cast("Iterator[Queue]", self._list("/v1/queues"))

    def pause_queue(self, name: str) -> Queue:
        """Let a queue start nothing more (admin)."""
        return cast("Queue", self._post(f"/v1/queues/{path_segment(name)}/pause"))

    def resume_queue(self, name: str) -> Queue:
        """Let a queue start jobs again (admin)."""
        return cast("Queue", self._post(f"/v1/queues/{path_segment(name)}/resume"))

    def usage(self, *, since: str | None = None, until: str | None = None) -> dict[str, Any]:
        """Return `data`, the time on devices and the energy of jobs, and its period `from` and `to`.

        A row of `data` is what the jobs of one owner and project took of one queue.

        `since`, `until`: times such as "2026-01-31T00:00:00Z"; None: 30 days, up to now.
        """
        asked = {"from": since, "to": until}
        return self._get("/v1/usage", {name: value for name, value in asked.items() if value is not None})

    def workers(self) -> Iterator[Worker]:
        """Yield the workers that were seen within the last day (admin)."""
        return cast("Iterator[Worker]", self._list("/v1/workers"))

    def drain(self, worker_id: str) -> Worker:
        """Let a worker finish its job and take no more (admin)."""
        return cast("Worker", self._post(f"/v1/workers/{worker_id}/drain"))

    def undrain(self, worker_id: str) -> Worker:
        """Let a drained worker take jobs again (admin)."""
        return cast("Worker", self._post(f"/v1/workers/{worker_id}/undrain"))

    def audit(self, **filters: str | Sequence[str]) -> Iterator[AuditEntry]:
        """Yield who did what, newest first (admin). Filters: action and subject, each a text or several, and owner."""
        return cast("Iterator[AuditEntry]", self._list("/v1/audit", filters))

    def ready(self) -> dict[str, Any]:
        """Return how the service's own servers are."""
        return self._get("/readyz")
