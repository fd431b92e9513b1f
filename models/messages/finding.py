"""What is wrong with a search, each with the position of the fault in its text, from 1; with a kept view; and with a
retention policy."""

from __future__ import annotations

from models.messages.base import Text, Texts


class QueryFaults(Texts):
    """Why a search cannot be read."""

    query_too_long = Text("must have at most {limit:,} characters")
    query_too_many_terms = Text("has more than {limit} words and terms; leave out those from character {at} on")
    query_quote_open = Text(
        "the quotation mark at character {at} is never closed; add another one at the end of the text"
    )
    query_empty_quotes = Text("there is nothing between the quotation marks at character {at}; leave them out")
    query_nothing_negated = Text(
        'the minus at character {at} excludes nothing; write a word or a term right behind it, or "-" for the character'
    )
    query_no_value = Text("`{field}` at character {at} needs a value; for example `{example}`")
    query_unknown_field = Text(
        "there is no search field `{field}` (character {at}); use one of {known}, or put it in quotation marks to "
        "search for the text"
    )
    query_unknown_field_close = Text(
        "there is no search field `{field}` (character {at}); did you mean `{close}`? To search for the text, put it "
        "in quotation marks"
    )
    query_unknown_parameter = Text("no recipe has a parameter `{name}` (character {at}); GET /v1/recipes lists them")
    query_unknown_parameter_close = Text("no recipe has a parameter `{name}` (character {at}); did you mean `{close}`?")
    query_needs_name = Text("`{field}` at character {at} needs a name; for example `{example}`")
    query_takes_no_name = Text("`{field}` at character {at} has no parts; for example `{example}`")
    query_no_choice = Text("`{value}` at character {at} is not a {field}; use one of {choices}")
    query_no_number = Text("`{value}` at character {at} is not a number; for example `{example}`")
    query_no_moment = Text(
        "`{value}` at character {at} is not a time; write a day such as 2026-01-31, or 2026-01-31T12:00:00Z"
    )
    query_no_order = Text("`{field}` at character {at} has no order; write `{field}:` and its value")
    query_one_value = Text("`{operator}` compares with one value; leave out what begins at character {at}")


class ViewFaults(Texts):
    """Why a view of the list of jobs cannot be kept."""

    view_name_taken = Text("you have a view with this name; choose another one, or delete that one first")
    too_many_views = Text("you have {limit} views, the most an owner may keep; delete one first")
    no_such_view = Text("view not found, or you have no access")
    no_view = Text("view {view} not found, or you have no access")


class RetentionFaults(Texts):
    """Why a retention policy cannot be set."""

    no_rule = Text("set at least one of {rules}")
    keeps_nothing_more = Text("counts only together with `checkpoints_after_days`; set that as well")
    too_many_policies = Text("there are {limit} policies, the most an owner may have; delete one first")
    no_such_policy = Text("retention policy not found, or you have no access")
    no_policy = Text("retention policy {policy} not found, or you have no access")
