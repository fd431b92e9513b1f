"""Everything the pages say is said in every language, with the same parts in it; nothing past the catalogues."""

from __future__ import annotations

import re

import pytest

from api.dashboard import language, words
from models.states import State

SAID = {kind: set(said()) for kind, said in words.KINDS.items()}
# What is filled in, and what is marked up, must be in the translation as it is in the text.
PARTS = re.compile(r"%\(\w+\)s|{\w+}|</?\w+>|`[^`]+`")
NOT_WORDS = re.compile(r"<(script|style|code|pre)\b.*?</\1>|{#.*?#}|{%-?.*?%}|{{.*?}}|&\w+;", re.DOTALL)
# Names, and what is typed, are the same everywhere.
NAMES = {"ganforge", "sha", "SHA", "UTC", "job", "key", "gpu", "team"}


@pytest.fixture(params=words.OTHERS)
def tag(request):
    """Each language but English."""
    return request.param


@pytest.fixture(params=words.KINDS, ids=["pages", "told"])
def kind(request):
    """The catalogues of a language: of pages, and of what the service tells."""
    return request.param


def translations(tag, kind=""):
    return {message.id: words.forms(message.string) for message in words.read(tag, kind) if message.id}


def test_every_text_is_translated_and_no_other(tag, kind):
    found = translations(tag, kind)
    assert set(found) == SAID[kind], "run make words, and translate what is new"
    assert [text for text, forms in found.items() if not all(forms)] == []


def test_a_translation_has_the_same_parts_filled_in(tag, kind):
    wrong = {}
    for text, forms in translations(tag, kind).items():
        one, many = (text, text) if isinstance(text, str) else text
        # A form for one may write out the number; the languages here have one form for all.
        if any(set(PARTS.findall(form)) != set(PARTS.findall(many)) for form in forms):
            wrong[one] = forms
    assert wrong == {}


def test_no_translation_is_a_guess(tag, kind):
    assert [message.id for message in words.read(tag, kind) if message.fuzzy] == []


def test_the_catalogues_are_as_make_words_writes_them(tag, kind, tmp_path, monkeypatch):
    name = f"{kind}{tag}.po"
    before = (words.CATALOGUES / name).read_bytes()
    (tmp_path / name).write_bytes(before)
    monkeypatch.setattr(words, "CATALOGUES", tmp_path)
    assert words.update(tag, kind) == 0
    assert (tmp_path / name).read_bytes() == before


def test_the_two_scripts_of_chinese_are_not_mixed(kind):
    traditional = "".join(form for forms in translations("zh-Hant", kind).values() for form in forms)
    simplified = "".join(form for forms in translations("zh-Hans", kind).values() for form in forms)
    assert not set("队务资数执设网检档从这个") & set(traditional)
    assert not set("隊務資數執設網檢檔從這個") & set(simplified)


@pytest.mark.parametrize("path", sorted(words.TEMPLATES.glob("*.html")), ids=lambda path: path.name)
def test_no_template_says_anything_past_the_catalogues(path):
    # Blocks of {% trans %} are texts too; the block of the body holds its attributes.
    source = re.sub(r"{%-? (trans|block body)\b.*?{%-? end\w+ -?%}", "", path.read_text(), flags=re.DOTALL)
    source = NOT_WORDS.sub("", source)
    bare = [text.strip() for text in re.findall(r">([^<>]+)<", source)]
    bare += re.findall(r'(?:aria-label|title|alt|placeholder)="([^"]*)"', source)
    assert [text for text in bare if set(re.findall(r"[A-Za-z]{3,}", text)) - NAMES] == []


@pytest.mark.parametrize("path", sorted((words.HERE / "static").glob("*.js")), ids=lambda path: path.name)
def test_scripts_say_literal_texts(path):
    """Anything else could not be found by who translates."""
    source = re.sub(r"//.*|/\*.*?\*/", "", path.read_text())
    calls = re.findall(r"(?<![\w.])t\(\s*(.)", source)
    assert set(calls) <= {'"', "'"} | ({"t"} if path.name == "words.js" else set())


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
    assert language.script_words("en") == {}  # scripts hold it already


# Arrows and signs of arithmetic are in every font; whatever else is drawn is a sign of icons.svg.
DRAWN = re.compile(r"(?![←→−×])[\u2190-\u2bff\ue000-\uf8ff\uff01-\uff5e\U0001f000-\U0001ffff]")


@pytest.mark.parametrize(
    "path",
    [*words.TEMPLATES.glob("*.html"), *(words.HERE / "static").glob("*.js"), *(words.HERE / "static").glob("*.css")],
    ids=lambda path: path.name,
)
def test_no_sign_depends_on_the_fonts_of_a_machine(path):
    assert DRAWN.findall(path.read_text()) == []


def test_every_sign_that_is_named_is_drawn():
    sheet = (words.HERE / "static" / "icons.svg").read_text()
    there = set(re.findall(r'<symbol id="(\w+)"', sheet))
    sources = [*words.TEMPLATES.glob("*.html"), *(words.HERE / "static").glob("*.js")]
    named = {
        name for path in sources for name in re.findall(r'\bicon\((?:on \? )?"(\w+)"(?: : "(\w+)")?', path.read_text())
    }
    assert {name for names in named for name in names if name} | {str(state) for state in State} <= there
