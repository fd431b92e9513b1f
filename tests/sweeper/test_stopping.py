"""The sweeper ends when it is told to, wherever the signal meets it."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest
from celery import Celery

from sweeper.sweeper import Sweeper


@pytest.fixture
def sweeper() -> Iterator[Sweeper]:
    """Return a sweeper that hears signals, without stores."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    made = Sweeper(Celery(set_as_current=False), lazy=True)
    made.stop_on_signals()
    yield made
    for number, handler in before.items():
        signal.signal(number, handler)


class Dying:
    """Something whose finalizer a signal interrupts."""

    def __del__(self) -> None:
        signal.raise_signal(signal.SIGTERM)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_signal_that_arrives_where_exceptions_are_ignored_still_ends_the_sweeper(sweeper: Sweeper) -> None:
    Dying()
    with pytest.raises(SystemExit):
        sweeper.tick()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_what_the_sweeper_waits_for(sweeper: Sweeper, number: signal.Signals) -> None:
    with pytest.raises(SystemExit):
        signal.raise_signal(number)
