"""What a trainer writes is what its supervisor reads, and the other way round, for every kind of message."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import get_args

import pytest

from models import wire
from models.messages import Alerts, Message, verbatim
from models.states import ArtifactKind, ErrorCode
from models.typed_json import JSONTypeError
from trainers.process.reporter import Reporter

DOC = Path(__file__).parents[2] / "docs" / "05-trainer-protocol.md"
PROGRESS = wire.Progress(epoch=1, epochs=2, step=10, steps=20, images=160, fraction=0.5)
DATASET = wire.DatasetSpec(
    name="small",
    source="uploaded",
    layout="packed",
    folder="",
    shape=(1, 28, 28),
    classes=("0", "1"),
    parts={"train": 160, "test": 40},
    path=Path("/scratch/dataset.safetensors"),
    sha256="ab" * 32,
)
# One of each kind, with every field filled, and the same with what may be missing left out.
MESSAGES = [
    wire.Ready("2.14.1", "3.8.18", 4711),
    wire.Started(0, 20, 2, "A processor"),
    wire.Started(0, 64, None, "A processor"),
    wire.Alive("preparing"),
    wire.Alive("training", 10),
    wire.Metric(1, [9, 10], {"d_loss": [0.7, None], "g_loss": [1, -2.5e-7]}, PROGRESS),
    wire.Metric(1, [10], {"d_loss": [0.7]}, PROGRESS, 12.5),
    wire.Epoch(1, 10, 160, 0.25, 640.0, "A processor", {"d_loss": 0.65}, PROGRESS),
    wire.ProgressUpdate(PROGRESS),
    wire.File("checkpoint", Path("/scratch/checkpoint-00000010.safetensors"), 10, 1, "application/octet-stream", True),
    wire.File("grid", Path("/scratch/grid.png"), 0, 0, "image/png"),
    wire.Log("warning", "a line\nwith \u2028 and \N{SNOWMAN}"),
    wire.Alert("batch_halved", "memory ran out", 6, {"batch_size": 8, "g_loss": None, "queue": "cpu"}, back_to=6),
    wire.Alert("collapse", "fakes look alike", 60),
    wire.Alert("collapse", "fakes look alike", 60, action="pause"),
    wire.Memory(5_000_000_000, 3_000_000_000),
    wire.Memory(5_000_000_000),
    wire.Quality(2.5, "0" * 64),
    wire.Result({"verdicts": ["copying"], "count": 2000, "fidelity": {"fd_ratio": 1.5, "kid": None}}),
    wire.Done(None),
    wire.Done("no better d_loss for 3 epochs"),
    wire.Done("stopped by the alarm collapse", alarm="collapse"),
    wire.Stopped(),
    wire.Paused("collapse"),
    wire.Failed("no_space", "the scratch folder has no room left"),
]
WORK = {"job": "job_1", "attempt": 2, "recipe": "mlp_gan", "device": "cpu", "threads": 2, "scratch": Path("/scratch")}
EXTRACTOR = wire.ExtractorSpec("mnist-10k", Path("mnist-10k.safetensors"), "ab" * 32, {"width": wire.Bound(512)})
SPECS = [
    wire.TrainSpec(
        **WORK,
        params={"epochs": 5, "checkpoint_every": {"steps": 100}, "monitor": None},
        seed=2**63 - 1,
        dataset=DATASET,
        data_roots=(Path("/data"), Path("/more")),
        cache=Path("/cache"),
        resume=Path("/scratch/resume.safetensors"),
        stop_after_s=12.5,
        extractor=EXTRACTOR,
    ),
    wire.SampleSpec(
        **WORK,
        params={"count": 64, "output": "grid"},
        checkpoint=Path("/scratch/x.safetensors"),
        cache=Path("/cache"),
        bounds={"width": wire.Bound(512), "groups": wire.Bound(16, 6)},
    ),
    wire.EvaluateSpec(
        **WORK,
        params={"count": 2000, "seed": 1, "extractor": "auto"},
        dataset=DATASET,
        images=None,
        checkpoint=Path("/scratch/x.safetensors"),
        extractor=EXTRACTOR,
        bounds={"width": wire.Bound(512)},
        cache=Path("/cache"),
        data_roots=(Path("/data"),),
        stop_after_s=60.0,
    ),
]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_a_message_is_read_as_it_was_written(message):
    line = wire.write(message)
    assert "\n" not in line
    assert wire.read_message(line.encode()) == message


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: type(spec).__name__)
def test_a_spec_is_read_as_it_was_written(spec):
    assert wire.read_spec(wire.write(spec)) == spec


def test_a_command_is_read_as_it_was_written():
    assert wire.write(wire.Stop()) == '{"command": "stop"}'
    assert wire.read_command(wire.write(wire.Stop())) == wire.Stop()


def test_every_kind_has_one_name_and_an_example_here():
    assert set(wire.MESSAGES.values()) == set(get_args(wire.FromTrainer)) == {type(message) for message in MESSAGES}
    assert len(wire.MESSAGES) == 16
    assert set(wire.SPECS.values()) == {type(spec) for spec in SPECS}


def test_a_reporter_sends_every_kind_but_what_the_process_says_of_itself():
    sent = []

    class Listening(Reporter):
        def send(self, message):
            sent.append(type(message))

        def should_stop(self):
            return False

    reporter = Listening()
    reporter.started(0, 20, None, "A processor")
    reporter.metric(1, [1], {"d_loss": [0.5]}, PROGRESS)
    reporter.progress(PROGRESS)
    reporter.epoch(1, PROGRESS, 0.5, 100.0, "A processor", {"d_loss": 0.5})
    reporter.file(wire.File("grid", Path("/scratch/grid.png"), 0, 0, "image/png"))
    reporter.info(verbatim("a line"))
    reporter.alert("collapse", Alerts.collapse(), 60, {"distance_ratio": 0.4})
    reporter.memory(wire.Memory(1))
    reporter.result({"count": 2000})
    reporter.quality(2.5, "0" * 64)
    reporter.done(None)
    reporter.stopped()
    reporter.paused("collapse")
    reporter.failed("internal", verbatim("it broke"))
    reporter.alive("training", 10)
    # The process itself says that it is ready (trainers/__main__.py), and how often it is alive (process/wire.py).
    assert set(sent) == set(wire.MESSAGES.values()) - {wire.Ready, wire.Alive}


def test_codes_and_kinds_are_those_of_jobs_and_artifacts():
    assert set(get_args(wire.FileKind)) == set(ArtifactKind)
    # A full disk and a processor without units are not the job's fault, so they have no code there.
    assert set(get_args(wire.FailureCode)) - {"no_space", "no_units"} <= set(ErrorCode)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("hello", "cannot be read"),
        ("7", "it is 7, not an object"),
        ("{}", "lacks the field 'type'"),
        ('{"type": "hello"}', "type is 'hello'; it must be ready or started"),
        ('{"type": ["ready"]}', "type is ['ready']"),
        ('{"type": "done"}', "lacks the field 'reason'"),
        ('{"type": "stopped", "at": 3}', "has a field 'at', which is not known"),
        ('{"type": "done", "reason": 3}', "reason is 3"),
        ('{"type": "ready", "torch": "2", "python": "3", "pid": true}', "pid is True"),
        ('{"type": "ready", "torch": "2", "python": "3", "pid": 1.5}', "pid is 1.5"),
        ('{"type": "memory", "host_bytes": NaN}', "NaN is not JSON"),
        ('{"type": "failed", "code": "tired", "detail": ""}', "code is 'tired'; it must be invalid_dataset or"),
        ('{"type": "progress", "progress": {"epoch": 1}}', "lacks the field 'epochs' of progress"),
        ('{"type": "progress", "progress": []}', "progress is list"),
    ],
)
def test_a_line_that_is_no_message_is_refused_with_the_reason(line, words):
    with pytest.raises(JSONTypeError, match=re.escape(words)):
        wire.read_message(line)


def test_a_number_that_json_cannot_hold_is_not_written():
    with pytest.raises(ValueError, match="JSON"):
        wire.write(wire.Memory(float("nan")))


def _table(header):
    """Return the cells of the rows of the document's table with this header."""
    _, _, rest = DOC.read_text().partition(header)
    rows = []
    for line in rest.splitlines()[2:]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows


