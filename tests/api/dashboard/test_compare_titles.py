"""What the jobs of a comparison are called."""

from __future__ import annotations

from typing import Any

from api.dashboard.compare_titles import titles


def job(name: str | None = None, **fields: Any) -> dict[str, Any]:
    """Return a job as far as its title goes."""
    usual = {"name": name, "recipe": "mlp_gan", "source": None, "seed": 0, "dataset": "digits", "preset": None}
    return {**usual, "id": "job_000000", "queue": "cpu", "params": {"width": 16}, **fields}


def test_names_that_tell_jobs_apart_are_their_titles() -> None:
    assert titles([job("one"), job("two"), job()]) == ["one", "two", "mlp_gan"]
    judges = job(recipe="extractor", source={"dataset": "mine"})
    assert titles([judges, job()]) == ["mine", "mlp_gan"]


def test_unnamed_jobs_are_told_apart_by_what_differs() -> None:
    wide, seeded = job(params={"width": 32}), job(seed=7)
    assert titles([job(), wide]) == ["mlp_gan · width 16", "mlp_gan · width 32"]
    assert titles([job(), seeded]) == ["mlp_gan · seed 0", "mlp_gan · seed 7"]
    many = [job(params={"width": n, "epochs": n, "images": n}) for n in (1, 2)]
    assert titles(many) == ["mlp_gan · width 1, epochs 1", "mlp_gan · width 2, epochs 2"]
    clipped = job(params={"width": 16, "clip": 0.01})
    assert titles([job(), clipped]) == [
        "mlp_gan · clip \N{EN DASH}",
        "mlp_gan · clip 0.01",
    ]


def test_equal_jobs_are_told_apart_by_their_ids() -> None:
    twins = [job(id="job_0000aaaaaa"), job(id="job_0000bbbbbb")]
    assert titles(twins) == ["mlp_gan · …aaaaaa", "mlp_gan · …bbbbbb"]
    third = job(id="job_0000cccccc", seed=3)
    assert titles([*twins, third])[2] == "mlp_gan · seed 3"
    assert titles([*twins, third])[0] == "mlp_gan · …aaaaaa"
