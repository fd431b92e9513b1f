# Two images from one file: `api` (also setup and sweeper; no torch) and `worker` (supervisor and trainers).
# docs/08-containers.md tells how to build and run them, for GPUs and Jetsons too.

# Any base with Python 3.11 or later will do. The worker's may bring its own torch, as a Jetson's does.
ARG API_BASE=python:3.11-slim-bookworm
ARG WORKER_BASE=python:3.11-slim-bookworm

# What each image installs, with hashes (`make hashes` writes these lists), and without the rest of pyproject.toml: a
# changed line of ruff's settings must not install torch anew. And a pip to install it with: no base needs one, and none
# stays behind in an image.
FROM ${API_BASE} AS requirements
ARG WORKER_EXTRAS="worker trainers"
WORKDIR /requirements
RUN python3 -m venv /opt/tools && cp -r /opt/tools/lib/python3*/site-packages/pip pip
COPY pyproject.toml ./
COPY requirements .
# The worker's list, the bare names of what trainers need beside torch, and the version that the service says it is.
RUN python3 -c '\
import os, re, shutil, tomllib; \
from pathlib import Path; \
project = tomllib.load(open("pyproject.toml", "rb"))["project"]; \
shutil.copy("-".join(os.environ["WORKER_EXTRAS"].split()) + ".txt", "image-worker.txt"); \
extras = project["optional-dependencies"]["trainers"]; \
names = [re.match("[a-z-]+", line)[0] for line in extras if not line.startswith("torch")]; \
Path("trainers.txt").write_text("\n".join(names) + "\n"); \
folder = Path("metadata", "ganforge-" + project["version"] + ".dist-info"); \
folder.mkdir(parents=True); \
facts = {"Metadata-Version": "2.1", "Name": "ganforge", "Version": project["version"]}; \
(folder / "METADATA").write_text("".join(name + ": " + value + "\n" for name, value in facts.items()))'


FROM ${API_BASE} AS api
ENV GANFORGE_HOME=/var/lib/ganforge \
    GANFORGE_HOST=0.0.0.0 \
    GANFORGE_PORT=8000 \
    PATH=/opt/ganforge/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
# The home is made here so that a new volume mounted over it belongs to the user too.
RUN groupadd --gid 10001 ganforge \
    && useradd --uid 10001 --gid ganforge --home-dir "$GANFORGE_HOME" --no-create-home --shell /usr/sbin/nologin ganforge \
    && install --directory --owner=ganforge --group=ganforge --mode=0700 "$GANFORGE_HOME"
# What is installed stays in the image, to be looked up. And not every builder notices that a mounted list has changed.
COPY --from=requirements /requirements/api.txt /opt/ganforge/requirements.txt
# Where packages come from is pip's own configuration, which a build may hand in as the secret `pip.conf`. What a base has
# set for itself must not decide it, hence `--isolated`.
RUN --mount=type=bind,from=requirements,source=/requirements,target=/requirements \
    --mount=type=cache,target=/root/.cache/pip \
    --mount=type=secret,id=pip.conf,target=/etc/pip.conf \
    python3 -m venv --without-pip /opt/ganforge \
    && python /requirements/pip --isolated install --require-hashes --requirement /opt/ganforge/requirements.txt
# Whoever may not read a program may not look into its processes either. So trainers and packers, which have the same user
# id, can't read the credentials of the service's processes, its health checks included, not even as these start.
RUN cp --remove-destination "$(readlink -f /opt/ganforge/bin/python)" /opt/ganforge/bin/python && chmod 0111 /opt/ganforge/bin/python
WORKDIR /app
COPY --from=requirements /requirements/metadata .
COPY models models
COPY packing packing
COPY stores stores
COPY migrations migrations
COPY sweeper sweeper
COPY api api
RUN python -m compileall -q .
USER ganforge
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen('http://127.0.0.1:' + os.environ['GANFORGE_PORT'] + '/healthz', timeout=4)"]
ENTRYPOINT ["python", "-m"]
CMD ["gunicorn", "-c", "/app/api/gunicorn.conf.py", "api.app:create_app()"]


FROM ${WORKER_BASE} AS worker
# The interpreter of the supervisor, where the base's own is older than 3.11.
ARG PYTHON=python3
# The interpreter of the trainers, where the base brings its torch in one: it gets what it lacks beside torch, and keeps
# what it has. Set GANFORGE_TRAINER_PYTHON to the same path when the container runs.
ARG TRAINER_PYTHON=
ENV GANFORGE_HOME=/var/lib/ganforge \
    GANFORGE_QUEUE=cpu \
    GANFORGE_DEVICE=cpu \
    GANFORGE_TRAINER_PYTHON=/opt/ganforge/bin/python3 \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility \
    PATH=/opt/ganforge/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
RUN groupadd --gid 10001 ganforge \
    && useradd --uid 10001 --gid ganforge --home-dir "$GANFORGE_HOME" --no-create-home --shell /usr/sbin/nologin ganforge \
    && install --directory --owner=ganforge --group=ganforge --mode=0700 "$GANFORGE_HOME"
COPY --from=requirements /requirements/image-worker.txt /opt/ganforge/requirements.txt
RUN --mount=type=bind,from=requirements,source=/requirements,target=/requirements \
    --mount=type=cache,target=/root/.cache/pip \
    --mount=type=secret,id=pip.conf,target=/etc/pip.conf \
    "$PYTHON" -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else f"The supervisor needs Python 3.11 or later, and this base has {sys.version}: see PYTHON in docs/08-containers.md")' \
    && "$PYTHON" -m venv --without-pip /opt/ganforge \
    && python /requirements/pip --isolated install --require-hashes --requirement /opt/ganforge/requirements.txt \
    && if [ -n "$TRAINER_PYTHON" ]; then \
        "$TRAINER_PYTHON" /requirements/pip --isolated install \
            --break-system-packages --requirement /requirements/trainers.txt; fi
# As in the image above. Trainers get the interpreter as it is, under its other name, since CUDA's tools look into them.
RUN cp --remove-destination "$(readlink -f /opt/ganforge/bin/python)" /opt/ganforge/bin/python && chmod 0111 /opt/ganforge/bin/python
WORKDIR /app
COPY --from=requirements /requirements/metadata .
COPY models models
COPY packing packing
COPY stores stores
COPY trainers trainers
COPY worker worker
RUN python -m compileall -q .
USER ganforge
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 \
    CMD ["python", "-m", "worker.health"]
ENTRYPOINT ["python", "-m"]
CMD ["celery", "-A", "worker.celery_app", "worker", "--pool=threads", "--concurrency=1", "-Q", "cpu", "--loglevel=INFO", "-n", "worker-cpu@%h", "--without-gossip", "--without-mingle"]
