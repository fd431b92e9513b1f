"""Links that show a job to people without a key."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, cast

from ganforge.admin import Operator

if TYPE_CHECKING:  # importing pydantic would make every command start later
    from models.views import FreshShare, Share


class Sharer(Operator):
    """Shows jobs to others."""

    def share(self, job_id: str, *, expires_in_s: int | None = None) -> FreshShare:
        """Make a link to a read-only page of a job; its `url` is in this answer and nowhere else.

        `expires_in_s`: when it ends, at most 90 days; None: in 7 days. Two calls make two links.
        """
        body: dict[str, Any] = {} if expires_in_s is None else {"expires_in_s": expires_in_s}
        return cast("FreshShare", self._transport.ask("POST", f"/v1/jobs/{job_id}/share", json=body))

    def shares(self, job_id: str) -> Iterator[Share]:
        """Yield the live links of a job, oldest first, without their addresses."""
        return cast("Iterator[Share]", self._list(f"/v1/jobs/{job_id}/share"))

    def revoke_shares(self, job_id: str, share_id: str | None = None) -> None:
        """Revoke one link of a job at once, or all of them."""
        one = "" if share_id is None else f"/{share_id}"
        self._transport.send("DELETE", f"/v1/jobs/{job_id}/share{one}")
