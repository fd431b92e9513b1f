# Two images from one file: `api` (also setup and sweeper; no torch) and `worker` (supervisor and trainers).
# docs/08-containers.md tells how to build and run them, for GPUs and Jetsons too.

# Any base with Python 3.11 or later will do. The worker's may bring its own torch, as a Jetson's does.
ARG API_BASE=python:3.11-slim-bookworm
ARG WORKER_BASE=python:3.11-slim-bookworm

# What each image installs, without the rest of pyproject.toml: a changed line of ruff's settings must not install torch anew.
FROM ${API_BASE} AS requirements
ARG WORKER_EXTRAS="worker trainers"
WORKDIR /requirements
COPY pyproject.toml constraints.txt ./
RUN ["python3", "-c", "import os, tomllib\nproject = tomllib.load(open('pyproject.toml', 'rb'))['project']\nextras = {'api': ['api'], 'worker': os.environ.get('WORKER_EXTRAS', '').split()}\nfor image, names in extras.items():\n    lines = project['dependencies'] + [line for name in names for line in project['optional-dependencies'][name]]\n    open(image + '.txt', 'w').write('\\n'.join(lines) + '\\n')"]


FROM ${API_BASE} AS api
ENV GANFORGE_HOME=/var/lib/ganforge \
    GANFORGE_HOST=0.0.0.0 \
    GANFORGE_PORT=8000 \
    PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
# The home is made here so that a new volume mounted over it belongs to the user too.
RUN groupadd --gid 10001 ganforge \
    && useradd --uid 10001 --gid ganforge --home-dir "$GANFORGE_HOME" --no-create-home --shell /usr/sbin/nologin ganforge \
    && install --directory --owner=ganforge --group=ganforge --mode=0700 "$GANFORGE_HOME"
# Where packages come from is pip's own configuration, which a build may hand in as the secret `pip.conf`.
# The setuptools that venv brings is old, so only a package that asks for it gets one. pip leaves at the end: nothing can
# be installed into a running container.
RUN --mount=type=bind,from=requirements,source=/requirements,target=/requirements \
    --mount=type=cache,target=/root/.cache/pip \
    --mount=type=secret,id=pip.conf,target=/etc/pip.conf \
    python3 -m venv /opt/venv \
    && pip uninstall --yes setuptools \
    && pip install --constraint /requirements/constraints.txt --requirement /requirements/api.txt \
    && pip uninstall --yes pip
WORKDIR /app
COPY models models
COPY stores stores
COPY migrations migrations
COPY trainers/data trainers/data
COPY worker worker
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
ENV GANFORGE_HOME=/var/lib/ganforge \
    GANFORGE_QUEUE=cpu \
    GANFORGE_DEVICE=cpu \
    PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
# Trainers find their device here when the NVIDIA runtime adds it; without that runtime these say nothing.
ENV NVIDIA_DRIVER_CAPABILITIES=compute,utility
RUN groupadd --gid 10001 ganforge \
    && useradd --uid 10001 --gid ganforge --home-dir "$GANFORGE_HOME" --no-create-home --shell /usr/sbin/nologin ganforge \
    && install --directory --owner=ganforge --group=ganforge --mode=0700 "$GANFORGE_HOME"
RUN --mount=type=bind,from=requirements,source=/requirements,target=/requirements \
    --mount=type=cache,target=/root/.cache/pip \
    --mount=type=secret,id=pip.conf,target=/etc/pip.conf \
    "$PYTHON" -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else f"The supervisor needs Python 3.11 or later, and this base has {sys.version}: see PYTHON in docs/08-containers.md")' \
    && "$PYTHON" -m venv /opt/venv \
    && pip uninstall --yes setuptools \
    && pip install --constraint /requirements/constraints.txt --requirement /requirements/worker.txt \
    && pip uninstall --yes pip
WORKDIR /app
COPY models models
COPY stores stores
COPY trainers trainers
COPY worker worker
RUN python -m compileall -q .
USER ganforge
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 \
    CMD ["python", "-m", "worker.health", "supervisor"]
ENTRYPOINT ["python", "-m"]
CMD ["celery", "-A", "worker.celery_app", "worker", "--pool=threads", "--concurrency=1", "-Q", "cpu", "--loglevel=INFO", "-n", "worker-cpu@%h", "--without-gossip", "--without-mingle"]
