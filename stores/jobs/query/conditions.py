"""What a search means in SQL: one condition on the table of jobs for each word and term."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from operator import eq, ge, gt, le, lt
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Double,
    Numeric,
    Text,
    and_,
    any_,
    bindparam,
    cast,
    false,
    func,
    literal,
    literal_column,
    not_,
    or_,
)
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import ARRAY, JSONPATH

from models.messages import QueryFaults
from models.rows import Job
from models.rows.jobs import SEARCHED
from stores.jobs.query.fields import Field, field_of
from stores.jobs.query.grammar import Item, QueryError, Term, Value, Word, read

Condition = ColumnElement[bool]

# As the index has it; the names are those of the table, whatever else a query reads.
TEXTS: ColumnElement[str] = literal_column(re.sub(r"\b(name|notes|labels)\b", r"jobs.\1", f"({SEARCHED})"), Text())
# Characters with a meaning in the JSON of labels, where a word with one of them could be found between two labels.
_JSON_SIGNS = re.compile(r'[{}":,\\]')
# What may be the end of an id. Fewer digits are also the end of others' ids.
_ID_END = re.compile(r"[0-9a-f-]{4,40}")
_ID_BEGIN = re.compile(r"job_[0-9a-f-]{0,40}")
_IN_LABELS = (
    "EXISTS (SELECT FROM jsonb_each_text(jobs.labels) AS one WHERE one.key ILIKE :like OR one.value ILIKE :like)"
)

_COMPARE: dict[str, Callable[[Any, Any], Any]] = {"=": eq, ">": gt, ">=": ge, "<": lt, "<=": le}
_NUMBER = re.compile(r"-?(\d{1,20}(\.\d{0,20})?|\.\d{1,20})([eE][+-]?\d{1,3})?")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d(:\d\d(\.\d{1,6})?)?([Zz]|[+-]\d\d:\d\d)")

_TEXTS: dict[str, ColumnElement[Any]] = {
    "recipe": Job.recipe.expression,
    "preset": Job.preset.expression,
    "project": Job.project.expression,
    "owner": Job.owner.expression,
    "parent": Job.parent.expression,
}
_CHOICES: dict[str, ColumnElement[Any]] = {
    "state": Job.state.expression,
    "kind": Job.kind.expression,
    "queue": Job.queue.expression,
    "error": Job.error_code.expression,
}
_NUMBERS: dict[str, ColumnElement[Any]] = {
    "seed": Job.seed.expression,
    "priority": Job.priority.expression,
    "attempt": Job.attempt.expression,
    "duration": func.extract("epoch", Job.ran),
}
_FIGURES: dict[str, ColumnElement[Any]] = {"fd_ratio": Job.fd_ratio.expression, "kid": Job.kid.expression}
_MOMENTS: dict[str, ColumnElement[Any]] = {
    "created": Job.created_at.expression,
    "started": Job.started_at.expression,
    "finished": Job.finished_at.expression,
}
_JSON: dict[str, ColumnElement[Any]] = {
    "params": Job.params.expression,
    "last": Job.last_metrics.expression,
}


def conditions(query: str) -> tuple[Condition, ...]:
    """Return the conditions of a search; a job that is found meets all of them.

    Raises:
        QueryError: it cannot be read; it tells where and what to do.
    """
    return tuple(_negated(item, _condition(item)) for item in read(query))


def _negated(item: Item, met: Condition) -> Condition:
    # A job without a project is not of the project that is excluded: null counts as unmet.
    return not_(func.coalesce(met, false())) if item.negated else met


def _condition(item: Item) -> Condition:
    return _word(item) if isinstance(item, Word) else _term(item)


def _word(word: Word) -> Condition:
    """Return that a word stands in the name, the notes or a label of a job, or at the begin or end of its id."""
    found: list[Condition] = [_in_texts(word.text)]
    lower = word.text.lower()
    if _ID_END.fullmatch(lower):
        found.append(_id_ends(lower))
    if _ID_BEGIN.fullmatch(lower):
        found.append(_id_begins(lower))
    return or_(*found) if len(found) > 1 else found[0]


def _in_texts(word: str) -> Condition:
    like = _like(word)
    if not _JSON_SIGNS.search(word):
        return TEXTS.ilike(like)
    # First what the index finds, in which labels are JSON; then what stands in a text itself.
    as_json = _like(json.dumps(word, ensure_ascii=False)[1:-1])
    exact = or_(
        Job.name.ilike(like), Job.notes.ilike(like), sql(_IN_LABELS).bindparams(bindparam("like", like, unique=True))
    )
    return and_(or_(TEXTS.ilike(like), TEXTS.ilike(as_json)), exact)


def _like(word: str) -> str:
    escaped = re.sub(r"([\\%_])", r"\\\1", word)
    return f"%{escaped}%"


def _id_begins(begin: str) -> Condition:
    return Job.id.like(_like(begin)[1:])


def _id_ends(end: str) -> Condition:
    # The index has ids from their end. A pattern that begins with fixed text is a range in it.
    return func.reverse(Job.id).like(f"{end[::-1]}%")


def _id(value: str) -> Condition:
    lower = value.lower()
    if _ID_END.fullmatch(lower):
        return _id_ends(lower)
    return _id_begins(lower) if _ID_BEGIN.fullmatch(lower) else Job.id == value


def _term(term: Term) -> Condition:
    known, name, part = field_of(term)
    match known.kind:
        case "number":
            column = _FIGURES[part] if part else _NUMBERS[name]
            return _number(known, column, term)
        case "moment":
            return or_(*(_moment(_MOMENTS[name], term.operator, value) for value in term.values))
        case "json":
            return or_(*(_json(_JSON[name], known, part, term.operator, value) for value in term.values))
        case "label":
            return or_(*(_label(value.text) for value in term.values))
        case "part":
            return or_(*(Job.name.ilike(_like(value.text)) for value in term.values))
        case "choice":
            return _choice(known, name, term)
        case "text":
            return _text(name, [value.text for value in term.values])


def _text(name: str, values: Sequence[str]) -> Condition:
    if name == "id":
        return or_(*map(_id, values))
    if name == "dataset":
        return or_(_one_of(Job.dataset.expression, values), _one_of(Job.dataset_id.expression, values))
    return _one_of(_TEXTS[name], values)


def _choice(known: Field, name: str, term: Term) -> Condition:
    for value in term.values:
        if value.text not in known.choices:
            choices = ", ".join(known.choices)
            message = QueryFaults.query_no_choice(value=value.text, at=value.at, field=name, choices=choices)
            raise QueryError(message, value.at)
    if name == "is":
        return Job.starred.expression
    return _one_of(_CHOICES[name], [value.text for value in term.values])


def _one_of(column: ColumnElement[Any], values: Sequence[str]) -> Condition:
    if len(values) == 1:
        return column == values[0]
    return column == any_(literal(list(values), ARRAY(Text)))


def _label(text: str) -> Condition:
    key, *rest = re.split("[:=]", text, maxsplit=1)
    labels: Any = Job.labels
    found: Condition = labels[key].astext == rest[0] if rest else labels.has_key(key)
    return found


def _number(known: Field, column: ColumnElement[Any], term: Term) -> Condition:
    numbers = [_read_number(known, value) for value in term.values]
    # Figures are doubles; as a numeric, 0.1 would be another number than the double of that name.
    as_type: Any = Double() if column in _FIGURES.values() else Numeric()
    return or_(*(_COMPARE[term.operator](column, literal(number, as_type)) for number in numbers))


def _read_number(known: Field, value: Value) -> Decimal:
    if not _NUMBER.fullmatch(value.text) or not math.isfinite(float(value.text)):
        raise QueryError(QueryFaults.query_no_number(value=value.text, at=value.at, example=known.example), value.at)
    return Decimal(value.text)


def _moment(column: ColumnElement[Any], operator: str, value: Value) -> Condition:
    begin, end = _span(value)
    match operator:
        case ">":
            return column >= end if end > begin else column > begin
        case ">=":
            return column >= begin
        case "<":
            return column < begin
        case "<=":
            return column < end if end > begin else column <= begin
        case _:
            return and_(column >= begin, column < end) if end > begin else column == begin


def _span(value: Value) -> tuple[datetime, datetime]:
    """Return begin and end of a day in UTC, or a moment twice."""
    try:
        if _DAY.fullmatch(value.text):
            begin = datetime.fromisoformat(value.text).replace(tzinfo=UTC)
            return begin, begin + timedelta(days=1)
        if _MOMENT.fullmatch(value.text):
            moment = datetime.fromisoformat(value.text.upper()).astimezone(UTC)
            return moment, moment
    except (ValueError, OverflowError):
        pass
    raise QueryError(QueryFaults.query_no_moment(value=value.text, at=value.at), value.at)


def _json(column: ColumnElement[Any], known: Field, part: str, operator: str, value: Value) -> Condition:
    """Return that a value of a JSON object compares as asked; values of other types do not."""
    path = "$" + "".join(f'."{name}"' for name in part.split("."))
    if operator == "=":
        wanted = [f"@ == {json.dumps(value.text)}"]
        if _NUMBER.fullmatch(value.text) and math.isfinite(float(value.text)):
            wanted.append(f"@ == {_plain(value.text)}")
        if value.text in {"true", "false", "null"}:
            wanted.append(f"@ == {value.text}")
    else:
        wanted = [f"@ {operator} {_plain(str(_read_number(known, value)))}"]
    return column.op("@?", is_comparison=True)(cast(f"{path} ? ({' || '.join(wanted)})", JSONPATH))


def _plain(number: str) -> str:
    """Return a number as JSON writes it: neither `.5` nor `5.` is one there."""
    return json.dumps(float(number)) if re.search("[.eE]", number) else str(int(number))
