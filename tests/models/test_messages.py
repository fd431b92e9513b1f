"""What the service tells: one template for each code, the same English everywhere, translated by code."""

from __future__ import annotations

import ast
import gettext
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from models import messages
from models.messages import Alerts, Conflicts, Message, OrderFaults, Text, Texts, Words, verbatim, word

ROOT = Path(__file__).parents[2]
FOLDERS = ("models", "packing", "stores", "api", "worker", "trainers")
CLASSES = {name for name, value in vars(messages).items() if isinstance(value, type) and issubclass(value, Texts)}


class Reversed(gettext.NullTranslations):
    """A language in which every text is in capitals, with its fields kept."""

    def gettext(self, message: str) -> str:
        turned = {
            "cannot {action} a job that is {state}": "{state}! {action}?",
            "possible actions: {allowed}": "{allowed}",
        }
        return turned.get(message, message if "{" in message else message.upper())


class Broken(gettext.NullTranslations):
    """A language whose translator misspelled every field."""

    def gettext(self, message: str) -> str:
        return message.replace("{", "{wrong_")


def refused(*allowed: str | Message) -> Message:
    """Return a message with words, a list and other messages in it."""
    cannot = OrderFaults.cannot(action=word("pause"), state=word("failed"))
    return Words.both(first=cannot, second=OrderFaults.possible_now(allowed=list(allowed)))


def uses() -> Iterator[tuple[str, ast.Call, str, str]]:
    """Yield every call of a template in the source: where it stands, the call, its class and its code."""
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                match node:
                    case ast.Call(
                        func=ast.Attribute(value=ast.Name(id=kind) | ast.Attribute(attr=kind), attr=code)
                    ) if kind in CLASSES:
                        yield f"{path.relative_to(ROOT)}:{node.lineno}", node, kind, code


def test_a_message_knows_its_code_and_speaks_english() -> None:
    message = Alerts.gradient_norm(times=10)
    assert message.code == "gradient_norm"
    assert str(message) == (
        "gradients stay over 10 times their usual size and the loss is worse than usual, which often precedes loss "
        "spikes or NaN; lower the learning rate"
    )


def test_a_missing_or_unknown_parameter_is_refused_when_the_message_is_made() -> None:
    with pytest.raises(TypeError, match="gradient_norm takes times, not nothing"):
        Alerts.gradient_norm()
    with pytest.raises(TypeError, match="collapse takes nothing, not step"):
        Alerts.collapse(step=1)


def test_two_messages_with_one_code_are_refused() -> None:
    with pytest.raises(TypeError, match="two messages have the code collapse"):
        type("Others", (Texts,), {"collapse": Text("something else")})


def test_every_call_in_the_source_names_a_code_and_gives_exactly_its_fields() -> None:
    wrong = []
    for where, call, kind, code in uses():
        text = getattr(getattr(messages, kind), code, None)
        given = {keyword.arg for keyword in call.keywords}
        if not isinstance(text, Text):
            wrong.append(f"{where}: {kind}.{code} is no message")
        elif None not in given and (given != text.fields or call.args):
            wrong.append(f"{where}: {code} takes {sorted(text.fields)}")
    assert not wrong


def test_a_counted_message_chooses_its_form_by_the_count() -> None:
    assert str(Conflicts.dataset_needed(count=1)).startswith("1 unfinished job needs")
    assert str(Conflicts.dataset_needed(count=2)).startswith("2 unfinished jobs need")


def test_a_message_survives_the_database_with_its_parameters() -> None:
    message = refused(word("retry"))
    stored = json.loads(json.dumps(message.as_json()))
    assert stored["code"] == "both"
    assert Message.of(stored) == message
    assert str(Message.of(stored)) == "cannot pause a job that is failed; possible actions: retry"


@pytest.mark.parametrize(
    "stored",
    [
        None,
        "text",
        {},
        {"code": "collapse"},
        {"code": "of_tomorrow", "params": {}},
        {"code": "collapse", "params": {"a": 1}},
    ],
)
def test_a_message_that_this_version_does_not_know_is_none(stored: object) -> None:
    assert Message.of(stored) is None


def test_words_and_lists_inside_a_message_are_translated_too() -> None:
    message = refused(word("retry"), "x")
    assert message.put(Reversed()) == "FAILED! PAUSE?; RETRY, x"


def test_a_translation_that_does_not_fit_leaves_the_message_english() -> None:
    message = Alerts.gradient_norm(times=10)
    assert message.put(Broken()) == str(message)


def test_words_of_the_system_stay_as_they_are() -> None:
    assert verbatim("{braces} 100%").put(Reversed()) == "{braces} 100%"
    assert word("something else") == "something else"
    assert isinstance(word("failed"), Message) and word("failed").code in vars(Words)


def test_messages_need_no_package_beside_python() -> None:
    """Trainers on Python 3.8 and the packing process import them."""
    code = "import sys, models.messages; print(sorted({'pydantic', 'babel', 'sqlalchemy'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
