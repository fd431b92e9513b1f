"""Settings, read from the environment once at start and passed down."""

from __future__ import annotations

import os
from functools import cached_property
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from models.plain_text import PlainText


class Settings(BaseSettings):
    """Every setting is `GANFORGE_` plus its upper-case name. The repr hides secrets."""

    model_config = SettingsConfigDict(env_prefix="GANFORGE_", frozen=True)

    home: Path = Field(Path(".ganforge"), description="Data, logs, `admin.key`, `stack.json`.")
    host: str = Field("127.0.0.1", description="Address the API listens on.")
    port: int = Field(8000, ge=0, le=65535, description="Port the API listens on.")
    database_url: SecretStr = Field(
        SecretStr("postgresql+psycopg://ganforge_service@127.0.0.1:5432/ganforge"),
        description="Postgres, as an SQLAlchemy URL. The local stack sets this and the following addresses.",
    )
    redis_url: SecretStr = Field(SecretStr("redis://127.0.0.1:6379/0"), description="Redis or Valkey.")
    s3_url: str = Field("http://127.0.0.1:9000", description="Address at which the service reaches the object store.")
    s3_public_url: str | None = Field(None, description="Address in download links; default: `GANFORGE_S3_URL`.")
    s3_links: bool = Field(
        True,
        description="Whether downloads are redirected to the object store; if not, the service sends the bytes itself. "
        "For stores that users cannot reach.",
    )
    s3_access_key: SecretStr = Field(SecretStr(""), description="Access key of the object store.")
    s3_secret_key: SecretStr = Field(SecretStr(""), description="Secret key of the object store.")
    s3_bucket: str = Field("ganforge", description="Bucket in the object store; the setup creates it.")
    s3_region: str = Field("us-east-1", description="Region used to sign requests to the object store.")
    data_roots: str = Field("", description="Folders searched for data sets, separated as in PATH.")

    queues: str = Field("", description="Queues that workers should serve, such as `gpu,cpu`; empty: any.")

    lease_s: float = Field(15.0, gt=0.5, description="Seconds of silence after which a supervisor loses its job.")
    renew_s: float = Field(5.0, gt=0.1, description="Seconds between a supervisor's lease renewals and heartbeats.")
    sweep_s: float = Field(1.0, gt=0.05, description="Seconds between two sweeps.")
    keep_checkpoints: int = Field(5, ge=2, description="Newest checkpoints kept per job, besides the best one.")
    keep_every_checkpoint: int = Field(0, ge=0, description="Also keep every n-th checkpoint of a job; 0: none.")
    thin_after_days: float = Field(7, ge=0, description="Days after a job's end when the others are removed; 0: never.")
    keep_artifacts_days: float = Field(365, ge=0, description="Days that an ended job keeps its files; 0: forever.")
    keep_events_days: float = Field(
        365, ge=0, description="Days that an ended job keeps events and curves; 0: forever."
    )
    trash_days: float = Field(7, gt=0, description="Days after which a job in the trash is deleted for good.")
    chore_s: float = Field(60, gt=0.05, description="Seconds between two clean-ups when there is nothing to do.")
    walk_s: float = Field(3600, gt=0.05, description="Seconds between two comparisons of all objects with all rows.")
    orphan_age_s: float = Field(3600, ge=60, description="Age in seconds at which an object without a row is removed.")
    link_s: int = Field(600, ge=1, le=604_800, description="Seconds that a download link is valid.")

    max_upload_bytes: int = Field(8 << 30, ge=1, description="Maximum bytes of one uploaded data set.")
    max_uploads: int = Field(32, ge=1, description="Uploads under way at once, in all API processes of a home.")
    max_owner_uploads: int = Field(4, ge=1, description="Uploads that one owner may have under way at once.")
    upload_deadline_s: float = Field(14_400, gt=0, description="Seconds in which the body of an upload has to arrive.")
    disk_reserve_bytes: int | None = Field(
        None,
        ge=0,
        description="Bytes that uploads and workers' caches leave free on the disk of `GANFORGE_HOME`; default: for "
        "uploads a tenth of the disk, from 2 to 16 GiB; for caches 2 GiB.",
    )
    cache_bytes: int = Field(50 << 30, ge=0, description="Bytes of uploaded data sets that a worker keeps on its disk.")

    quota_queued: int = Field(100_000, ge=0, description="Waiting jobs an owner may have, unless the key sets a limit.")
    quota_running: int = Field(1000, ge=0, description="Running jobs an owner may have, unless the key sets a limit.")
    quota_stored_bytes: int = Field(1 << 40, ge=0, description="Bytes an owner may store, unless the key sets a limit.")

    trusted_proxies: str = Field(
        "",
        description="Addresses or networks of proxies whose `X-Forwarded-For`, `-Proto` and `-Host` are believed, "
        "separated by commas.",
    )
    connections_per_address: int = Field(
        500, ge=1, description="Open connections of one address in one API process; trusted proxies have no limit."
    )
    new_connections_per_address: int = Field(
        50,
        ge=1,
        description="New connections of one address a second in one API process while another address is connected; "
        "more wait for up to 5 s. Trusted proxies have no limit.",
    )
    head_s: float = Field(10.0, gt=0, description="Seconds that a client has to send a request's line and headers.")
    body_s: float = Field(30.0, gt=0, description="Seconds that a client may pause in all while it sends a body.")
    rate_limit: int = Field(3000, ge=1, description="Requests a second per key, in each API process.")
    max_streams: int = Field(1000, ge=1, description="Open streams in one API process.")
    streams_per_key: int = Field(200, ge=1, description="Open streams of one key in one API process.")
    session_s: float = Field(43_200, gt=0, description="Seconds without use after which a dashboard session ends.")
    session_max_s: float = Field(86_400, gt=0, description="Seconds after which every dashboard session ends.")
    api_processes: int = Field(2, ge=1, description="Number of API processes.")

    webhook_private: bool = Field(
        False, description="1: webhooks may lead to `http` addresses, to this machine and to private networks."
    )
    smtp_url: SecretStr = Field(
        SecretStr(""),
        description="Mail server for webhooks of the format `email`: `smtp://user:password@host:587` (with STARTTLS) "
        "or `smtps://…`; empty: no mail.",
    )
    smtp_from: str = Field("", description="Sender of these mails, such as `ganforge@example.org`.")
    smtp_domains: str = Field(
        "", description="Domains to which these mails may go, separated by commas; empty: to any."
    )

    queue: str = Field("cpu", description="The queue that this supervisor serves.")
    device: str = Field("cpu", description="`cpu`, or the UUID (or index) of the one GPU that trainers may see.")
    worker_name: PlainText | None = Field(None, description="Name of this worker; default: host and device.")
    threads: int | None = Field(None, ge=1, description="CPU threads of a trainer; default: the cores it may use.")
    spare_trainer: bool = Field(True, description="Start the next trainer ahead of time (off for small boards).")
    trainer_python: str | None = Field(None, description="Python interpreter for trainers; default: the supervisor's.")
    stall_s: float = Field(
        60.0, ge=0, description="Seconds without a step after which a trainer is killed, or ten usual steps; 0: never."
    )
    stop_grace_s: float = Field(10.0, gt=0, description="Seconds that a trainer has to write its last checkpoint.")

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, value: str) -> str:
        for part in _parts(value):
            ip_network(part, strict=False)
        return value

    @cached_property
    def proxies(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """The networks of trusted proxies."""
        return tuple(ip_network(part, strict=False) for part in _parts(self.trusted_proxies))

    @cached_property
    def mail_domains(self) -> frozenset[str]:
        """The domains to which mails may go; empty: all."""
        return frozenset(part.lower() for part in _parts(self.smtp_domains))

    @property
    def sends_mail(self) -> bool:
        """Whether there is a mail server."""
        return bool(self.smtp_url.get_secret_value() and self.smtp_from)

    @cached_property
    def roots(self) -> tuple[Path, ...]:
        """The data roots as paths."""
        return tuple(Path(part) for part in self.data_roots.split(os.pathsep) if part)

    @cached_property
    def served(self) -> frozenset[str]:
        """The queues that workers should serve, alive or not; empty if not set."""
        return frozenset(_parts(self.queues))


def _parts(value: str) -> list[str]:
    return [part.strip() for part in value.split(",") if part.strip()]
