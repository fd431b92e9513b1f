"""Fifty jobs compared: quick to come, readable, their curves by group, and what one chooses kept in the address."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.api.dashboard.comparing import add_jobs
from tests.browser.pages import MOST_BYTES, assert_fits, assert_readable, loaded_bytes

pytestmark = pytest.mark.slow

WIDTHS = (16, 32, 64, 128, 256)
MEANS = """async ([curves, spread]) => {
    const script = document.querySelector('script[src*="compare.js"]').src;
    const { means } = await import(script.replace(/[^/]+$/, "compare_means.js"));
    return means(curves, 0, 10, 10, spread);
}"""


@pytest.fixture(scope="module")
def many(stores) -> list[str]:
    """Return fifty trainings of five widths, ten seeds each."""
    sizes = [(width, seed) for width in WIDTHS for seed in range(10)]
    return add_jobs(
        stores,
        "somebody",
        [
            {
                "params": {"width": width},
                "seed": seed,
                "name": f"run {width}-{seed}",
                "fd_ratio": 500 / width + seed / 10,
                "extractor": "a" * 64,
                "labels": {"team": "ab"[seed % 2]},
            }
            for width, seed in sizes
        ],
    )


def address(many: list[str], more: str = "") -> str:
    """Return the address that compares them."""
    return f"/dashboard/compare?jobs={','.join(many)}{more}"


def d_loss(page: Page) -> Any:
    """Return the chart of d_loss, in view."""
    page.locator("[data-metric=d_loss]").scroll_into_view_if_needed()
    return page.get_by_role("slider", name="d_loss", exact=True)


def test_the_first_view_of_fifty_jobs_is_light_and_asks_for_no_curves(person, many):
    admin = person("admin")
    asked: list[str] = []
    page = admin.context.new_page()
    page.on("request", lambda one: asked.append(one.url) if "/metrics" in one.url else None)
    page.goto(admin.stack.url + address(many))
    expect(page.get_by_role("heading", name="50 jobs compared")).to_be_visible()
    expect(page.locator("[data-metric]").first).to_be_attached()
    assert asked == []
    assert loaded_bytes(page) < MOST_BYTES
    expect(d_loss(page)).to_have_attribute("aria-valuetext", re.compile("width 16 .*width 256"))
    # Charts beside each other ask at once: each job once for both.
    assert len(asked) <= 2 * len(many)


def test_a_line_is_the_mean_of_a_group_and_says_how_many_jobs_are_behind_it(person, many):
    page = person("admin").page(address(many, "&axis=steps"))
    # The last bin of each curve: its steps end at 100, and the seeds 0 to 9 are added to them.
    expect(d_loss(page)).to_have_attribute("aria-valuetext", re.compile(r"width 16 10\d\.?\d* ± 3\.028 \(n = 10\)"))
    expect(page.get_by_text("10 jobs (1, 2, 3, 4, 5, 6, 7, 8, 9, 10), 10 seeds")).to_be_visible()
    page.get_by_label("Spread").select_option("range")
    expect(d_loss(page)).to_have_attribute("aria-valuetext", re.compile(r"width 16 10\d\.?\d* \d+\.?\d* … \d+"))
    expect(page).to_have_url(re.compile("&spread=range"))


def test_a_line_is_hidden_in_all_charts_by_its_box(person, many):
    page = person("admin").page(address(many))
    expect(d_loss(page)).to_have_attribute("aria-valuetext", re.compile("width 16 "))
    page.get_by_role("checkbox", name="width 16").uncheck()
    expect(d_loss(page)).not_to_have_attribute("aria-valuetext", re.compile("width 16 "))
    page.get_by_role("button", name="Hide all").click()
    expect(page.locator("#lines input:checked")).to_have_count(0)
    page.get_by_role("button", name="Show all", exact=True).first.click()
    expect(d_loss(page)).to_have_attribute("aria-valuetext", re.compile("width 16 "))


def test_fifty_lines_have_styles_of_their_own(person, many):
    page = person("admin").page(address(many, "&group=none"))
    expect(d_loss(page)).to_have_attribute("aria-valuetext", re.compile("and 42 more$"))
    styles = page.locator("#lines svg").evaluate_all(
        "all => all.map(one => one.getAttribute('class') + one.firstElementChild.getAttribute('stroke-dasharray'))"
    )
    assert len(set(styles)) == len(many)


def test_what_is_chosen_stands_in_a_short_address(person, many):
    page = person("admin").page(address(many[:12]))
    page.get_by_label("Group by").select_option(label="label team")
    page.locator("#scatter-title ~ label select[name=x]").select_option("label:team")
    page.locator("section:has(#scatter-title) button", has_text="Show").click()
    expect(page).to_have_url(re.compile(r"group=label%3Ateam&x=label%3Ateam&y=fd_ratio$"))
    assert "columns=" not in page.url
    expect(page.locator("#lines li")).to_have_count(2)
    page.get_by_text("Columns and jobs").click()
    page.get_by_role("checkbox", name="batch_size").check()
    page.locator("#choices").get_by_role("button", name="Show").click()
    expect(page.get_by_role("columnheader", name="batch_size")).to_be_visible()
    assert "group=label%3Ateam" in page.url


def test_a_point_leads_to_its_job_by_keyboard(person, many):
    page = person("admin").page(address(many, "&x=params.width&y=fd_ratio"))
    point = page.get_by_role("link", name="1 run 16-0: width 16, Fréchet ratio 31.25")
    point.focus()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(f"/dashboard/jobs/{many[0]}$"))


def test_means_and_spreads_are_those_of_the_points(person, many):
    page = person("admin").page(address(many))
    rising = {"x": [0.5 + n for n in range(10)], "y": [float(n) for n in range(10)]}
    higher = {"x": [0.5, 9.5], "y": [2.0, 11.0]}  # the same line, two above, with points at its ends alone
    short = {"x": [0.5, 0.7, 1.5], "y": [3.0, 5.0, None]}  # its first bin has 4; then it is no number
    found = page.evaluate(MEANS, [[rising, higher, short], "std"])
    assert found["counts"] == [3] + [2] * 9
    assert found["x"] == pytest.approx([0.5 + n for n in range(10)])
    assert found["y"] == pytest.approx([2.0, *(n + 1.0 for n in range(1, 10))])
    # The deviation of 0, 2 and 4 is 2, and of two that are 2 apart it is the root of 2.
    assert found["high"] == pytest.approx([4.0, *(n + 1 + 2**0.5 for n in range(1, 10))])
    assert found["low"] == pytest.approx([0.0, *(n + 1 - 2**0.5 for n in range(1, 10))])
    found = page.evaluate(MEANS, [[rising, higher], "range"])
    assert (found["low"], found["high"]) == (rising["y"], pytest.approx([n + 2.0 for n in range(10)]))
    found = page.evaluate(MEANS, [[rising], "std"])
    assert found["y"] == rising["y"]
    assert set(found["low"]) == {None}


def test_a_comparison_of_many_has_no_barrier_and_fits_the_screen(person, many, picture, look):
    page = person("admin", **look.context).page(address(many))
    expect(d_loss(page)).to_have_attribute("aria-valuetext", re.compile("width 256"))
    expect(page.locator("svg.scatter a")).to_have_count(len(many))
    page.get_by_text("Columns and jobs").click()
    assert_readable(page)
    assert_fits(page)
    picture(page, f"compare-many-{look.name}")


def test_a_comparison_of_many_is_whole_without_scripts(person, many):
    """Everything but curves: table, groups, plot, and the form."""
    page = person("admin", java_script_enabled=False).page(address(many))
    expect(page.locator("svg.scatter a")).to_have_count(len(many))
    expect(page.locator("#compared tbody tr")).to_have_count(len(many))
    page.locator("select[name=group]").select_option("params.width")
    page.locator("section:has(#curves-title) button", has_text="Show").first.click()
    expect(page.locator("#lines li")).to_have_count(len(WIDTHS))
