"""From names in a data root to trained networks: registered, claimed, prepared and read by a real worker."""

from __future__ import annotations

from PIL import Image

from tests.waiting import ended, until


def write_flat_cifar(folder, count):
    folder.mkdir(parents=True)
    for n in range(count):
        name = ("airplane", "automobile", "frog")[n % 3]
        Image.new("RGB", (32, 32), (n * 8 % 256, 90, 255 - n)).save(folder / f"{n}_{name}.png")


def test_a_worker_finds_the_set_below_its_own_root_under_another_name(fleet, stores, submit, tmp_path):
    write_flat_cifar(tmp_path / "api" / "cifar" / "train", 24)
    stores.datasets.register_known([tmp_path / "api"])
    dataset = stores.datasets.find("cifar-10", None)
    (tmp_path / "worker").mkdir()
    (tmp_path / "api" / "cifar").rename(tmp_path / "worker" / "cifar10")
    fleet.supervisor(GANFORGE_DATA_ROOTS=str(tmp_path / "worker"))
    params = {"batch_size": 8, "image_size": 48, "epochs": 1}
    job_id = submit(dataset="cifar-10", dataset_id=dataset["id"], params=params)
    job = until(lambda: ended(stores, job_id), 60)
    assert job["state"] == "succeeded", (job, fleet.logs())
    assert len(list((tmp_path / "cache" / "prepared").glob("*.safetensors"))) == 1


def test_pictures_lost_since_they_were_counted_fail_the_job_with_both_numbers(fleet, stores, submit, tmp_path):
    write_flat_cifar(tmp_path / "roots" / "cifar" / "train", 24)
    stores.datasets.register_known([tmp_path / "roots"])
    dataset = stores.datasets.find("cifar-10", None)
    (tmp_path / "roots" / "cifar" / "train" / "0_airplane.png").unlink()
    fleet.supervisor(GANFORGE_DATA_ROOTS=str(tmp_path / "roots"))
    params = {"batch_size": 8, "image_size": 32}
    job_id = submit(dataset="cifar-10", dataset_id=dataset["id"], params=params)
    job = until(lambda: ended(stores, job_id), 60)
    assert (job["state"], job["error"]["code"]) == ("failed", "invalid_dataset"), (job, fleet.logs())
    assert "has 23 train pictures, but was registered with 24 train" in job["error"]["detail"]
