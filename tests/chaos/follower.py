"""What a person does meanwhile: asks until a job is accepted, and follows its events over however many connections."""

from __future__ import annotations

import threading
import time
import uuid
from typing import Any

from ganforge.client import Client
from ganforge.errors import ApiError, GanforgeError
from tests.chaos import undisturbed_run

PATIENCE_S = 120.0


class Follower:
    """One job, asked for and watched through the API alone, in a thread of its own."""

    def __init__(self, url: str, key: str, name: str) -> None:
        self.name = name
        self.job_id = ""
        self.seen: list[int] = []
        self.error = ""
        self._client = Client(url, key, timeout=10)
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def finish(self, timeout: float) -> str:
        """Wait for the end of the stream; return what went wrong, or nothing."""
        self._thread.join(timeout)
        alive = self._thread.is_alive()
        self._client.close()
        if alive:
            return f"the stream of {self.job_id or self.name} did not end; it saw {len(self.seen)} events"
        return self.error

    def _run(self) -> None:
        try:
            self.job_id = self._submit()["id"]
            for event in self._client.events(self.job_id, patience=PATIENCE_S):
                self.seen.append(event["seq"])
        except GanforgeError as error:
            self.error = f"the client gave up: {error}"

    def _submit(self) -> dict[str, Any]:
        """Send it again under the same key until it is accepted; a refusal for good is an error."""
        key, deadline = str(uuid.uuid4()), time.monotonic() + PATIENCE_S
        while True:
            try:
                job = self._client.train(
                    "mlp_gan",
                    "mnist-10k",
                    params=undisturbed_run.PARAMS,
                    seed=undisturbed_run.SEED,
                    queue="cpu",
                    name=self.name,
                    max_attempts=10,
                    idempotency_key=key,
                )
            except GanforgeError as error:
                # 409: the first try is still under way, or looks so.
                for_good = isinstance(error, ApiError) and error.status < 500 and error.status not in {409, 429}
                if for_good or time.monotonic() > deadline:
                    raise
                time.sleep(0.2)
            else:
                return dict(job)
