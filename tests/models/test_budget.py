"""A budget has one unit: epochs or images."""

from __future__ import annotations

import pytest

from models.budget import REPLACES, with_changes


@pytest.mark.parametrize(("unit", "other"), REPLACES.items())
def test_a_budget_in_one_unit_clears_the_other(unit, other):
    assert with_changes({other: 7, "width": 8}, {unit: 5}) == {unit: 5, other: None, "width": 8}


def test_a_budget_in_both_units_is_kept_for_validation_to_refuse():
    assert with_changes({"epochs": 7}, {"epochs": 5, "images": 9}) == {"epochs": 5, "images": 9}


def test_a_cleared_budget_does_not_clear_the_other():
    assert with_changes({"epochs": 7, "images": None}, {"images": None}) == {"epochs": 7, "images": None}
