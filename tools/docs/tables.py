"""Tables in the documentation that are generated from code.

A document marks where a table stands, and `make docs` writes it there:

    <!-- table: settings -->
    <!-- end of table -->
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from api.v1.prometheus import FIGURES
from models.states import EVENTS
from stores.infra.settings import Settings
from tools.docs import catalog, measured, preset_numbers
from tools.docs.catalog import Rows, sentence
from tools.docs.paths import Problem
from tools.docs.tree import Tree

_BEGIN = re.compile(r"^<!-- table: [\w-]+ -->$", re.MULTILINE)
_MARKED = re.compile(
    r"(?P<begin>^<!-- table: (?P<name>[\w-]+) -->\n)(?:\|.*\n)*(?P<end>^<!-- end of table -->$)",
    re.MULTILINE,
)


def check(tree: Tree) -> list[Problem]:
    """Return each table that is not what the code says."""
    return [problem for name in tree.documents() for problem in _check_document(name, tree.text(name))]


def _check_document(name: str, text: str) -> Iterator[Problem]:
    found = list(_MARKED.finditer(text))
    for match in found:
        line = text.count("\n", 0, match.start()) + 1
        if match["name"] not in TABLES:
            yield Problem(name, line, f"there is no table {match['name']}, but {', '.join(TABLES)}")
        elif _table(match) != match[0]:
            yield Problem(name, line, f"the table {match['name']} is not what the code says: run make docs")
    begun = {match.start() for match in found}
    for mark in _BEGIN.finditer(text):
        if mark.start() not in begun:
            yield Problem(name, text.count("\n", 0, mark.start()) + 1, f"{mark[0]} has no end")


def write(tree: Tree) -> None:
    """Write the tables into the documents."""
    for name in tree.documents():
        text = tree.text(name)
        fresh = _MARKED.sub(_table, text)
        if fresh != text:
            (tree.root / name).write_text(fresh, encoding="utf-8")


def _table(match: re.Match[str]) -> str:
    """Return a marked place with the table as it should be."""
    if match["name"] not in TABLES:
        return match[0]
    head, *rows = TABLES[match["name"]]()
    lines = [head, ["---"] * len(head), *rows]
    return match["begin"] + "".join(f"| {' | '.join(line)} |\n" for line in lines) + match["end"]


def _settings() -> Rows:
    """Return the settings."""
    rows: Rows = [("setting", "default", "meaning")]
    for name, field in Settings.model_fields.items():
        rows.append((f"`GANFORGE_{name.upper()}`", _default(field), sentence(field.description or "")))
    return rows


def _default(field: FieldInfo) -> str:
    value = field.default
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int) and value >= 1 << 30 and value % (1 << 30) == 0:
        return f"{value >> 30} GiB" if value < 1 << 40 else f"{value >> 40} TiB"
    return f"{value:g}" if isinstance(value, int | float) else f"`{value}`"


def _metrics() -> Rows:
    """Return the figures of `/metrics`."""
    rows: Rows = [("metric", "kind", "labels", "meaning")]
    rows += [(f"`{one.full_name}`", one.kind, ", ".join(one.labels), sentence(one.words)) for one in FIGURES]
    return rows


def _events() -> Rows:
    """Return the types of events."""
    rows: Rows = [("type", "data", "meaning")]
    rows += [(f"`{kind}`", ", ".join(f"`{name}`" for name in one.data), one.words) for kind, one in EVENTS.items()]
    return rows


TABLES: dict[str, Callable[[], Rows]] = {
    "settings": _settings,
    "metrics": _metrics,
    "events": _events,
    "recipes": catalog.recipes,
    "presets": catalog.presets,
    "preset-numbers": preset_numbers.rows,
    "shared-parameters": catalog.shared_parameters,
    "own-parameters": catalog.own_parameters,
    "layouts": catalog.layouts,
    "known-datasets": catalog.known_datasets,
    "quality": measured.rows,
    "report-cards": measured.cards,
    "planted-sets": measured.planted_sets,
}