def _names(cell):
    return re.findall(r"`(\w+)`", cell)


def test_the_documents_table_of_messages_has_their_fields():
    documented = {row[0].strip("`"): _names(row[1]) for row in _table("| type | fields | meaning |")}
    assert documented == {name: [one.name for one in fields(kind)] for name, kind in wire.MESSAGES.items()}
    assert list(documented) == list(wire.MESSAGES)


def test_the_documents_table_of_specs_has_their_fields():
    rows = _table("| field | `train` | `sample` | `evaluate` | meaning |")
    for column, kind in enumerate((wire.TrainSpec, wire.SampleSpec, wire.EvaluateSpec), 1):
        documented = {name for row in rows if row[column] for name in _names(row[0])}
        assert documented == {one.name for one in fields(kind)}
    for field, kind in (("dataset", wire.DatasetSpec), ("extractor", wire.ExtractorSpec)):
        documented = [name for row in _table(f"| field of `{field}` | meaning |") for name in _names(row[0])]
        assert documented == [one.name for one in fields(kind)]


def test_the_documents_examples_of_specs_can_be_read():
    blocks = re.findall(r'^    (\{"kind".*?\})\n\n', DOC.read_text(), re.MULTILINE | re.DOTALL)
    read = [type(wire.read_spec(block)) for block in blocks]
    assert read == [wire.TrainSpec, wire.SampleSpec, wire.EvaluateSpec]


def test_what_is_told_carries_its_code_and_comes_back_as_the_message():
    message = Alerts.batch_halved(size=16, step=6, half=8)
    line = wire.write(wire.Log("info", str(message), wire.text_of(message)))
    told = wire.read_message(line)
    assert isinstance(told, wire.Log)
    assert told.text is not None
    assert Message.of(vars(told.text)) == message


def test_a_text_without_a_code_is_sent_and_read_without_one():
    line = wire.write(wire.Done(None))
    assert "text" not in line
    assert wire.read_message(line) == wire.Done(None)
