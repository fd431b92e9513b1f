"""The manifests: rendered, checked against Kubernetes' own schemas, and held against what the service needs."""

from __future__ import annotations

import ipaddress
import re
import shutil
import subprocess
from pathlib import Path

import kubernetes_validate
import pytest
import yaml
from sqlalchemy import text

from api.uploads.uploads import MOST_PACKING
from ganforge.stack import processes
from ganforge.stack.devices import Seat
from ganforge.stack.home import Home
from models.states import DeviceClass
from packing.limits import MEMORY
from stores.infra.settings import Settings
from tests.deploy.kustomize import render

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "deploy" / "kubernetes"
# The oldest and the newest that the manifests are written for.
VERSIONS = ("1.29", "1.34")
CUSTOM = {"ScaledObject", "TriggerAuthentication"}
CLASSES = [str(queue) for queue in DeviceClass]


@pytest.fixture(scope="module")
def resources() -> list[dict]:
    """Return everything that would be applied."""
    return render(FOLDER)


@pytest.fixture(scope="module")
def deployments(resources) -> dict[str, dict]:
    """Return the pods' specs by the name of their deployment."""
    return {one["metadata"]["name"]: one["spec"]["template"]["spec"] for one in of(resources, "Deployment")}


def of(resources: list[dict], kind: str) -> list[dict]:
    """Return the resources of a kind."""
    return [one for one in resources if one["kind"] == kind]


def containers(pod: dict) -> list[dict]:
    """Return all containers of a pod."""
    return [*pod.get("initContainers", ()), *pod["containers"]]


@pytest.mark.parametrize("version", VERSIONS)
def test_every_resource_fits_the_schema_of_its_kind(resources, version):
    for one in resources:
        if one["kind"] not in CUSTOM:
            kubernetes_validate.validate(one, version, strict=True)


