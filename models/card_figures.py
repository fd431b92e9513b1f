"""How to read a report card: which side of real images a figure is better on, and what each group of figures says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any, Literal

from models.messages import Advice, Message

Group = Literal["fidelity", "diversity", "copying"]
Range = tuple[float, float]

# What each group says when it is bad, as the code of a verdict.
VERDICTS: Mapping[Group, str] = {"fidelity": "low_fidelity", "diversity": "modes_lost", "copying": "copying"}
# Which side of the real images' range is better, or as good.
BETTER: Mapping[str, Literal["low", "high"]] = {
    "fd_ratio": "low",
    "kid": "low",
    "precision": "high",
    "density": "high",
    "coverage": "high",
    "recall": "high",
    "kl": "low",
    "auth_pct": "high",
    "c_t": "high",
    "duplicates": "low",
}
# Images of which a smaller share than this lie among real ones are of no kind.
_RECOGNISABLE = 0.2


def fits(name: str, value: float, real: Range | None) -> bool | None:
    """Return whether a figure is as good as that of new real images; None where that is not known."""
    if real is None:
        return None
    return value <= real[1] if BETTER[name] == "low" else value >= real[0]


class Answer(StrEnum):
    """What a group of figures says of its question."""

    bad = "bad"
    fine = "fine"
    # Some figures are worse than those of real images, which is no fault by itself.
    worse = "worse"
    # What looks like nothing real is of no kind.
    unclear = "unclear"


def answer(group: Group, result: Mapping[str, Any], fitting: Iterable[bool | None]) -> Answer:
    """Return what a group of a result says; `fitting` is what `fits` says of each of its figures."""
    if VERDICTS[group] in result["verdicts"]:
        return Answer.bad
    if all(one is not False for one in fitting):
        return Answer.fine
    return Answer.unclear if group == "diversity" and _unrecognisable(result) else Answer.worse


def advice(verdict: str, result: Mapping[str, Any], source: Mapping[str, Any]) -> Sequence[Message]:
    """Return what to try after a verdict. `source` is what was judged: a job's checkpoint, or a data set."""
    of_job = source.get("job") is not None
    if verdict == "low_fidelity":
        looks = [Advice.look_at_alerts()] if of_job and _unrecognisable(result) else []
        later = [Advice.best_checkpoint()] if of_job and source.get("checkpoint") != "best" else []
        return [*looks, Advice.train_longer(), *later, Advice.stronger_recipe()]
    if verdict == "modes_lost":
        looks = [Advice.look_at_classes()] if result["diversity"]["classes_missing"] else []
        return [*looks, Advice.calmer_training(), Advice.earlier_with_coverage(), Advice.more_of_missing_kinds()]
    if verdict == "copying":
        return [Advice.look_at_pairs(), Advice.more_images(), Advice.earlier_or_smaller()]
    return []


def _unrecognisable(result: Mapping[str, Any]) -> bool:
    return "low_fidelity" in result["verdicts"] and result["fidelity"]["precision"] < _RECOGNISABLE
