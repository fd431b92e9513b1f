"""The messages between a supervisor and its trainer: one class for each, used by both sides.

A message is one line of JSON; docs/05-trainer-protocol.md says when each is sent. A trainer may run on Python 3.8
without pydantic, so these are plain dataclasses. The types of their fields are read at run time, which is why this
module does without ``from __future__ import annotations`` and writes `List` and `Optional`.
"""

import json
from dataclasses import dataclass, field, is_dataclass
from pathlib import Path
from typing import Dict, Generic, List, Literal, Mapping, Optional, Tuple, Type, TypeVar, Union

from models.messages import Message
from models.typed_json import read_tagged

# A number or a word that belongs to a text, by name; null stands for a number that JSON cannot hold.
Param = Union[str, float, None]
Params = Dict[str, Param]

Level = Literal["info", "warning", "error"]
FileKind = Literal[
    "checkpoint", "weights", "grid", "real_grid", "samples", "loss_plot", "figure", "summary", "report", "log"
]
# The error codes of a job that a trainer can find; and what is not the job's fault: `no_space` (the disk is full) and
# `no_units` (the processor lacks the units for bfloat16 that the job began with).
FailureCode = Literal[
    "invalid_dataset", "out_of_memory", "diverged", "checkpoint_corrupt", "no_space", "no_units", "internal"
]
TorchDevice = Literal["cpu", "cuda"]
# What a trainer does. How long it may take in each without a sign of life stands in models/stalls.py.
Phase = Literal["preparing", "compiling", "training", "evaluating", "saving", "sampling"]


# -- from the trainer, on its standard output


@dataclass(frozen=True)
class Progress:
    """How far a job is. ``epoch`` is the one in hand, from 1; ``fraction`` of the budget is 0 to 1.

    An evaluation has no epochs: ``epoch`` is 0 and ``epochs`` null, and ``images`` counts those that were looked at.
    """

    epoch: int
    epochs: Optional[int]
    step: int
    steps: int
    images: int
    fraction: float


@dataclass(frozen=True)
class Ready:
    """Torch is imported; the trainer waits for its spec.

    ``units`` says whether the processor multiplies bfloat16 at least as fast as float32.
    """

    torch: str
    python: str
    pid: int
    units: Optional[bool] = None


@dataclass(frozen=True)
class Started:
    """The data are loaded and the networks are built or resumed. ``epochs`` is null when sampling.

    ``needs_units``: the job computes in bfloat16 by the trainer's choice, and goes on only where a processor can.
    """

    start_step: int
    steps: int
    epochs: Optional[int]
    device: str
    needs_units: bool = False


@dataclass(frozen=True)
class Alive:
    """The work gets on: sent by the thread that does it, at most once a second within a phase.

    ``step`` counts the steps that are done; null where there are none.
    """

    phase: Phase
    step: Optional[int] = None


@dataclass(frozen=True)
class Metric:
    """The values of every recorded step since the last one; NaN and infinity are null.

    ``data_wait_pct`` is now and then the share of time, 0 to 100, in which steps waited for their data.
    """

    epoch: int
    steps: List[int]
    values: Dict[str, List[Optional[float]]]
    progress: Progress
    data_wait_pct: Optional[float] = None


@dataclass(frozen=True)
class Epoch:
    """An epoch ended: its seconds without what judged it, and the mean of every metric."""

    epoch: int
    step: int
    images: int
    seconds: float
    images_per_second: float
    device: str
    means: Dict[str, float]
    progress: Progress


@dataclass(frozen=True)
class ProgressUpdate:
    """How far a training is at its end, where that is further than the last metric or epoch said; or an evaluation."""

    progress: Progress


@dataclass(frozen=True)
class File:
    """A finished file in the scratch folder; the supervisor uploads it and then deletes it."""

    kind: FileKind
    path: Path
    step: int
    epoch: int
    content_type: str
    best: bool = False


@dataclass(frozen=True)
class Text:
    """What a message says, by the code of its template (models/messages) and what is filled in."""

    code: str
    params: Params


