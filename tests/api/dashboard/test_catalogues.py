"""The catalogues fit the texts: the same parts in every translation, and nothing on a page past them. A text without a
translation is no fault: it is shown in English, and `make words` lists it."""

from __future__ import annotations

import re
import shutil

import pytest
from babel.messages.pofile import read_po

from api.dashboard import script_texts
from api.http import language
from models.recipes import RECIPES
from models.states import State
from tools import catalogues

TEMPLATES = catalogues.ROOT / "api" / "templates" / "dashboard"
STATIC = script_texts.STATIC
# What is filled in, and what is marked up, must be in the translation as it is in the text.
PARTS = re.compile(r"%\(\w+\)s|{\w+(?::[^}]*)?}|</?\w+>|`[^`]+`")
NOT_WORDS = re.compile(r"<(script|style|code|pre)\b.*?</\1>|{#.*?#}|{%-?.*?%}|{{.*?}}|&\w+;", re.DOTALL)
# Names, and what is typed, are the same everywhere.
NAMES = {"ganforge", "sha", "SHA", "UTC", "job", "key", "gpu", "team"}


@pytest.fixture(params=catalogues.LANGUAGES)
def locale(request):
    """Each language but English, as its catalogue is named."""
    return request.param


def messages(locale, folder=catalogues.CATALOGUES):
    with catalogues.path(locale, folder).open("rb") as file:
        return [message for message in read_po(file, locale=locale) if message.id]


def translations(locale):
    return {message.id: catalogues.texts(message.string) for message in messages(locale)}


def test_a_translation_has_the_same_parts_filled_in(locale):
    wrong = {}
    for text, forms in translations(locale).items():
        one, many = (text, text) if isinstance(text, str) else text
        # A form for one may write out the number; the languages here have one form for all.
        if any(form and set(PARTS.findall(form)) != set(PARTS.findall(many)) for form in forms):
            wrong[one] = forms
    assert wrong == {}


def test_no_translation_is_a_guess(locale):
    assert [message.id for message in messages(locale) if message.fuzzy] == []


@pytest.fixture
def copy(tmp_path):
    """A folder with the catalogues, brought up to date."""
    shutil.copytree(catalogues.CATALOGUES, tmp_path / "catalogues")
    catalogues.update(tmp_path / "catalogues")
    return tmp_path / "catalogues"


def test_catalogues_that_are_up_to_date_stay_as_they_are(copy, locale):
    before = catalogues.path(locale, copy).read_bytes()
    catalogues.update(copy)
    assert catalogues.path(locale, copy).read_bytes() == before


def test_make_words_adds_a_new_text_lists_it_and_keeps_the_other_translations(copy, locale):
    path = catalogues.path(locale, copy)
    known = {message.id: message.string for message in messages(locale, copy)}
    entry = re.compile(r'msgid "is required"\nmsgstr "[^"]+"\n\n')
    assert entry.search(path.read_text())
    path.write_text(entry.sub('msgid "nobody says this"\nmsgstr "x"\n\n', path.read_text()))
    catalogues.update(copy)
    assert "is required" in catalogues.untranslated(locale, copy)
    now = {message.id: message.string for message in messages(locale, copy)}
    assert now == {**known, "is required": ""}


def test_texts_of_pages_scripts_messages_and_recipes_are_found(tmp_path):
    catalogues.extract(tmp_path / "messages.pot")
    with (tmp_path / "messages.pot").open("rb") as file:
        found = {message.id for message in read_po(file)}
    rest = " this data set; cancel such jobs or wait for their end"
    counted = (f"{{count}} unfinished job needs{rest}", f"{{count}} unfinished jobs need{rest}")
    recipe = RECIPES["dcgan"]
    assert {"Overview", "Close", "is required", counted, recipe.description, recipe.presets[0].description} <= found


def test_the_two_scripts_of_chinese_are_not_mixed():
    traditional = "".join(form for forms in translations("zh_Hant").values() for form in forms)
    simplified = "".join(form for forms in translations("zh_Hans").values() for form in forms)
    assert not set("队务资数执设网检档从这个") & set(traditional)
    assert not set("隊務資數執設網檢檔從這個") & set(simplified)


@pytest.mark.parametrize("path", sorted(TEMPLATES.glob("*.html")), ids=lambda path: path.name)
def test_no_template_says_anything_past_the_catalogues(path):
    # Blocks of {% trans %} are texts too; the block of the body holds its attributes.
    source = re.sub(r"{%-? (trans|block body)\b.*?{%-? end\w+ -?%}", "", path.read_text(), flags=re.DOTALL)
    source = NOT_WORDS.sub("", source)
    bare = [text.strip() for text in re.findall(r">([^<>]+)<", source)]
    bare += re.findall(r'(?:aria-label|title|alt|placeholder)="([^"]*)"', source)
    assert [text for text in bare if set(re.findall(r"[A-Za-z]{3,}", text)) - NAMES] == []


@pytest.mark.parametrize("path", sorted(STATIC.glob("*.js")), ids=lambda path: path.name)
def test_scripts_say_literal_texts(path):
    """Anything else could not be found by who translates."""
    source = re.sub(r"//.*|/\*.*?\*/", "", path.read_text())
    calls = re.findall(r"(?<![\w.])t\(\s*(.)", source)
    assert set(calls) <= {'"', "'"} | ({"t", "m"} if path.name == "words.js" else set())


def test_a_page_in_another_language_has_its_words_in_template_and_script(alice, enter):
    page = enter(alice).see("/dashboard", headers={"Accept-Language": "zh-TW"})
    assert "<h1>總覽</h1>" in page
    assert '"Close": "\\u95dc\\u9589"' in page  # 關閉, as a script reads it
    page = enter(alice).see("/dashboard", headers={"Accept-Language": "zh-CN"})
    assert "<h1>概览</h1>" in page


def test_counts_are_put_into_the_one_form_that_chinese_has(alice, enter):
    for _ in range(2):
        alice.submit(queue="gpu")
    page = enter(alice).see("/dashboard", headers={"Accept-Language": "zh-TW"})
    assert "2 個工作在 gpu 等候" in page


def test_english_is_its_own_catalogue():
    assert language.catalogue("en").gettext("Overview") == "Overview"
    assert script_texts.texts("en") == {}  # scripts hold it already


# Arrows and signs of arithmetic are in every font; whatever else is drawn is a sign of icons.svg.
DRAWN = re.compile(r"(?![←→−×])[\u2190-\u2bff\ue000-\uf8ff\uff01-\uff5e\U0001f000-\U0001ffff]")


@pytest.mark.parametrize(
    "path",
    [*TEMPLATES.glob("*.html"), *STATIC.glob("*.js"), *STATIC.glob("*.css")],
    ids=lambda path: path.name,
)
def test_no_sign_depends_on_the_fonts_of_a_machine(path):
    assert DRAWN.findall(path.read_text()) == []


def test_every_sign_that_is_named_is_drawn():
    sheet = (STATIC / "icons.svg").read_text()
    there = set(re.findall(r'<symbol id="(\w+)"', sheet))
    sources = [*TEMPLATES.glob("*.html"), *STATIC.glob("*.js")]
    named = {
        name for path in sources for name in re.findall(r'\bicon\((?:on \? )?"(\w+)"(?: : "(\w+)")?', path.read_text())
    }
    assert {name for names in named for name in names if name} | {str(state) for state in State} <= there
