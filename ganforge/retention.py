"""Retention policies: what is kept of the ended jobs of a project."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, cast

from ganforge.session import Session
from ganforge.transport import path_segment

if TYPE_CHECKING:  # importing pydantic would make every command start later
    from models.views import RetentionPolicy, RetentionPreview


class Keeper(Session):
    """Sets, lists and deletes retention policies.

    The rules are `keep_checkpoints`, `checkpoints_after_days`, `grids_after_days`, `failed_after_days` and
    `ended_after_days`; `owner` is for admins.
    """

    def retention(self) -> Iterator[RetentionPolicy]:
        """Yield the retention policies, oldest first."""
        return cast("Iterator[RetentionPolicy]", self._list("/v1/retention"))

    def preview_retention(self, project: str, *, owner: str | None = None, **rules: int) -> RetentionPreview:
        """Return what a policy would take away now; nothing is stored."""
        body = _body(project, owner, rules)
        return cast("RetentionPreview", self._transport.ask("POST", "/v1/retention?dry_run=true", json=body))

    def set_retention(self, project: str, *, owner: str | None = None, **rules: int) -> RetentionPolicy:
        """Set the policy of a project, in place of an earlier one."""
        body = _body(project, owner, rules)
        return cast("RetentionPolicy", self._transport.ask("POST", "/v1/retention", json=body))

    def delete_retention(self, policy_id: str) -> None:
        """Delete a policy. What it took away stays away."""
        self._transport.send("DELETE", f"/v1/retention/{path_segment(policy_id)}")


def _body(project: str, owner: str | None, rules: dict[str, int]) -> dict[str, object]:
    return {"project": project, **({} if owner is None else {"owner": owner}), **rules}