def text_of(message: Message) -> Text:
    """Return a message as it is sent beside its English. What JSON has no type for is sent as text."""
    params: Params = {}
    for name, value in message.params.items():
        params[name] = value if isinstance(value, (str, int, float)) else str(value)
    return Text(message.code, params)


@dataclass(frozen=True)
class Log:
    """A line for the person who watches."""

    level: Level
    message: str
    text: Optional[Text] = None


@dataclass(frozen=True)
class Alert:
    """Something is wrong with the training. ``back_to`` is the step from which it goes on, if it went back.

    ``action`` is what the job's `on_alert` makes of it: `pause`, `stop` or `go_back`; null where nothing follows.
    """

    code: str
    detail: str
    step: int
    params: Params = field(default_factory=dict)
    back_to: Optional[int] = None
    text: Optional[Text] = None
    action: Optional[str] = None


@dataclass(frozen=True)
class Memory:
    """The most bytes that this process held, on the host and on its GPU."""

    host_bytes: int
    device_bytes: Optional[int] = None


@dataclass(frozen=True)
class Result:
    """What was measured, as the job's `result` shows it. Sent once, before `done`."""

    values: Dict[str, object]


@dataclass(frozen=True)
class Quality:
    """How good the images of the checkpoint `best` are; where it goes by another metric, the last ones measured.

    ``extractor`` is the sha256 of the weights of what judges them.
    """

    fd_ratio: float
    extractor: str


@dataclass(frozen=True)
class Done:
    """Everything was written. ``reason`` says why the training ended before its budget, else it is null.

    ``alarm`` is the code of the alarm that ended it, if one did.
    """

    reason: Optional[str]
    text: Optional[Text] = None
    alarm: Optional[str] = None


@dataclass(frozen=True)
class Stopped:
    """The trainer was asked to stop; a checkpoint of this very step is among the files before."""


@dataclass(frozen=True)
class Paused:
    """An alarm paused the job, as its `on_alert` says; a checkpoint of this step is among the files before."""

    alarm: str


@dataclass(frozen=True)
class Failed:
    """The attempt cannot go on."""

    code: FailureCode
    detail: str
    text: Optional[Text] = None


# The supervisor's `match` over these is checked to be complete (worker/attempt.py).
FromTrainer = Union[
    Ready,
    Started,
    Alive,
    Metric,
    Epoch,
    ProgressUpdate,
    File,
    Log,
    Alert,
    Memory,
    Quality,
    Result,
    Done,
    Stopped,
    Paused,
    Failed,
]

MESSAGES: Mapping[str, Type[FromTrainer]] = {
    "ready": Ready,
    "started": Started,
    "alive": Alive,
    "metric": Metric,
    "epoch": Epoch,
    "progress": ProgressUpdate,
    "file": File,
    "log": Log,
    "alert": Alert,
    "memory": Memory,
    "result": Result,
    "quality": Quality,
    "done": Done,
    "stopped": Stopped,
    "paused": Paused,
    "failed": Failed,
}


# -- to the trainer, on its standard input


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
    shape: Tuple[int, ...]
    classes: Tuple[str, ...]
    parts: Dict[str, int]
    path: Optional[Path] = None
    sha256: Optional[str] = None


@dataclass(frozen=True)
class Bound:
    """The largest value of a number among a recipe's parameters; of a list of numbers also the largest length."""

    most: float
    items: Optional[int] = None


@dataclass(frozen=True)
class ExtractorSpec:
    """The network whose features judge images (trainers/judging/extractor.py).

    ``name`` is that of a packaged extractor, "inception", or the id of the job that trained it. ``path`` is its file; a
    relative one is that of a file in the package. ``sha256`` is that of its weights, where it is known. ``bounds``
    are those of the parameters of `darknet`.
    """

    name: str
    path: Path
    sha256: Optional[str] = None
    bounds: Dict[str, Bound] = field(default_factory=dict)


# A job's parameters: a JSON object on the wire (`Values`), attributes in a trainer (trainers/spec.py).
P = TypeVar("P")
Values = Dict[str, object]


