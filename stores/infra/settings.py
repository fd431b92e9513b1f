"""Settings, from the environment alone. Read once, at start, and passed down."""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Every setting is `GANFORGE_` and the upper-case name. Secrets never show in a repr."""

    model_config = SettingsConfigDict(env_prefix="GANFORGE_", frozen=True)

    home: Path = Field(Path(".ganforge"), description="Data, logs, `admin.key`, `stack.json`.")
    host: str = Field("127.0.0.1", description="Address the API listens on.")
    port: int = Field(8000, ge=0, le=65535, description="Port the API listens on.")
    database_url: SecretStr = Field(
        SecretStr("postgresql+psycopg://postgres@127.0.0.1:5432/ganforge"),
        description="Postgres, as SQLAlchemy writes its address. The local stack sets it, as it does the next ones.",
    )
    redis_url: SecretStr = Field(SecretStr("redis://127.0.0.1:6379/0"), description="Redis or Valkey.")
    s3_url: str = Field("http://127.0.0.1:9000", description="Where the service reaches the object store.")
    s3_public_url: str | None = Field(
        None, description="The address that download links are signed for; default: `GANFORGE_S3_URL`."
    )
    s3_access_key: SecretStr = Field(SecretStr(""), description="Access key of the object store.")
    s3_secret_key: SecretStr = Field(SecretStr(""), description="Secret key of the object store.")
    s3_bucket: str = Field("ganforge", description="Bucket of the object store; the setup creates it.")
    s3_region: str = Field("us-east-1", description="Region that requests to the object store are signed for.")
    data_roots: str = Field("", description="Folders searched for data sets, separated as in PATH.")

    queues: str = Field("", description="Queues that workers are meant to serve, such as `gpu,cpu`; empty: any.")

    lease_s: float = Field(15.0, gt=0.5, description="A supervisor that is silent for this long has lost its job.")
    renew_s: float = Field(5.0, gt=0.1, description="How often a supervisor renews its lease and says it is alive.")
    sweep_s: float = Field(1.0, gt=0.05, description="How often the sweeper looks.")
    keep_checkpoints: int = Field(5, ge=2, description="Newest checkpoints kept a job, beside the best one.")
    keep_every_checkpoint: int = Field(0, ge=0, description="Keep each n-th checkpoint of a job too; 0: none of these.")
    thin_after_days: float = Field(7, ge=0, description="Days after a job's end when only these stay; 0: never.")
    keep_artifacts_days: float = Field(365, ge=0, description="Days that an ended job keeps its files; 0: for ever.")
    keep_events_days: float = Field(365, ge=0, description="Days that it keeps events and curves; 0: for ever.")
    chore_s: float = Field(60, gt=0.05, description="How often the sweeper tidies up when there is nothing to do.")
    walk_s: float = Field(3600, gt=0.05, description="How often it begins to compare all objects with all rows.")
    orphan_age_s: float = Field(3600, ge=60, description="Age at which an object without a row is removed.")
    link_s: int = Field(600, ge=1, le=604_800, description="Seconds that a download link lives.")

    max_upload_bytes: int = Field(8 << 30, ge=1, description="Bytes of one uploaded data set.")
    cache_bytes: int = Field(50 << 30, ge=0, description="Uploaded data sets that a worker keeps on its disk.")

    quota_queued: int = Field(100_000, ge=0, description="Jobs that an owner may have waiting, unless a key says.")
    quota_running: int = Field(1000, ge=0, description="Jobs that an owner may have running, unless a key says.")
    quota_stored_bytes: int = Field(1 << 40, ge=0, description="Bytes that an owner may store, unless a key says.")

    rate_limit: int = Field(3000, ge=1, description="Requests a second a key, in each API process.")
    max_streams: int = Field(1000, ge=1, description="Open streams in one API process.")
    session_s: float = Field(43_200, gt=0, description="Seconds of disuse after which the dashboard asks for a key.")
    api_processes: int = Field(2, ge=1, description="API processes.")

    queue: str = Field("cpu", description="The queue that this supervisor serves.")
    device: str = Field("cpu", description="`cpu`, or the UUID (or index) of the one GPU that trainers may see.")
    worker_name: str | None = Field(None, description="Name of this worker; default: host and device.")
    threads: int | None = Field(None, ge=1, description="CPU threads of a trainer; default: the cores it may use.")
    spare_trainer: bool = Field(True, description="Start the next trainer ahead (off for small boards).")
    trainer_python: str | None = Field(None, description="Python for trainers; default: this one.")
    stop_grace_s: float = Field(10.0, gt=0, description="Seconds a trainer gets to write its last checkpoint.")

    @cached_property
    def roots(self) -> tuple[Path, ...]:
        """The data roots as paths."""
        return tuple(Path(part) for part in self.data_roots.split(os.pathsep) if part)

    @cached_property
    def served(self) -> frozenset[str]:
        """The queues that workers are meant to serve, alive or not; empty when nobody said."""
        return frozenset(part.strip() for part in self.queues.split(",") if part.strip())
