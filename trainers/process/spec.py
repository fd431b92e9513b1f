"""The first line on standard input, as plain attributes. The API validated it with models.specs; here it is read."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Union

from trainers.process.errors import TrainerError

if TYPE_CHECKING:
    from models.specs.base import TrainParams
    from models.specs.sample import SampleParams


@dataclass(frozen=True)
class DatasetSpec:
    """Where the files of a data set are and what they should hold.

    ``shape`` is (channels, height, width) as the data are, ``parts`` counts the images of each part, ``path`` is the
    packed file of an uploaded data set and ``sha256`` its checksum.
    """

    name: str
    source: str
    layout: str
    folder: str
    shape: tuple[int, ...]
    classes: tuple[str, ...]
    parts: dict[str, int]
    path: Path | None
    sha256: str | None = None


@dataclass(frozen=True)
class TrainSpec:
    """A training attempt."""

    job: str
    attempt: int
    recipe: str
    params: TrainParams
    seed: int
    dataset: DatasetSpec
    data_roots: tuple[Path, ...]
    cache: Path
    device: str
    threads: int
    scratch: Path
    resume: Path | None
    stop_after_s: float | None


@dataclass(frozen=True)
class SampleSpec:
    """A sampling attempt."""

    job: str
    attempt: int
    recipe: str
    params: SampleParams
    checkpoint: Path
    dataset: DatasetSpec | None
    data_roots: tuple[Path, ...]
    cache: Path
    device: str
    threads: int
    scratch: Path


Spec = Union[TrainSpec, SampleSpec]


def as_params(values: dict[str, Any]) -> Any:
    """Turn the parameters' JSON into attributes, cadences included."""
    return json.loads(json.dumps(values), object_hook=lambda pairs: SimpleNamespace(**pairs))


def as_values(params: object) -> dict[str, Any]:
    """The reverse of `as_params`."""
    values: dict[str, Any] = json.loads(json.dumps(params, default=vars))
    return values


def parse(line: str) -> Spec:
    """Read the spec line.

    Raises:
        TrainerError: it is not JSON, or a field is missing or of the wrong kind.
    """
    try:
        given = json.loads(line)
        return _sample(given) if given["kind"] == "sample" else _train(given)
    except KeyError as error:
        raise TrainerError(f"the spec lacks the field {error}") from error
    except (ValueError, TypeError, AttributeError) as error:
        raise TrainerError(f"the spec cannot be read: {error}") from error


def _train(given: dict[str, Any]) -> TrainSpec:
    if given["kind"] != "train":
        raise ValueError(f"kind is {given['kind']!r}; it must be train or sample")
    params, dataset = as_params(given["params"]), _dataset(given["dataset"])
    # The API fills it in; a spec that was written by hand may leave it open.
    params.image_size = params.image_size or dataset.shape[-1]
    return TrainSpec(
        job=given["job"],
        attempt=int(given["attempt"]),
        recipe=given["recipe"],
        params=params,
        seed=int(given["seed"]),
        dataset=dataset,
        data_roots=tuple(Path(root) for root in given["data_roots"]),
        cache=Path(given["cache"]),
        device=given["device"],
        threads=int(given["threads"]),
        scratch=Path(given["scratch"]),
        resume=Path(given["resume"]) if given.get("resume") else None,
        stop_after_s=given.get("stop_after_s"),
    )


def _dataset(given: dict[str, Any]) -> DatasetSpec:
    return DatasetSpec(
        name=given["name"],
        source=given["source"],
        layout=given["layout"],
        folder=given["folder"],
        shape=tuple(int(n) for n in given["shape"]),
        classes=tuple(given["classes"]),
        parts={name: int(count) for name, count in given["parts"].items()},
        path=Path(given["path"]) if given.get("path") else None,
        sha256=given.get("sha256"),
    )


def _sample(given: dict[str, Any]) -> SampleSpec:
    return SampleSpec(
        job=given["job"],
        attempt=int(given["attempt"]),
        recipe=given["recipe"],
        params=as_params(given["params"]),
        checkpoint=Path(given["checkpoint"]),
        dataset=_dataset(given["dataset"]) if given.get("dataset") else None,
        data_roots=tuple(Path(root) for root in given.get("data_roots", ())),
        cache=Path(given.get("cache", given["scratch"])),
        device=given["device"],
        threads=int(given["threads"]),
        scratch=Path(given["scratch"]),
    )
