"""What must hold of the service in containers, asked as a user asks, or from inside its containers."""

from __future__ import annotations

import io
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from threading import Thread

from PIL import Image

from ganforge.client import Client
from ganforge.errors import GanforgeError
from tools.containers.compose import Service
from tools.containers.podman import run_in

Say = Callable[[str], None]
PATIENCE_S = 300.0
PICTURES = 40

_AS_THE_SERVICE = """
import os, psycopg
url = os.environ["GANFORGE_DATABASE_URL"].replace("+psycopg", "")
with psycopg.connect(url, autocommit=True) as connection:
    print(connection.execute("SELECT current_user, rolsuper FROM pg_roles WHERE rolname = current_user").fetchone())
    reading = "SELECT pg_read_file('/etc/passwd')"
    for statement in ("COPY (SELECT 1) TO PROGRAM 'true'", reading, "CREATE EXTENSION dblink"):
        try:
            connection.execute(statement)
            print("DONE", statement)
        except psycopg.errors.InsufficientPrivilege as error:
            print("refused:", str(error).splitlines()[0])
"""
# What a process of the same user finds: another's environment with a secret, a writable root, capabilities.
_FROM_INSIDE = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)  # as a health check is started
time.sleep(0.5)
found = []
for pid in filter(str.isdigit, os.listdir("/proc")):
    try:
        if int(pid) != os.getpid() and b"GANFORGE_S3_SECRET_KEY" in open("/proc/" + pid + "/environ", "rb").read():
            found.append(pid + " " + open("/proc/" + pid + "/comm").read().strip())
    except (PermissionError, FileNotFoundError, ProcessLookupError):
        pass
print("READABLE SECRETS of " + ", ".join(found) if found else "no readable secrets")
child.communicate(b"\\n")
status = open("/proc/self/status").read()
field = {line.split(":")[0]: line.split(":")[1].strip() for line in status.splitlines()}
print("uid", os.getuid(), "capabilities", int(field["CapEff"], 16), "no new privileges", field["NoNewPrivs"])
for folder in ("/", "/app", "/opt/ganforge", "/etc"):
    try:
        open(folder + "/written", "w")
        print("WRITABLE", folder)
    except OSError:
        pass
"""


class CheckError(Exception):
    """Something does not hold."""


def hold(condition: bool, what: str) -> None:
    """Raise CheckError unless the condition holds."""
    if not condition:
        raise CheckError(what)


def train_and_sample(client: Client, say: Say) -> str:
    """Train, sample and download to the end; return the training's id."""
    job = client.wait(client.train("mlp_gan", "mnist-10k", params={"images": 20000, "width": 64})["id"])
    hold(job["state"] == "succeeded", f"the training ended as {job['state']}: {job['error']}")
    sample = client.wait(client.sample(job["id"], params={"count": 16})["id"])
    hold(sample["state"] == "succeeded", f"the sampling ended as {sample['state']}: {sample['error']}")
    with tempfile.TemporaryDirectory() as folder:
        files = [client.download(one, Path(folder)) for one in client.artifacts(job["id"])]
        files += [client.download(one, Path(folder)) for one in client.artifacts(sample["id"])]
    say(f"training {job['id']} and its sampling succeeded; {len(files)} files downloaded with the right checksums")
    return job["id"]


def upload(client: Client, say: Say) -> None:
    """Upload pictures, which a packer reads inside the API's container, and remove them again."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pictures.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for number in range(PICTURES):
                content = io.BytesIO()
                Image.new("RGB", (32, 32), (number, 255 - number, 0)).save(content, "PNG")
                archive.writestr(f"{number}.png", content.getvalue())
        made = client.add_dataset(path, name="pictures")
    hold(made["images"] == PICTURES, f"{made['images']} of {PICTURES} pictures were read")
    client.delete_dataset(made["id"])
    say(f"an upload of {PICTURES} pictures was read and removed")


def is_kept(client: Client, job_id: str, say: Say) -> None:
    """Check that an earlier job and its files are there."""
    job = client.job(job_id)
    hold(job["state"] == "succeeded", f"{job_id} is {job['state']} now")
    with tempfile.TemporaryDirectory() as folder:
        for one in client.artifacts(job_id):
            client.download(one, Path(folder))
    say(f"{job_id} is kept, with its files")


class Running:
    """A training that runs, and a stream of its events that is open, while the containers are replaced."""

    def __init__(self, client: Client, connect: Callable[[], Client], say: Say) -> None:
        params = {"images": 20_000_000, "width": 64}  # about ten minutes; it is cancelled
        self._say = say
        self.job = client.train("mlp_gan", "mnist-10k", params=params)["id"]
        self.seen: list[int] = []
        self.breaks: list[str] = []
        self._error: GanforgeError | None = None
        self._thread = Thread(target=self._follow, args=(connect(),), daemon=True)
        self._thread.start()
        _until(lambda: len(list(client.artifacts(self.job, kind="checkpoint"))) >= 1, "the first checkpoint")
        say(f"{self.job} runs and has a checkpoint; the stream has brought {len(self.seen)} events")

    def _follow(self, client: Client) -> None:
        try:
            with client as own:
                for event in own.events(self.job, patience=PATIENCE_S, on_break=self.breaks.append):
                    self.seen.append(event["seq"])
        except GanforgeError as error:
            self._error = error

    def went_on(self, client: Client) -> None:
        """Check that the job goes on from its checkpoint with no attempt lost, and that the stream missed nothing."""
        at_upgrade = len(self.seen)
        _until(lambda: client.job(self.job)["attempt"] >= 2 and client.job(self.job)["state"] == "running", "attempt 2")
        _until(lambda: len(self.seen) > at_upgrade, "the stream's next event")
        attempts = list(client.attempts(self.job))
        hold(attempts[0]["outcome"] == "interrupted", f"the first attempt ended as {attempts[0]['outcome']}")
        client.cancel(self.job)
        job = client.wait(self.job)
        self._thread.join(60)
        hold(self._error is None and not self._thread.is_alive(), f"the stream ended with {self._error}")
        every = [event["seq"] for event in client.past_events(self.job)]
        hold(self.seen == every, f"the stream brought {len(self.seen)} events, and there are {len(every)}")
        self._say(
            f"{self.job} went on in attempt {job['attempt']}, its first one was interrupted; the stream brought all "
            f"{len(every)} events once and in order, over {len(self.breaks)} breaks ({'; '.join(self.breaks)})"
        )


def database_role(service: Service, say: Say) -> None:
    """Check that the service works as an ordinary role."""
    told = run_in(service, _AS_THE_SERVICE).splitlines()
    hold(told[0] == "('ganforge_service', False)", told[0])
    hold(len(told) == 4 and all(line.startswith("refused:") for line in told[1:]), "\n".join(told))
    for line in told:
        say(f"{service.name}: {line}")


def confinement(services: list[Service], say: Say) -> None:
    """Check what a process of the service's user finds in each container."""
    for service in services:
        if service.name == "redis":
            continue  # no Python in it
        told = run_in(service, _FROM_INSIDE).splitlines()
        for line in told:
            say(f"{service.name}: {line}")
        hold(told[0] == "no readable secrets", told[0])
        hold(told[1:] == ["uid 10001 capabilities 0 no new privileges 1"], "\n".join(told))


def _until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > deadline:
            raise CheckError(f"{what} did not come within {PATIENCE_S:.0f} s")
        time.sleep(0.5)
