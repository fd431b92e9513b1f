"""What a supervisor knows of its device, read from files and a program in place of the kernel's and the driver's."""

from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path

import pytest

from models.states import DeviceClass
from stores.infra.settings import Settings
from worker import nvml
from worker.device import KEEP_FREED_MEMORY, find_device

GIB = 1 << 30
FIRST, SECOND = "GPU-11111111-2222-3333-4444-555555555555", "GPU-66666666-7777-8888-9999-000000000000"
LISTED = f"""\
0, {FIRST}, NVIDIA GeForce GTX 1080, 8192, 8100, 38
1, {SECOND}, NVIDIA H100 80GB HBM3, 81559, 40000, 64
"""

# A loop that makes and frees blocks as a training step does; prints the pages that it had to fetch from the kernel.
STEPS = """
import resource
def step():
    return len([b"x" * ((8 << 20) + n) for n in range(6)])
step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.fixture
def machine(tmp_path: Path):
    """Return a function that writes a file below a root of its own, and that root."""

    def write(path: str, content: str) -> Path:
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
        return tmp_path

    write("proc/meminfo", _meminfo(total=16 * GIB, available=10 * GIB))
    return write


@pytest.fixture
def driver(tmp_path_factory, monkeypatch):
    """Return a function that puts an nvidia-smi in the path which says what it is given."""
    monkeypatch.setattr(nvml, "pynvml", None)
    folder = tmp_path_factory.mktemp("bin")
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")

    def install(output: str, code: int = 0) -> None:
        (folder / "listed").write_text(output)
        program = folder / "nvidia-smi"
        program.write_text(f"#!/bin/sh\ncat {folder}/listed\nexit {code}\n")
        program.chmod(0o755)

    return install


def _meminfo(total: int, available: int, swap: int = 0) -> str:
    figures = {"MemTotal": total, "MemFree": available // 2, "MemAvailable": available, "SwapTotal": swap}
    return "".join(f"{name}:{size // 1024:>16} kB\n" for name, size in figures.items()) + "HugePages_Total:       0\n"


def _settings(**values) -> Settings:
    return Settings(threads=2, **values)


@pytest.mark.parametrize(("wanted", "uuid", "free"), [("1", SECOND, 40000), (FIRST, FIRST, 8100)])
def test_a_gpu_is_pinned_by_its_uuid_and_has_the_room_that_is_free_of_it(machine, driver, wanted, uuid, free):
    driver(LISTED)
    device = find_device(_settings(queue="gpu", device=wanted), machine("proc/uptime", "1"))

    assert device.environment()["CUDA_VISIBLE_DEVICES"] == uuid
    assert device.room() == free << 20
    facts = device.facts()
    assert (facts["uuid"], facts["room"], facts["gpu_memory_free"]) == (uuid, free << 20, free << 20)
    assert facts["capacity"] == facts["gpu_memory_total"] > facts["room"]
    assert facts["temperature"] == {FIRST: 38, SECOND: 64}[uuid]


def test_the_room_of_a_gpu_is_read_anew(machine, driver):
    driver(LISTED)
    device = find_device(_settings(queue="gpu", device=SECOND), machine("proc/uptime", "1"))
    driver(LISTED.replace("40000", "500"))
    assert device.room() == 500 << 20


@pytest.mark.parametrize(("output", "code"), [("", 9), ("NVIDIA-SMI has failed\n", 0), ("0, x\n", 0)])
def test_a_driver_that_says_nothing_of_use_leaves_the_device_as_it_was_given(machine, driver, output, code):
    driver(output, code)
    device = find_device(_settings(queue="gpu", device=FIRST), machine("proc/uptime", "1"))
    assert device.environment()["CUDA_VISIBLE_DEVICES"] == FIRST
    assert (device.room(), device.facts()["capacity"]) == (None, None)


def test_memory_that_the_driver_does_not_tell_is_unknown(machine, driver):
    driver(f"0, {FIRST}, NVIDIA A100, [N/A], [N/A], [N/A]\n")
    device = find_device(_settings(queue="gpu", device="0"), machine("proc/uptime", "1"))
    assert (device.uuid, device.room(), device.facts()["temperature"]) == (FIRST, None, None)


def test_a_jetson_shares_its_memory_and_gives_a_job_seven_tenths_of_what_is_available(machine):
    machine("proc/device-tree/model", "NVIDIA Jetson Nano Developer Kit\0")
    machine("proc/meminfo", _meminfo(total=4 * GIB, available=2 * GIB, swap=2 * GIB))
    for core in range(4):
        machine(f"sys/block/zram{core}/disksize", str(GIB // 2))
    machine("sys/devices/gpu.0/load", "640\n")
    machine("sys/class/thermal/thermal_zone0/temp", "41500\n")
    root = machine("sys/class/thermal/thermal_zone1/temp", "50250\n")

    device = find_device(_settings(queue="jetson", device="0"), root)
    facts = device.facts()

    assert (device.kind, device.name) == (DeviceClass.jetson, "NVIDIA Jetson Nano Developer Kit")
    assert device.environment()["CUDA_VISIBLE_DEVICES"] == "0"
    # Neither swap nor the part of memory that pretends to be swap adds to it.
    assert device.room() == facts["room"] == int(0.7 * 2 * GIB)
    assert facts["capacity"] == int(0.7 * 4 * GIB)
    assert (facts["swap_total"], facts["swap_compressed"]) == (2 * GIB, 2 * GIB)
    assert (facts["gpu_load"], facts["temperature"]) == (0.64, 50.25)
    assert not device.keeps_spare


def test_a_board_without_these_files_is_a_board_all_the_same(tmp_path):
    device = find_device(_settings(queue="jetson", device="0"), tmp_path)
    facts = device.facts()
    assert (device.name, device.room(), device.keeps_spare) == ("Jetson", None, False)
    assert (facts["gpu_load"], facts["temperature"], facts["swap_compressed"]) == (None, None, 0)


def test_a_board_is_as_hot_as_its_hottest_zone_that_measures_anything(machine):
    zones = {"AO-therm": 49500, "GPU-therm": 44000, "PMIC-Die": 100000, "cv0-thermal": -256000, "spare": 0}
    for n, (kind, thousandths) in enumerate(zones.items()):
        machine(f"sys/class/thermal/thermal_zone{n}/type", f"{kind}\n")
        machine(f"sys/class/thermal/thermal_zone{n}/temp", f"{thousandths}\n")
    root = machine("sys/class/thermal/cooling_device0/temp", "90000\n")
    assert find_device(_settings(queue="jetson", device="0"), root).facts()["temperature"] == 49.5


@pytest.mark.parametrize(
    ("files", "degrees"),
    [
        ({"thermal/thermal_zone0/type": "x86_pkg_temp", "thermal/thermal_zone0/temp": "47000"}, 47.0),
        ({"thermal/thermal_zone3/type": "cpu-thermal", "thermal/thermal_zone3/temp": "61234"}, 61.234),
        (
            {"hwmon/hwmon2/name": "k10temp", "hwmon/hwmon2/temp1_input": "50125", "hwmon/hwmon2/temp3_input": "52250"},
            52.25,
        ),
        ({"thermal/thermal_zone0/type": "iwlwifi_1", "thermal/thermal_zone0/temp": "47000"}, None),
        ({"hwmon/hwmon0/name": "nvme", "hwmon/hwmon0/temp1_input": "47000"}, None),
        ({"thermal/thermal_zone0/type": "x86_pkg_temp", "thermal/thermal_zone0/temp": "busy"}, None),
        ({"thermal/thermal_zone0/type": "x86_pkg_temp", "thermal/thermal_zone0/temp": "-256000"}, None),
        ({"hwmon/hwmon0/name": "coretemp", "hwmon/hwmon0/temp1_input": "65261850"}, None),
        ({"thermal/thermal_zone0/type": "x86_pkg_temp"}, None),
        ({}, None),
    ],
)
def test_a_processor_is_as_hot_as_its_own_sensors_say_and_no_others(machine, files, degrees):
    root = machine("proc/uptime", "1")
    for path, content in files.items():
        machine(f"sys/class/{path}", f"{content}\n")
    assert find_device(_settings(queue="cpu"), root).facts()["temperature"] == degrees


def test_a_board_saves_every_five_minutes_unless_the_job_says_otherwise(tmp_path):
    board = find_device(_settings(queue="jetson", device="0"), tmp_path)
    assert board.suited({"epochs": 1, "checkpoint_every": None})["checkpoint_every"] == {"seconds": 300}
    for params in ({"checkpoint_every": {"steps": 5}}, {"count": 64}):
        assert board.suited(params) == params
    unset = {"checkpoint_every": None}
    assert find_device(_settings(), tmp_path).suited(unset) == unset


def test_a_larger_board_starts_the_next_trainer_ahead(machine):
    root = machine("proc/device-tree/model", "NVIDIA Jetson AGX Orin\0")
    assert find_device(_settings(queue="jetson", device="0"), root).keeps_spare


def test_a_processor_gives_a_job_what_a_trainer_allows_itself_and_no_more_than_is_available(machine):
    root = machine("proc/cpuinfo", "processor\t: 0\nmodel name\t: Fast One\n")
    device = find_device(_settings(queue="cpu"), root)
    facts = device.facts()
    assert (device.name, facts["capacity"], facts["room"]) == ("Fast One", int(0.85 * 16 * GIB), 10 * GIB)
    assert device.environment()["CUDA_VISIBLE_DEVICES"] == ""

    machine("sys/fs/cgroup/memory.max", f"{4 * GIB}\n")
    assert (device.facts()["capacity"], device.room()) == (4 * GIB, 4 * GIB)
    machine("sys/fs/cgroup/memory.max", "max\n")
    assert device.room() == 10 * GIB


def test_killings_for_lack_of_memory_are_counted_in_machine_and_container(machine):
    machine("proc/vmstat", "nr_free_pages 1\noom_kill 3\n")
    root = machine("sys/fs/cgroup/memory.events", "low 0\noom 5\noom_kill 2\noom_group_kill 0\n")
    assert find_device(_settings(queue="cpu"), root).probes.oom_kills() == 5


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="these are settings of glibc")
def test_a_trainer_on_a_processor_fetches_the_memory_of_its_steps_once(machine):
    kept = find_device(_settings(queue="cpu"), machine("proc/uptime", "1")).environment()
    returned = {name: value for name, value in kept.items() if name not in KEEP_FREED_MEMORY}
    faults = [
        int(subprocess.run([sys.executable, "-c", STEPS], env=env, capture_output=True, text=True, check=True).stdout)
        for env in (kept, returned)
    ]
    assert 100 * faults[0] < faults[1]


@pytest.mark.parametrize("queue", ["gpu", "jetson"])
def test_a_trainer_on_a_gpu_returns_the_memory_of_the_host(machine, driver, queue):
    driver(LISTED)
    environment = find_device(_settings(queue=queue, device="0"), machine("proc/uptime", "1")).environment()
    assert not environment.keys() & KEEP_FREED_MEMORY.keys()
