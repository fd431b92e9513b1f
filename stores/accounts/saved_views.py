"""Lists of jobs that owners keep under a name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Engine, delete, func, insert, select, text

from models import views
from models.ids import new_id
from models.messages import ViewFaults
from models.rows import SavedView
from models.views import saved_view
from stores.accounts.audit import Actor, Entry, Requester, record
from stores.infra.errors import ConflictError, NotFoundError

MAX_VIEWS = 100  # of an owner
# Two requests of an owner at once must not exceed the limit together, nor both take a name.
ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtextextended('views:' || :owner, 0))")


class SavedViews:
    """Reads and changes them. Each owner has their own, admins too."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._reader = engine.execution_options(isolation_level="AUTOCOMMIT")

    def all(self, owner: str) -> list[views.SavedView]:
        """Return the lists that an owner keeps, by name."""
        query = select(*SavedView.__table__.columns).where(SavedView.owner == owner).order_by(SavedView.name)
        with self._reader.connect() as connection:
            return [saved_view(row) for row in connection.execute(query).mappings()]

    def create(
        self, who: Actor, name: str, wanted: Mapping[str, Any], sort: str, columns: Sequence[str]
    ) -> views.SavedView:
        """Keep a list under a name.

        Raises:
            ConflictError: the owner has one of this name, or as many as an owner may keep.
        """
        mine = SavedView.owner == who.owner
        with self._engine.begin() as connection:
            connection.execute(ONE_AT_A_TIME, {"owner": who.owner})
            if connection.scalar(select(SavedView.id).where(mine, SavedView.name == name)) is not None:
                raise ConflictError(ViewFaults.view_name_taken())
            if (connection.scalar(select(func.count()).where(mine)) or 0) >= MAX_VIEWS:
                raise ConflictError(ViewFaults.too_many_views(limit=MAX_VIEWS))
            kept = {"name": name, "filter": dict(wanted), "sort": sort, "columns": list(columns)}
            row = connection.execute(
                insert(SavedView)
                .values(id=new_id("view"), owner=who.owner, **kept)
                .returning(*SavedView.__table__.columns)
            ).one()
            record(connection, who, Entry("view.create", row.id, None, kept))
        return saved_view(row._mapping)

    def delete(self, who: Requester, view_id: str) -> None:
        """Forget a list.

        Raises:
            NotFoundError: there is none, or it is somebody else's.
        """
        query = delete(SavedView).where(SavedView.id == view_id)
        if who.reads is not None:
            query = query.where(SavedView.owner == who.reads)
        with self._engine.begin() as connection:
            name = connection.scalar(query.returning(SavedView.name))
            if name is None:
                raise NotFoundError(ViewFaults.no_view(view=view_id))
            record(connection, who, Entry("view.delete", view_id, {"name": name}, None))
