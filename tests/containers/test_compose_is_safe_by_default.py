"""Health, order, data, secrets and ports: what must hold before anybody changes a setting."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from ganforge.stack.processes import WORKER_GRACE_S
from stores.infra.settings import Settings
from tests.containers.conftest import ROOT
from tests.peeking import LIKE_A_USER, readable

OURS = ("database-role", "setup", "api", "sweeper", "worker-cpu", "worker-gpu", "worker-jetson")
WORKERS = OURS[4:]
SECRETS = (
    "GANFORGE_POSTGRES_PASSWORD",
    "GANFORGE_DATABASE_PASSWORD",
    "GANFORGE_REDIS_PASSWORD",
    "GANFORGE_S3_SECRET_KEY",
)


def test_the_services_are_the_servers_and_the_processes_of_the_local_stack(compose_services):
    assert set(compose_services) == {"postgres", "redis", "minio", *OURS}
    assert {
        name: compose_services[name].get("profiles") for name in OURS if compose_services[name].get("profiles")
    } == {
        "worker-gpu": ["gpu"],
        "worker-jetson": ["jetson"],
    }


def test_every_service_that_stays_has_a_health_check(compose_services):
    for name, service in compose_services.items():
        check = service["healthcheck"]
        if name in {"database-role", "setup"}:
            assert check == {"disable": True}
        else:
            assert check["test"][0] in {"CMD", "CMD-SHELL"}, name
            assert check["retries"] >= 3, name


@pytest.mark.parametrize("name", ["api", "sweeper", "worker-cpu", "worker-gpu"])
def test_nothing_starts_before_setup_has_succeeded(compose_services, name):
    assert compose_services[name]["depends_on"] == {
        "setup": {"condition": "service_completed_successfully"},
        "redis": {"condition": "service_healthy"},
    }
    assert compose_services["setup"]["depends_on"] == {
        "database-role": {"condition": "service_completed_successfully"},
        "minio": {"condition": "service_healthy"},
    }
    assert compose_services["database-role"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}


def test_only_the_step_that_makes_the_role_connects_as_the_superuser(compose_services):
    superuser = compose_services["postgres"]["environment"]["POSTGRES_USER"]
    knowing = [name for name, service in compose_services.items() if "GANFORGE_POSTGRES_PASSWORD" in str(service)]
    assert knowing == ["postgres", "database-role"]
    for name in OURS:
        url = compose_services[name]["environment"]["GANFORGE_DATABASE_URL"]
        role, password = re.match(r"postgresql\+psycopg://(\w+):\$\{(\w+):", url).groups()
        assert role != superuser, name
        assert password == "GANFORGE_DATABASE_PASSWORD", name


def test_data_and_the_admin_key_live_in_volumes(compose, compose_services):
    assert compose_services["postgres"]["volumes"] == ["postgres:/var/lib/postgresql"]
    assert compose_services["minio"]["volumes"] == ["minio:/data"]
    for name in ("setup", "api"):
        assert "home:/var/lib/ganforge" in compose_services[name]["volumes"]
    for name, service in compose_services.items():
        for volume in service.get("volumes", []):
            source = volume.partition(":")[0]
            assert source.startswith("${") or source in compose["volumes"], name


def test_a_worker_is_given_longer_to_stop_than_a_checkpoint_takes(compose_services):
    for name in WORKERS:
        grace = int(compose_services[name]["stop_grace_period"].removesuffix("s"))
        assert grace > WORKER_GRACE_S > Settings.model_fields["stop_grace_s"].default


def test_every_secret_comes_from_the_environment_and_its_absence_is_an_error_with_a_remedy():
    text = (ROOT / "compose.yaml").read_text()
    for secret in SECRETS:
        uses = re.findall(rf"\$\{{{secret}([^}}]*)\}}", text)
        assert uses, secret
        assert set(uses) == {":?set it in .env, see docs/08-containers.md"}, secret
    for name, value in re.findall(r"^ *(\w*(?:PASSWORD|SECRET)\w*): (.*)$", text, re.MULTILINE):
        assert value.startswith("${"), name


def test_no_image_holds_a_secret(targets):
    for name, instructions in targets.items():
        for word, rest in instructions:
            if word in {"ARG", "ENV"}:
                assert not re.search(r"PASSWORD|SECRET|_KEY|TOKEN|INDEX_URL", rest), name
    ignore = (ROOT / ".dockerignore").read_text().splitlines()
    rules = [line for line in ignore if line and not line.startswith("#")]
    assert rules[0] == "*"
    assert rules[-1] == "**/.*"
    for rule in rules[1:]:
        assert rule.startswith(("!", "**/")), "only an allowed name may follow the rule that leaves everything out"


def test_ports_are_open_to_this_machine_alone_unless_asked(compose_services):
    published = [port for service in compose_services.values() for port in service.get("ports", [])]
    assert len(published) == 4
    for port in published:
        assert re.match(r"\$\{GANFORGE_\w*BIND:-127\.0\.0\.1\}:", port), port


def test_our_processes_can_write_to_their_volumes_alone_and_gain_no_rights(compose_services, targets):
    for name in OURS:
        service = compose_services[name]
        assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"]), name
        assert service["security_opt"] == ["no-new-privileges:true"], name
    for image in ("api", "worker"):
        assert ("USER", "ganforge") in targets[image]
        assert ("STOPSIGNAL", "SIGTERM") in targets[image]
        assert [word for word, _ in targets[image]].count("HEALTHCHECK") == 1


def test_no_init_process_shows_its_environment_to_trainers_or_packers(compose_services):
    """It has the user id and the environment of the service, and nothing hides it."""
    for name in ("api", "sweeper", *WORKERS):
        assert not compose_services[name].get("init"), name


@pytest.mark.parametrize("image", ["api", "worker"])
def test_the_interpreter_of_an_image_s_service_can_be_run_and_not_read(targets, image):
    """A process is unreadable from its start if its user may not read its program; see the test below."""
    steps = [rest for word, rest in targets[image] if word == "RUN"]
    (hiding,) = [step for step in steps if "chmod 0111 /opt/ganforge/bin/python" in step]
    assert all(steps.index(step) < steps.index(hiding) for step in steps if "pip --isolated install" in step)
    env = next(rest for word, rest in targets[image] if word == "ENV")
    assert "PATH=/opt/ganforge/bin:$PATH" in env
    assert ("GANFORGE_TRAINER_PYTHON=/opt/ganforge/bin/python3 " in env) == (image == "worker")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the kernel's rule is Linux's")
def test_a_process_whose_program_its_user_may_not_read_is_unreadable_from_its_start(tmp_path: Path) -> None:
    program = tmp_path / "python"
    program.write_bytes(Path("/bin/cat").read_bytes())
    for mode, seen in ((0o555, ["environ", "mem"]), (0o111, [])):
        program.chmod(mode)
        # The shell has lost its capabilities when it starts the program, which decides.
        command = [*LIKE_A_USER, "sh", "-c", 'exec "$0"', str(program)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            assert process.stdin
            assert process.stdout
            process.stdin.write(b"it runs\n")
            process.stdin.flush()
            assert process.stdout.readline() == b"it runs\n"
            assert readable(process.pid) == seen
            process.stdin.close()