@dataclass(frozen=True)
class TrainSpec(Generic[P]):
    """A training attempt. ``resume`` is the checkpoint to go on from, ``extractor`` what may judge its images."""

    job: str
    attempt: int
    recipe: str
    params: P
    seed: int
    dataset: DatasetSpec
    data_roots: Tuple[Path, ...]
    cache: Path
    device: TorchDevice
    threads: int
    scratch: Path
    resume: Optional[Path] = None
    stop_after_s: Optional[float] = None
    extractor: Optional[ExtractorSpec] = None


@dataclass(frozen=True)
class SampleSpec(Generic[P]):
    """A sampling attempt. ``dataset`` is what a translator translates.

    ``bounds`` are those of the recipe's parameters. A checkpoint that claims more would make networks of any size.
    """

    job: str
    attempt: int
    recipe: str
    params: P
    checkpoint: Path
    device: TorchDevice
    threads: int
    scratch: Path
    cache: Path
    bounds: Dict[str, Bound]
    data_roots: Tuple[Path, ...] = ()
    dataset: Optional[DatasetSpec] = None
    stop_after_s: Optional[float] = None


@dataclass(frozen=True)
class EvaluateSpec(Generic[P]):
    """An evaluation. ``dataset`` is the reference.

    What is judged are the ``images`` of another data set, or those that ``checkpoint`` generates: then ``recipe`` is
    that of the checkpoint, and ``bounds`` are those of the recipe's parameters.
    """

    job: str
    attempt: int
    recipe: Optional[str]
    params: P
    dataset: DatasetSpec
    images: Optional[DatasetSpec]
    checkpoint: Optional[Path]
    extractor: ExtractorSpec
    bounds: Dict[str, Bound]
    device: TorchDevice
    threads: int
    scratch: Path
    cache: Path
    data_roots: Tuple[Path, ...] = ()
    stop_after_s: Optional[float] = None


@dataclass(frozen=True)
class Stop:
    """Finish the step in hand, write a checkpoint, say `stopped` and exit."""


Spec = Union[TrainSpec[Values], SampleSpec[Values], EvaluateSpec[Values]]
ToTrainer = Union[Spec, Stop]

SPECS: Mapping[str, Type[Spec]] = {"train": TrainSpec, "sample": SampleSpec, "evaluate": EvaluateSpec}
COMMANDS: Mapping[str, Type[Stop]] = {"stop": Stop}


# -- writing and reading

# Fields that messages without them leave out.
_LATER = ("text", "action", "alarm")


def write(message: Union[FromTrainer, ToTrainer]) -> str:
    """Return a message as one line of JSON, without an end of line."""
    for tag, kinds in (("type", MESSAGES), ("kind", SPECS), ("command", COMMANDS)):
        for name, kind in kinds.items():
            if type(message) is kind:
                values = {
                    name: value for name, value in vars(message).items() if value is not None or name not in _LATER
                }
                return json.dumps({tag: name, **values}, default=_plain, allow_nan=False)
    raise TypeError(f"{type(message).__name__} is no message of the wire")


def read_message(line: Union[str, bytes]) -> FromTrainer:
    """Read a line that a trainer wrote.

    Raises:
        JSONTypeError: it is none of the messages.
    """
    return read_tagged(line, "the message", "type", MESSAGES)


def read_spec(line: Union[str, bytes]) -> Spec:
    """Read the first line that a supervisor wrote.

    Raises:
        JSONTypeError: it is no spec.
    """
    return read_tagged(line, "the spec", "kind", SPECS)


def read_command(line: Union[str, bytes]) -> Stop:
    """Read a later line that a supervisor wrote.

    Raises:
        JSONTypeError: it is no command.
    """
    return read_tagged(line, "the command", "command", COMMANDS)


def _plain(value: object) -> object:
    """Return the JSON of a value that has no JSON of its own."""
    if isinstance(value, Path):
        return str(value)
    if is_dataclass(value):
        return vars(value)
    raise TypeError(f"a message holds a {type(value).__name__}")
