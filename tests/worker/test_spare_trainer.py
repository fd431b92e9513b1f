"""The trainer that is started ahead: there at once for a job, and never beside one."""

from __future__ import annotations

from contextlib import contextmanager

import psutil
import pytest

from stores.infra.settings import Settings
from tests.waiting import until
from worker.device import find_device
from worker.trainer import Spare, Trainer

pytestmark = pytest.mark.long  # real trainers


@pytest.fixture
def spare():
    """Return a spare of this machine's CPU."""
    made = Spare(find_device(Settings(threads=1)), None, ahead=True)
    yield made
    made.close()


@contextmanager
def _job(spare: Spare):
    with spare.lend() as trainer:
        try:
            yield trainer
        finally:
            trainer.close()


def _trainers() -> set[int]:
    return {child.pid for child in psutil.Process().children() if child.status() != psutil.STATUS_ZOMBIE}


def test_units_are_what_the_first_trainer_has_measured(spare):
    assert spare.units is False, "no job that needs them is taken before they are known"
    spare.prepare()
    with _job(spare) as trainer:
        assert trainer.ready.wait(60)
        measured = trainer.units
    assert measured is not None
    assert spare.units == measured
    assert Spare(find_device(Settings(threads=1)), None, ahead=False).units is None


def test_none_is_started_ahead_while_one_is_at_work(spare):
    before = _trainers()
    spare.prepare()
    (waiting,) = _trainers() - before
    with _job(spare) as trainer:
        assert trainer.pid == waiting
        spare.prepare()  # the heart beats on
        assert _trainers() - before == {waiting}
    assert _trainers() == before
    spare.prepare()
    assert len(_trainers() - before) == 1


def test_one_that_died_waiting_is_replaced(spare):
    before = _trainers()
    spare.prepare()
    (waiting,) = _trainers() - before
    psutil.Process(waiting).kill()
    until(lambda: waiting not in _trainers(), 60, "its end")
    with _job(spare) as trainer:
        assert isinstance(trainer, Trainer)
        assert trainer.alive
        assert trainer.pid != waiting


def test_a_closed_spare_starts_none(spare):
    before = _trainers()
    spare.prepare()
    spare.close()
    spare.prepare()
    assert _trainers() == before
