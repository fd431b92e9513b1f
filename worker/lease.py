"""The lease of one attempt, renewed in a thread. The same query reads requests to cancel or pause the job."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import structlog

from models.messages import Ends, Message
from models.states import Action
from stores.container import Stores
from stores.infra.errors import StaleFenceError
from stores.infra.failpoints import reach
from stores.jobs.transitions import Claim

LOOK_S = 0.5  # how often the job's row is checked for a request to cancel or pause
# A worker that cannot reach the database for so many leases stops its trainer. Until then it continues: if nobody can
# reach the database, no other worker can have taken the job, and the training is not lost. After that, another worker
# is most likely doing the same work, while files pile up on this disk.
SILENT_LEASES = 10


class Lease(threading.Thread):
    """A thread that runs until the attempt is over. Calls `wished` with a request, and `lost` when the job is gone."""

    def __init__(
        self,
        stores: Stores,
        claim: Claim,
        over: threading.Event,
        wished: Callable[[Action], None],
        lost: Callable[[Message], None],
    ) -> None:
        super().__init__(name=f"lease-{claim.job_id}", daemon=True)
        self._stores = stores
        self._claim = claim
        self._over = over
        self._wished = wished
        self._lost = lost
        self._log = structlog.get_logger(__name__).bind(job=claim.job_id, fence=claim.fence)

    def run(self) -> None:
        """Renew the lease and read requests. A lost job, or a long outage of the database, ends the attempt at once."""
        settings = self._stores.infra.settings
        # The first look renews: if the commit of the claim was answered late, most of its lease may be over.
        renew_at = time.monotonic()
        heard_at, known = time.monotonic(), None
        while not self._over.wait(LOOK_S):
            try:
                if time.monotonic() >= renew_at:
                    reach("renewing")
                    action = self._stores.jobs.renew(self._claim)
                    renew_at = time.monotonic() + settings.renew_s
                else:
                    action = self._stores.jobs.pending_action(self._claim)
            except StaleFenceError as error:
                self._lost(error.message)
                return
            except Exception as error:
                self._log.warning("lease_not_renewed", error=str(error).splitlines()[0][:200])
                if time.monotonic() - heard_at > SILENT_LEASES * settings.lease_s:
                    self._lost(Ends.database_silent(leases=SILENT_LEASES))
                    return
                continue
            heard_at = time.monotonic()
            if action is not None and action != known:
                known = action
                self._wished(action)
