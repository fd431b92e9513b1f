"""The text of a search becomes words and terms, or an error that points at its place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.limits import MAX_QUERY, MAX_QUERY_ITEMS
from stores.jobs.query.conditions import conditions
from stores.jobs.query.grammar import QueryError, Term, Word, read

# Pieces of which queries are made, so that many are nearly right.
FIELDS = ["params.", "batch_size", "last.g_loss", "best.", "kid", "state", "label", "is:starred", "team=a"]
VALUES = ["a", "é", "中", "64", "-1", "1e400", "null", "true", "2026-01-31"]
SIGNS = list(':=><,-"\\ .{}%_')
PIECES = st.sampled_from(FIELDS + VALUES + SIGNS)
QUERIES = st.lists(PIECES, max_size=12).map("".join)


def read_one(query: str) -> Word | Term:
    (item,) = read(query)
    return item


def test_words_are_separated_by_spaces_and_kept_together_by_quotation_marks() -> None:
    found = [
        (item.text, item.negated, item.at)
        for item in read('  big "two words" -small a"b c"d')
        if isinstance(item, Word)
    ]
    assert found == [("big", False, 3), ("two words", False, 7), ("small", True, 19), ("ab cd", False, 26)]


def test_a_term_has_a_field_an_operator_and_values_with_their_places() -> None:
    term = read_one('-state:failed,"a,b"')
    assert isinstance(term, Term)
    assert (term.field, term.operator, term.negated, term.at) == ("state", "=", True, 2)
    assert [(value.text, value.at) for value in term.values] == [("failed", 8), ("a,b", 16)]
    for operator in (">", ">=", "<", "<="):
        term = read_one(f"params.batch_size{operator}64")
        assert isinstance(term, Term)
        assert (term.operator, term.values[0].at) == (operator, 18 + len(operator))


def test_a_quoted_operator_makes_no_term() -> None:
    assert read_one('"state:failed"') == Word("state:failed", negated=False, at=1)
    assert read_one("12:30") == Word("12:30", negated=False, at=1)


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=50))
def test_any_text_in_quotation_marks_is_a_word(text: str) -> None:
    quoted = text.replace("\\", "\\\\").replace('"', '\\"')
    item = read_one(f'"{quoted}"')
    assert isinstance(item, Word)
    assert item.text == text


@given(QUERIES)
def test_every_query_is_read_or_refused_at_a_place_within_it(query: str) -> None:
    try:
        conditions(query)
    except QueryError as error:
        assert 1 <= error.at <= len(query) + 1
        assert str(error)


@pytest.mark.parametrize(
    ("query", "at", "told"),
    [
        ('ok "open', 4, "never closed"),
        ("a -", 3, "excludes nothing"),
        ('a ""', 3, "nothing between"),
        ("ok recpie:dcgan", 4, "did you mean `recipe`"),
        ("batch_size:64", 1, "did you mean `params.batch_size`"),
        ("x wrong_thing:1", 3, "use one of name, state"),
        ("params.batchsize>1", 8, "did you mean `batch_size`"),
        ("params>1", 1, "needs a name"),
        ("recipe.a:b", 1, "has no parts"),
        ("best.loss<1", 6, "fd_ratio, kid"),
        ("state:", 7, "needs a value"),
        ("state:failed,done", 14, "queued, running"),
        ("error:nope", 7, "out_of_memory"),
        ("recipe>dcgan", 1, "has no order"),
        ("params.batch_size>1,2", 21, "one value"),
        ("last.g_loss<low", 13, "is not a number"),
        ("best.fd_ratio<1e400", 15, "is not a number"),
        ("created>yesterday", 9, "2026-01-31"),
        ("created>2026-13-01", 9, "2026-01-31"),
        ("finished<9999-12-31", 10, "2026-01-31"),
        ("x" * (MAX_QUERY + 1), MAX_QUERY + 1, "1,000 characters"),
        ("a " * (MAX_QUERY_ITEMS + 1), 2 * MAX_QUERY_ITEMS + 1, "more than 30"),
    ],
)  # fmt: skip
def test_an_error_points_at_its_place_and_says_what_to_do(query: str, at: int, told: str) -> None:
    with pytest.raises(QueryError) as refused:
        conditions(query)
    assert refused.value.at == at
    assert told in str(refused.value)
