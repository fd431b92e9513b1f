"""One answer for many requests."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event, Semaphore
from typing import Any

import pytest
from sqlalchemy import event

from api.app import create_app
from api.http.shared_answer import SharedAnswer
from api.v1 import health, prometheus
from stores.infra.settings import Settings

ASKERS = 8


class Question:
    """Counts how often it is asked, and answers when it is told to."""

    def __init__(self, *answers: Any) -> None:
        self._answers = iter(answers)
        self.asked = 0
        self.open = Event()

    def __call__(self) -> Any:
        """Answer."""
        self.asked += 1
        self.open.wait(60)
        answer = next(self._answers)
        if isinstance(answer, BaseException):
            raise answer
        return answer


def ask_at_once(shared: SharedAnswer[Any], question: Question) -> list[Any]:
    """Ask from many threads, and answer when all of them wait; return what each was told."""
    joined = Semaphore(0)
    join = shared._join

    def count() -> Any:
        found = join()
        joined.release()
        return found

    setattr(shared, "_join", count)  # noqa: B010 - mypy allows no assignment to a method

    def ask(_: int) -> Any:
        try:
            return shared.get()
        except ZeroDivisionError as error:
            return error

    with ThreadPoolExecutor(ASKERS) as pool:
        answers = pool.map(ask, range(ASKERS))
        assert all(joined.acquire(timeout=60) for _ in range(ASKERS))
        question.open.set()
        return list(answers)


def test_many_who_ask_at_once_share_one_answer_while_it_is_fresh() -> None:
    question = Question("one", "two")
    shared = SharedAnswer(question, fresh_s=600)
    assert ask_at_once(shared, question) == ["one"] * ASKERS
    assert (shared.get(), question.asked) == ("one", 1)


def test_an_answer_that_is_old_is_found_again() -> None:
    question = Question("one", "two")
    question.open.set()
    shared = SharedAnswer(question, fresh_s=0)
    assert [shared.get(), shared.get()] == ["one", "two"]


def test_an_error_is_told_and_not_kept() -> None:
    question = Question(ZeroDivisionError(), "two")
    question.open.set()
    shared = SharedAnswer(question, fresh_s=600)
    with pytest.raises(ZeroDivisionError):
        shared.get()
    assert [shared.get(), shared.get()] == ["two", "two"]


def test_one_who_is_stopped_while_asking_stops_nobody_else() -> None:
    question = Question(KeyboardInterrupt(), "two")
    question.open.set()
    shared = SharedAnswer(question, fresh_s=600)
    with pytest.raises(KeyboardInterrupt):
        shared.get()
    assert shared.get() == "two"


def test_the_rows_are_counted_and_the_parts_asked_once_for_all_who_look(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (prometheus.FRESH_S, health.FRESH_S) == (10, 1)
    for module in (prometheus, health):
        monkeypatch.setattr(module, "FRESH_S", 600)
    app = create_app(settings)
    stores = app.extensions["ganforge"].stores
    statements: list[str] = []
    listen = (stores.infra.engine, "before_cursor_execute", lambda *told: statements.append(told[2]))
    client = app.test_client()
    for path in ("/metrics", "/readyz"):
        assert client.get(path).status_code == 200
        event.listen(*listen)
        with ThreadPoolExecutor(ASKERS) as pool:
            codes = list(pool.map(lambda _, path=path: app.test_client().get(path).status_code, range(ASKERS)))
        event.remove(*listen)
        assert codes == [200] * ASKERS
    assert statements == []
    stores.close()
