"""Every text that the pages say, and the catalogues of what it is in other languages. `make words` brings those up to
date: `python -m api.dashboard.words` adds new texts without a translation and removes what is said no more. What the
service tells from elsewhere has catalogues of its own, `told.….po`."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

from babel.messages import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import read_po, write_po
from jinja2.ext import babel_extract

from api.dashboard.language import HERE, NAMES
from api.dashboard.told_texts import told_texts
from api.http.problems import CODES
from models.recipes import RECIPES
from models.specs.recipe import Recipe

CATALOGUES = HERE / "catalogues"
TEMPLATES = HERE.parent / "templates" / "dashboard"
KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2), "t": None}
OTHERS = [tag for tag in NAMES if tag != "en"]
WIDTH = 120
# No dates and no names: what has not changed is written as it was.
HEADER = r"""msgid ""
msgstr ""
"Language: {language}\n"
"Plural-Forms: nplurals=1; plural=0;\n"
"Content-Type: text/plain; charset=utf-8\n"

"""

Text = str | tuple[str, ...]


def texts() -> Iterator[Text]:
    """Yield every text; (one, many) where it depends on a count."""
    jinja = {"extensions": "jinja2.ext.i18n", "silent": "false"}
    yield from _in(sorted(TEMPLATES.glob("*.html")), babel_extract, jinja)
    yield from _in(sorted((HERE / "static").glob("*.js")), "javascript", {})
    yield from _in(sorted(HERE.glob("*.py")), "python", {})
    yield from (title for _, title in CODES.values())  # of pages that say what is wrong
    for recipe in RECIPES.values():
        yield from _of_recipe(recipe)


def _of_recipe(recipe: Recipe) -> Iterator[str]:
    """Yield what the API says of a recipe, which pages show as it is: itself, its presets, its parameters."""
    yield recipe.description
    yield f"{recipe.sizes_in_words()} pixels"
    yield from (preset.description for preset in recipe.presets)
    yield from _descriptions(recipe.params.model_json_schema())


def _descriptions(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        # The docstring of a model is for who reads the API.
        if isinstance(schema.get("description"), str) and schema.get("type") != "object":
            yield schema["description"]
        yield from (said for facts in schema.values() for said in _descriptions(facts))
    elif isinstance(schema, list):
        yield from (said for facts in schema for said in _descriptions(facts))


def _in(files: Iterable[Path], method: Any, options: dict[str, str]) -> Iterator[Text]:
    for path in files:
        with path.open("rb") as file:
            for _, said, _, _ in extract(method, file, keywords=KEYWORDS, options={**options, "encoding": "utf-8"}):
                found = said if isinstance(said, str) else tuple(part for part in said if part)
                if found:
                    yield found


# The catalogues: how their names begin, and what they hold.
KINDS: dict[str, Callable[[], Iterable[Text]]] = {"": texts, "told.": told_texts}


def read(language: str, kind: str = "") -> Catalog:
    """Return a catalogue of a language; an empty one where there is none yet. `kind`: "" or "told."."""
    locale = language.replace("-", "_")
    path = CATALOGUES / f"{kind}{language}.po"
    if not path.exists():
        return Catalog(locale=locale, project="ganforge", charset="utf-8")
    with path.open("rb") as file:
        return read_po(file, locale=locale)


def template(kind: str) -> Catalog:
    """Return all texts of a kind, without translations."""
    found = Catalog(project="ganforge", charset="utf-8")
    for said in KINDS[kind]():
        found.add(said)
    return found


def update(language: str, kind: str) -> int:
    """Bring a catalogue up to date; return how many of its texts have no translation."""
    catalogue = read(language, kind)
    catalogue.update(template(kind), no_fuzzy_matching=True)
    body = io.BytesIO()
    options: dict[str, Any] = {"sort_output": True, "ignore_obsolete": True, "no_location": True}
    write_po(body, catalogue, width=WIDTH, omit_header=True, **options)
    header = HEADER.format(language=language.replace("-", "_"))
    (CATALOGUES / f"{kind}{language}.po").write_bytes(header.encode() + body.getvalue())
    return sum(not all(forms(message.string)) for message in catalogue if message.id)


def forms(said: Any) -> tuple[str, ...]:
    """Return the forms of a text or a translation: one, or one for each count that the language tells apart."""
    return (said,) if isinstance(said, str) else tuple(said or ("",))


if __name__ == "__main__":
    for tag, kind in product(OTHERS, KINDS):
        sys.stdout.write(f"{kind}{tag}: {update(tag, kind)} texts without a translation\n")
