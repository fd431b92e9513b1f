"""`python -m tools.catalogues`: bring the catalogues up to date, and list every text without a translation.

pybabel reads the texts as babel.cfg says: from templates, scripts, messages and the descriptions of recipes.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from babel.messages.catalog import Catalog
from babel.messages.frontend import CommandLineInterface
from babel.messages.pofile import read_po

from api.http.language import CATALOGUES, ENGLISH, NAMES, locale
from models.recipes import RECIPES
from models.specs.evaluate import EvaluateParams
from models.specs.sample import SampleParams

ROOT = Path(__file__).parents[1]
LANGUAGES = [locale(tag) for tag in NAMES if tag != ENGLISH]
# `t` is what scripts call; `Text` takes a template, and a second one where the form depends on a count. Babel counts a
# comma at the end as one more argument.
KEYWORDS = ["t", "Text:1,1t", "Text:1,2,2t", "Text:1,2,3t"]
WIDTH = "120"


def recipes(*_: object, **__: object) -> Iterator[tuple[int, str, str, list[str]]]:
    """Yield the descriptions of recipes, presets and parameters: an extraction method of Babel's.

    They are put together when the specs are imported, so no source shows them as they are.
    """
    for recipe in RECIPES.values():
        found = [recipe.description, *(preset.description for preset in recipe.presets)]
        found += _descriptions(recipe.params.model_json_schema())
        yield from ((1, "gettext", text, []) for text in found)
    for params in (SampleParams, EvaluateParams):
        yield from ((1, "gettext", text, []) for text in _descriptions(params.model_json_schema()))


def _descriptions(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        # The docstring of a model is for who reads the API.
        if isinstance(schema.get("description"), str) and "properties" not in schema:
            yield schema["description"]
        yield from (text for facts in schema.values() for text in _descriptions(facts))
    elif isinstance(schema, list):
        yield from (text for facts in schema for text in _descriptions(facts))


def extract(template: Path) -> None:
    """Write a template with all texts, in the order of the alphabet."""
    keywords = [part for keyword in KEYWORDS for part in ("-k", keyword)]
    _pybabel(
        "extract", "-F", "babel.cfg", *keywords, "--no-location", "--sort-output", "-w", WIDTH, "-o", template, "."
    )


def update(catalogues: Path = CATALOGUES) -> None:
    """Add new texts to every catalogue, and take those out that nobody says any more. Translations stay."""
    with tempfile.TemporaryDirectory() as folder:
        template = Path(folder) / "messages.pot"
        extract(template)
        given = ("-i", template, "-d", catalogues, "-w", WIDTH)
        for language in LANGUAGES:
            kept = ("--init-missing", "--no-fuzzy-matching", "--ignore-obsolete", "--ignore-pot-creation-date")
            _pybabel("update", *given, *kept, "-l", language)


def untranslated(language: str, catalogues: Path = CATALOGUES) -> list[str]:
    """Return the texts that a catalogue has no translation for."""
    with path(language, catalogues).open("rb") as file:
        found: BinaryIO = file
        catalogue: Catalog = read_po(found, locale=language)
    return [texts(message.id)[0] for message in catalogue if message.id and not all(texts(message.string))]


def path(language: str, catalogues: Path = CATALOGUES) -> Path:
    """Return the file of a language."""
    return catalogues / language / "LC_MESSAGES" / "messages.po"


def texts(text: Any) -> tuple[str, ...]:
    """Return the forms of a text or a translation: one, or one for each count that the language tells apart."""
    return (text,) if isinstance(text, str) else tuple(text or ("",))


def _pybabel(*arguments: object) -> None:
    CommandLineInterface().run(["pybabel", "-q", *map(str, arguments)])  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    update()
    for language in LANGUAGES:
        missing = untranslated(language)
        sys.stdout.write(f"{language}: {len(missing)} texts without a translation\n")
        sys.stdout.writelines(f"  {text}\n" for text in missing)
