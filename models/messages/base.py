"""The type of a message and its templates. Plain Python 3.8, for trainers and packing, without any other package."""

from __future__ import annotations

import gettext
import string
from typing import Any, ClassVar, Iterator, Mapping, Sequence, Union

# What may be filled into a template. A list is joined with commas, as the reader's language writes them.
Param = Union[None, bool, int, float, str, "Message", Sequence[Union[str, "Message"]]]

ENGLISH = gettext.NullTranslations()
COMMA = ", "
# The number by which a language chooses between the forms of a counted text.
COUNT = "count"


class Text:
    """A template in English. Its code is the name under which a `Texts` class holds it.

    Call it with the values of its fields to get a message. `many` is the form for every `count` but 1.
    """

    def __init__(self, template: str, many: str | None = None) -> None:
        self.code = ""  # given by the class that holds it
        self.template = template
        self.many = many
        forms = (template, many or "")
        self.fields = frozenset(name for form in forms for name in fields(form))

    def __call__(self, **params: Param) -> Message:
        """Return the message with these values.

        Raises:
            TypeError: a value is missing, or there is one too many.
        """
        if self.fields != params.keys():
            given = ", ".join(sorted(params)) or "nothing"
            raise TypeError(f"the message {self.code} takes {', '.join(sorted(self.fields)) or 'nothing'}, not {given}")
        return Message(self, params)

    def form(self, params: Mapping[str, Param], language: gettext.NullTranslations) -> str:
        """Return the template in a language."""
        if self.many is None:
            return language.gettext(self.template)
        count = params[COUNT]
        return language.ngettext(self.template, self.many, count if isinstance(count, int) else 2)


class Texts:
    """A class of templates on one subject. Codes are unique in the whole project."""

    all: ClassVar[dict[str, Text]] = {}

    def __init_subclass__(cls) -> None:
        for name, value in vars(cls).items():
            if isinstance(value, Text):
                if name in Texts.all:
                    raise TypeError(f"two messages have the code {name}")
                value.code = name
                Texts.all[name] = value


class Message:
    """Something to tell a person: a code with parameters. `str()` gives the English."""

    def __init__(self, text: Text, params: Mapping[str, Param]) -> None:
        self.text = text
        self.params = dict(params)

    @property
    def code(self) -> str:
        """The code of its template."""
        return self.text.code

    def __str__(self) -> str:
        return self.put()

    def __repr__(self) -> str:
        return f"Message({self.code}, {self.params})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Message) and (self.code, self.params) == (other.code, other.params)

    def __hash__(self) -> int:
        return hash((self.code, str(self)))

    def put(self, language: gettext.NullTranslations = ENGLISH) -> str:
        """Return it in a language, or in English where the translation does not fit the parameters."""
        try:
            return self._filled(language)
        except (LookupError, ValueError, TypeError, AttributeError):
            return self._filled(ENGLISH)

    def _filled(self, language: gettext.NullTranslations) -> str:
        values = {name: _value(value, language) for name, value in self.params.items()}
        return self.text.form(self.params, language).format(**values)

    def as_json(self) -> dict[str, Any]:
        """Return it as it is stored in rows and events and sent between processes."""
        return {"code": self.code, "params": {name: _as_json(value) for name, value in self.params.items()}}

    @classmethod
    def of(cls, said: object) -> Message | None:
        """Return the message that `as_json` has written; None where this version does not know it as it stands."""
        if not isinstance(said, dict) or not isinstance(said.get("params"), dict):
            return None
        text = Texts.all.get(str(said.get("code")))
        if text is None or text.fields != said["params"].keys():
            return None
        return cls(text, {name: _of_json(value) for name, value in said["params"].items()})


class MessageError(Exception):
    """An error whose words are a message."""

    def __init__(self, message: Message) -> None:
        super().__init__(message)
        self.message = message


def fields(template: str) -> Iterator[str]:
    """Yield the names of the fields of a template."""
    for _, name, _, _ in string.Formatter().parse(template):
        if name is not None:
            yield name


def _value(value: Param, language: gettext.NullTranslations) -> Any:
    if isinstance(value, Message):
        return value.put(language)
    if isinstance(value, (list, tuple)):
        return language.gettext(COMMA).join(str(_value(one, language)) for one in value)
    return value


def _as_json(value: Param) -> Any:
    if isinstance(value, Message):
        return value.as_json()
    return [_as_json(one) for one in value] if isinstance(value, (list, tuple)) else value


def _of_json(value: Any) -> Any:
    if isinstance(value, dict):
        return Message.of(value) or str(value.get("code"))
    return [_of_json(one) for one in value] if isinstance(value, list) else value