def test_a_resource_that_does_not_fit_is_found(resources):
    broken = {**of(resources, "Service")[0], "spec": {"ports": [{"port": "http"}], "selectors": {}}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(broken, VERSIONS[0], strict=True)


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl, which has kustomize in it, is not installed here")
def test_kustomize_renders_the_same():
    made = subprocess.run(["kubectl", "kustomize", str(FOLDER)], capture_output=True, text=True, check=True)
    theirs = {(one["kind"], one["metadata"]["name"]): one for one in yaml.safe_load_all(made.stdout)}
    ours = {(one["kind"], one["metadata"]["name"]): one for one in render(FOLDER)}
    assert theirs == ours


def test_every_device_class_has_workers_that_are_scaled_on_its_own_queue(resources, deployments):
    names = {f"worker-{queue}" for queue in CLASSES}
    assert {name for name in deployments if name.startswith("worker")} == names
    scaled = {one["spec"]["scaleTargetRef"]["name"]: one for one in of(resources, "ScaledObject")}
    assert set(scaled) == names
    selectors = [one["spec"]["selector"]["matchLabels"] for one in of(resources, "Deployment")]
    assert len({str(sorted(labels.items())) for labels in selectors}) == len(selectors)
    for queue in CLASSES:
        env = {one["name"]: one.get("value") for one in deployments[f"worker-{queue}"]["containers"][0]["env"]}
        assert env["GANFORGE_QUEUE"] == queue
        assert f"'{queue}'" in scaled[f"worker-{queue}"]["spec"]["triggers"][0]["metadata"]["query"]


def test_the_query_that_scales_counts_what_waits_and_runs(resources, stores, alice, bench):
    query = next(
        one["spec"]["triggers"][0]["metadata"]["query"]
        for one in of(resources, "ScaledObject")
        if one["metadata"]["name"] == "worker-cpu"
    )

    def wanted() -> int:
        with stores.infra.engine.connect() as connection:
            return connection.scalar(text(query)) or 0

    assert wanted() == 0
    for _ in range(3):
        alice.submit()
    bench.finish(bench.claim())
    bench.claim()
    assert wanted() == 2
    with stores.infra.engine.begin() as connection:
        connection.execute(text("UPDATE queues SET paused = true WHERE name = 'cpu'"))
    assert wanted() == 1


def test_accelerators_are_where_the_pods_go(deployments):
    gpu, jetson = deployments["worker-gpu"], deployments["worker-jetson"]
    assert gpu["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] == 1
    assert gpu["nodeSelector"]["nvidia.com/gpu.present"] == "true"
    assert jetson["nodeSelector"] == {"ganforge.dev/device": "jetson", "kubernetes.io/arch": "arm64"}
    assert jetson["runtimeClassName"] == "nvidia"
    assert "nodeSelector" not in deployments["worker-cpu"]


def test_a_worker_has_time_for_its_last_checkpoint_and_its_upload(deployments):
    grace = Settings.model_fields["stop_grace_s"].default
    for queue in CLASSES:
        assert deployments[f"worker-{queue}"]["terminationGracePeriodSeconds"] >= grace + 120


def test_pods_run_what_the_local_stack_runs(deployments, tmp_path):
    home = Home(tmp_path)

    def ran(child) -> list[str]:
        return [part for part in child.command[2:] if part != "-m"]

    sweeper = deployments["sweeper"]["containers"][0]["args"]
    assert sweeper == ran(processes.sweeper(home, {}))
    assert deployments["api"]["containers"][0]["args"][0] == ran(processes.api(home, {}))[0]
    assert deployments["api"]["initContainers"][0]["args"] == ran(processes.setup(home, {}))
    local = ran(processes.worker(home, {}, Seat("w", "$(GANFORGE_QUEUE)", "cpu")))
    for queue in CLASSES:
        args = deployments[f"worker-{queue}"]["containers"][0]["args"]
        assert [part for part in args if "%h" not in part] == [part for part in local if "%h" not in part]


def test_pods_may_do_as_little_as_they_need(resources, deployments):
    for pod in deployments.values():
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] == 10001
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in containers(pod):
            confined = container["securityContext"]
            assert confined["allowPrivilegeEscalation"] is False
            assert confined["readOnlyRootFilesystem"] is True
            assert confined["capabilities"] == {"drop": ["ALL"]}
            assert "memory" in container["resources"]["limits"]
            assert "requests" in container["resources"]
    everybody = next(one for one in of(resources, "NetworkPolicy") if one["metadata"]["name"] == "default")
    assert everybody["spec"]["podSelector"] == {}
    assert everybody["spec"]["ingress"] == []


def _reached(resources: list[dict], pod: str, address: str, port: int) -> bool:
    """Return whether the network policies let a pod open a TCP connection."""
    where = ipaddress.ip_address(address)

    def leads_there(peer: dict) -> bool:
        block = ipaddress.ip_network(peer["ipBlock"]["cidr"])
        return where in block and not any(where in ipaddress.ip_network(one) for one in peer["ipBlock"]["except"])

    for policy in of(resources, "NetworkPolicy"):
        chosen = policy["spec"]["podSelector"].get("matchLabels", {})
        if chosen not in ({}, {"app.kubernetes.io/name": pod}):
            continue
        for rule in policy["spec"].get("egress", ()):
            ports = [one for one in rule["ports"] if one["protocol"] == "TCP"]
            if any(one["port"] <= port <= one.get("endPort", one["port"]) for one in ports) and (
                "to" not in rule or any(map(leads_there, rule["to"]))
            ):
                return True
    return False


def test_sweepers_alone_reach_public_receivers_at_any_port_and_mail_servers(resources):
    for port in (25, 465, 587):
        assert _reached(resources, "ganforge-sweeper", "10.1.2.3", port)
        assert not _reached(resources, "ganforge-api", "10.1.2.3", port)
    for public in ("93.184.215.14", "2606:2800:21f:cb07::1"):
        assert _reached(resources, "ganforge-sweeper", public, 8443)
        assert not _reached(resources, "ganforge-api", public, 8443)
        assert not _reached(resources, "ganforge-worker", public, 8443)
    for private in (
        "10.1.2.3",
        "172.20.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "fd00::1",
        "::ffff:a00:1",
    ):
        assert not _reached(resources, "ganforge-sweeper", private, 8443)
    assert _reached(resources, "ganforge-sweeper", "10.1.2.3", 5432)


def test_a_mail_server_is_known_to_whoever_offers_mail_and_to_whoever_sends_it(deployments):
    for name in ("api", "sweeper"):
        env = {one["name"]: one.get("valueFrom") for one in deployments[name]["containers"][0]["env"]}
        assert env["GANFORGE_SMTP_URL"]["secretKeyRef"] == {"name": "ganforge", "key": "smtp-url", "optional": True}


def _bytes(quantity: str) -> int:
    """Return a quantity of Kubernetes' in bytes."""
    number, unit = re.fullmatch(r"(\d+)(Mi|Gi)", quantity).groups()
    return int(number) << {"Mi": 20, "Gi": 30}[unit]


def test_an_api_pod_may_take_what_all_its_readers_of_uploads_may_take(deployments):
    processes_of_a_pod = Settings.model_fields["api_processes"].default
    # An API process has 118 MB (docs/10-benchmarks.md), and more while it answers large requests.
    needed = processes_of_a_pod * ((256 << 20) + MOST_PACKING * MEMORY)
    assert _bytes(deployments["api"]["containers"][0]["resources"]["limits"]["memory"]) >= needed


def test_homes_are_file_systems_whose_free_space_can_be_measured(deployments):
    """Growing beyond an emptyDir's limit ends the pod, and nothing that looks at free space sees it come."""
    homes = {
        name: next(one for one in deployments[name]["volumes"] if one["name"] == "home")
        for name in deployments
        if name != "sweeper"  # it writes nothing
    }
    for name, home in homes.items():
        claim = home["ephemeral"]["volumeClaimTemplate"]["spec"]
        room = _bytes(claim["resources"]["requests"]["storage"])
        most = "max_upload_bytes" if name == "api" else "cache_bytes"
        assert room > Settings.model_fields[most].default, name
        assert deployments[name]["securityContext"]["fsGroup"] == 10001


def test_secrets_are_named_and_never_held(resources, deployments):
    assert of(resources, "Secret") == []
    secret = re.compile(r"(PASSWORD|SECRET_KEY|ACCESS_KEY|_URL)$")
    for pod in deployments.values():
        for container in containers(pod):
            for one in container.get("env", ()):
                if secret.search(one["name"]):
                    assert one["valueFrom"]["secretKeyRef"]["name"] == "ganforge"
    for one in of(resources, "ConfigMap"):
        assert not [name for name in one["data"] if secret.search(name) and "S3" not in name]
        assert "@" not in str(one["data"])


def test_every_setting_is_one_that_the_service_knows(resources, deployments):
    known = {f"GANFORGE_{name.upper()}" for name in Settings.model_fields}
    given = {name for one in of(resources, "ConfigMap") for name in one["data"]}
    for pod in deployments.values():
        for container in containers(pod):
            given |= {one["name"] for one in container.get("env", ()) if not one["name"].startswith("NVIDIA_")}
    assert given <= known


def test_everything_is_probed_and_survives_a_drained_node(resources, deployments):
    assert set(deployments["api"]["containers"][0]) >= {"startupProbe", "livenessProbe", "readinessProbe"}
    assert "livenessProbe" in deployments["sweeper"]["containers"][0]
    for queue in CLASSES:
        worker = deployments[f"worker-{queue}"]["containers"][0]
        assert set(worker) >= {"startupProbe", "readinessProbe"}
        # The database may be away for long: what trains must not be restarted for that.
        assert "livenessProbe" not in worker
    kept = {one["metadata"]["name"] for one in of(resources, "PodDisruptionBudget")}
    assert kept == set(deployments)
    labels = {
        one["metadata"]["name"]: one["spec"]["template"]["metadata"]["labels"] for one in of(resources, "Deployment")
    }
    for one in of(resources, "PodDisruptionBudget"):
        chosen = one["spec"]["selector"]["matchLabels"].items()
        assert [name for name, has in labels.items() if chosen <= has.items()] == [one["metadata"]["name"]]


def test_names_that_resources_call_each_other_by_exist(resources, deployments):
    accounts = {one["metadata"]["name"] for one in of(resources, "ServiceAccount")}
    maps = {one["metadata"]["name"] for one in of(resources, "ConfigMap")}
    for pod in deployments.values():
        assert pod["serviceAccountName"] in accounts
        volumes = {one["name"] for one in pod["volumes"]}
        for container in containers(pod):
            assert {one["configMapRef"]["name"] for one in container["envFrom"]} <= maps
            assert {one["name"] for one in container["volumeMounts"]} <= volumes
            assert container["image"].startswith("registry.example.org/")
    rows = {one["metadata"]["name"] for one in of(resources, "TriggerAuthentication")}
    for one in of(resources, "ScaledObject"):
        assert one["spec"]["triggers"][0]["authenticationRef"]["name"] in rows
    assert {one["metadata"].get("namespace") for one in resources if one["kind"] != "Namespace"} == {"ganforge"}
