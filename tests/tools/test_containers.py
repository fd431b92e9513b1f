"""tools.containers reads compose.yaml; `make test-containers` then runs it, which needs podman."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.containers.__main__ import ROOT, SECRETS
from tools.containers.compose import ComposeError, Service, read

ENVIRONMENT = dict.fromkeys(SECRETS, "s3cret")


@pytest.fixture
def services() -> dict[str, Service]:
    """Return the services of compose.yaml by name."""
    return {one.name: one for one in read(ROOT / "compose.yaml", "p", ENVIRONMENT)}


def _file(folder: Path, text: str) -> Path:
    path = folder / "compose.yaml"
    path.write_text(text)
    return path


def test_everything_that_compose_yaml_asks_for_is_known_and_comes_after_what_it_needs(services):
    names = list(services)
    assert set(names) == {"postgres", "redis", "minio", "database-role", "setup", "api", "sweeper", "worker-cpu"}
    for one in services.values():
        assert all(names.index(needed) < names.index(one.name) for needed in one.needs)
    assert [one.name for one in services.values() if one.ends] == ["database-role", "setup"]


def test_a_service_becomes_the_same_container(services):
    options = services["api"].run()
    for flags in (
        ["--read-only"],
        ["--tmpfs", "/tmp"],
        ["--cap-drop", "ALL"],
        ["--security-opt", "no-new-privileges"],
        ["--volume", "p-home:/var/lib/ganforge"],
        ["--publish", "127.0.0.1:8000:8000"],
        ["--env", "GANFORGE_DATABASE_URL=postgresql+psycopg://ganforge_service:s3cret@postgres:5432/ganforge"],
        ["--stop-timeout", "15"],
    ):
        at = options.index(flags[-1])
        assert options[at - len(flags) + 1 : at + 1] == flags
    assert "--init" not in options
    assert "--init" in services["setup"].run()
    assert services["redis"].check()[:2] == ["sh", "-c"]
    assert 'REDISCLI_AUTH="$REDIS_PASSWORD"' in services["redis"].check()[2]
    assert services["worker-cpu"].check() == ["python", "-m", "worker.health"]


@pytest.mark.parametrize("secret", SECRETS)
def test_a_missing_secret_is_refused_as_compose_refuses_it(secret):
    without = {name: value for name, value in ENVIRONMENT.items() if name != secret}
    with pytest.raises(ComposeError, match=f"required variable {secret} is missing a value: set it in .env"):
        read(ROOT / "compose.yaml", "p", without)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("services: {a: {image: x, sysctls: [b]}}", "service a: sysctls is not known here"),
        ("services: {a: {image: x, depends_on: {a: {condition: service_healthy}}}}", "need each other: a"),
    ],
)
def test_what_cannot_be_done_is_an_error_and_not_left_out(tmp_path, text, told):
    with pytest.raises(ComposeError, match=told):
        read(_file(tmp_path, text), "p", {})
