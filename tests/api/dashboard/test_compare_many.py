"""Comparison of many jobs: chosen columns, groups, the scatter plot, and an address that keeps all of it."""

from __future__ import annotations

import gzip
import html
import json
import re

import pytest
from sqlalchemy import event, text

from tests.api.conftest import Person
from tests.api.dashboard.comparing import PATH, add_jobs, heads, legend, plain, points, rows
from tests.api.dashboard.test_compare import data

NETWORK, OTHER = "a" * 64, "b" * 64


def widths(stores, seeds=3, **more):
    """Add trainings of three widths, each with some seeds; return their ids."""
    sizes = ((16, 4.0), (64, 2.0), (256, 1.5))
    return add_jobs(
        stores,
        "alice",
        [
            {
                "params": {"width": width, "epochs": 2},
                "seed": seed,
                "name": f"width {width}",
                "fd_ratio": ratio + seed / 10,
                "extractor": NETWORK,
                "labels": {"team": "a" if seed else "b"},
                **more,
            }
            for width, ratio in sizes
            for seed in range(seeds)
        ],
    )


def test_fifty_jobs_can_be_compared_and_no_more(stores, alice: Person, enter):
    ids = add_jobs(stores, "alice", [{"seed": n} for n in range(51)])
    page = enter(alice).see(f"{PATH}?jobs={','.join(ids[:50])}")
    assert "50 jobs compared" in page
    assert [job for job, _ in rows(page)] == ids[:50]
    assert "50 can be compared" in enter(alice).see(f"{PATH}?jobs={','.join(ids)}", 422)
    assert "50 can be compared" in enter(alice).see(f"{PATH}?{'&'.join(f'job={one}' for one in ids)}", 422)


def test_many_jobs_take_as_many_statements_as_few(stores, alice: Person, enter):
    ids = add_jobs(stores, "alice", [{"seed": n} for n in range(40)])
    reader, counted = enter(alice), []
    seen = lambda *_: counted.append(1)  # noqa: E731
    event.listen(stores.infra.engine, "before_cursor_execute", seen)
    try:
        took = []
        for some in (ids[:9], ids):
            counted.clear()
            reader.see(f"{PATH}?jobs={','.join(some)}")
            took.append(len(counted))
    finally:
        event.remove(stores.infra.engine, "before_cursor_execute", seen)
    assert took[0] == took[1] > 0


def test_a_job_in_the_trash_is_compared_until_it_is_deleted_for_good(stores, alice: Person, enter):
    ids = add_jobs(stores, "alice", [{}, {}])
    trash = "UPDATE jobs SET trashed_at = now() WHERE id = %s"
    for statement, status in ((trash, 200), (trash.replace("trashed", "purged"), 404)):
        with stores.infra.engine.begin() as connection:
            connection.exec_driver_sql(statement, (ids[0],))
        enter(alice).see(f"{PATH}?jobs={','.join(ids)}", status)


def test_the_table_shows_what_differs_and_what_came_of_it_unless_columns_are_chosen(stores, alice: Person, enter):
    ids = widths(stores)
    reader = enter(alice)
    page = reader.see(f"{PATH}?jobs={','.join(ids)}")
    assert heads(page) == [
        "Seed",
        "width",
        "Fréchet ratio",
        "Images",
        "d_loss, last epoch",
        "g_loss, last epoch",
    ]
    assert rows(page)[0] == (ids[0], ["0", "16", "4", "2,000", "0.5", "2"])
    page = reader.see(f"{PATH}?jobs={','.join(ids)}&columns=label:team&columns=params.grid_every.steps,last.nothing")
    assert heads(page) == ["label team", "grid_every.steps", "nothing, last epoch"]
    assert rows(page)[1][1][0] == "a"
    assert 'value="params.width"' in page  # it can still be chosen
    assert re.search(r'value="label:team" checked', page)


def test_a_link_sorts_by_a_column_and_keeps_the_rest_of_the_address(stores, alice: Person, enter):
    ids = widths(stores, seeds=2)
    reader = enter(alice)
    chosen = f"{PATH}?jobs={','.join(ids)}&columns=fd_ratio&columns=seed&group=recipe&axis=time"
    page = reader.see(chosen)
    sort = html.unescape(re.search(r'href="([^"]*)">Fréchet ratio', page)[1])
    for kept in ("columns=fd_ratio", "columns=seed", "group=recipe", "axis=time", "sort=fd_ratio"):
        assert kept in sort
    page = reader.see(sort)
    assert [job for job, _ in rows(page)] == [ids[4], ids[5], ids[2], ids[3], ids[0], ids[1]]
    assert 'aria-sort="ascending"' in page
    back = html.unescape(re.search(r'href="([^"]*)">Fréchet ratio', page)[1])
    assert [job for job, _ in rows(reader.see(back))] == [ids[1], ids[0], ids[3], ids[2], ids[5], ids[4]]
    # Numbers and colours stay with their jobs.
    assert [job["id"] for job in data(page)] == ids


def test_jobs_without_a_value_are_sorted_last(stores, alice: Person, enter):
    ids = add_jobs(stores, "alice", [{"fd_ratio": ratio, "extractor": NETWORK} for ratio in (None, 2.0, 1.0)])
    for order, sort in (([2, 1, 0], "fd_ratio"), ([1, 2, 0], "-fd_ratio")):
        page = enter(alice).see(f"{PATH}?jobs={','.join(ids)}&sort={sort}")
        assert [job for job, _ in rows(page)] == [ids[n] for n in order]


def groups(page):
    """Return the groups that scripts draw: name and places of jobs."""
    found = json.loads(html.unescape(re.search(r'data-groups="([^"]*)"', page)[1]))
    return [(one["name"], one["jobs"]) for one in found]


def test_many_jobs_are_grouped_by_all_but_their_seed(stores, alice: Person, enter):
    page = enter(alice).see(f"{PATH}?jobs={','.join(widths(stores))}")
    assert groups(page) == [("width 16", [0, 1, 2]), ("width 64", [3, 4, 5]), ("width 256", [6, 7, 8])]
    assert legend(page) == [
        "width 16 3 jobs (1, 2, 3), 3 seeds",
        "width 64 3 jobs (4, 5, 6), 3 seeds",
        "width 256 3 jobs (7, 8, 9), 3 seeds",
    ]


def test_few_jobs_are_not_grouped_unless_it_is_asked(stores, alice: Person, enter):
    ids = widths(stores, seeds=1)
    page = enter(alice).see(f"{PATH}?jobs={','.join(ids)}")
    assert groups(page) == [("1 width 16", [0]), ("2 width 64", [1]), ("3 width 256", [2])]
    assert legend(page) == []
    page = enter(alice).see(f"{PATH}?jobs={','.join(ids)}&group=seeds")
    assert [one.endswith("1 seed: no spread") for one in legend(page)] == [True, True, True]


def test_a_group_says_how_many_seeds_are_behind_it_and_in_what_else_its_jobs_differ(stores, alice: Person, enter):
    page = enter(alice).see(f"{PATH}?jobs={','.join(widths(stores))}&group=label:team")
    assert groups(page) == [("team b", [0, 3, 6]), ("team a", [1, 2, 4, 5, 7, 8])]
    assert legend(page) == [
        "team b 3 jobs (1, 4, 7), 1 seed They also differ in width",
        "team a 6 jobs (2, 3, 5, 6, 8, 9), 2 seeds They also differ in width",
    ]
    page = enter(alice).see(f"{PATH}?jobs={','.join(widths(stores, seeds=1))}&group=params.width")
    assert [name for name, _ in groups(page)] == ["width 16", "width 64", "width 256"]
    assert "They also differ" not in plain(page)


def test_curves_are_grouped_by_project(stores, alice: Person, enter):
    ids = add_jobs(stores, "alice", [{"seed": seed} for seed in range(4)])
    with stores.infra.engine.begin() as connection:
        chosen = {"some": ids[1:3]}
        connection.execute(text("UPDATE jobs SET project = 'digits' WHERE id = ANY(:some)"), chosen)
    page = enter(alice).see(f"{PATH}?jobs={','.join(ids)}&group=project&columns=project")
    assert groups(page) == [("project –", [0, 3]), ("digits", [1, 2])]
    assert '<option value="project" selected>Project</option>' in page
    assert heads(page) == ["Project"]
    assert [cells for _, cells in rows(page)] == [["–"], ["digits"], ["digits"], ["–"]]


def test_the_plot_has_a_point_for_each_job_with_both_values(stores, alice: Person, enter):
    ids = [*widths(stores, seeds=2), *add_jobs(stores, "alice", [{"params": {"width": 32}}])]
    page = enter(alice).see(f"{PATH}?jobs={','.join(ids)}&x=params.width&y=fd_ratio")
    assert points(page)[0] == "1 width 16 · seed 0: width 16, Fréchet ratio 4"
    assert len(points(page)) == 6
    assert "1 job lacks one of the two values." in plain(page)
    assert f'<a href="/dashboard/jobs/{ids[0]}"><title>' in page
    page = enter(alice).see(f"{PATH}?jobs={','.join(ids)}&x=label:team&y=best.fd_ratio")
    assert points(page)[0].endswith("label team a, Fréchet ratio 1.6")


def test_the_plot_shows_the_parameter_of_which_there_are_most_values_unless_one_is_chosen(stores, alice, enter):
    page = enter(alice).see(f"{PATH}?jobs={','.join(widths(stores))}")
    assert re.search(r'value="params.width" selected', page)
    assert re.search(r'value="fd_ratio" selected', page)
    alike = add_jobs(stores, "alice", [{}, {}])
    assert "No parameters differ between these jobs." in enter(alice).see(f"{PATH}?jobs={','.join(alike)}")


def test_figures_of_different_networks_are_left_out_and_the_page_says_so(stores, alice: Person, enter):
    ids = add_jobs(
        stores, "alice", [{"fd_ratio": 2.0, "extractor": one, "params": {"width": 16}} for one in (NETWORK, OTHER)]
    )
    page = enter(alice).see(f"{PATH}?jobs={','.join(ids)}&columns=fd_ratio&y=fd_ratio&x=params.width&sort=fd_ratio")
    assert [cells for _, cells in rows(page)] == [["–"], ["–"]]
    assert points(page) == []
    assert "measured with different networks" in page


def test_a_link_from_before_there_was_a_plot_still_names_the_axis_of_the_curves(stores, alice: Person, enter):
    ids = ",".join(widths(stores, seeds=1))
    for asked, axis in (
        ("x=steps", "steps"),
        ("x=images", "images"),
        ("axis=time", "time"),
        ("x=time&axis=steps", "steps"),
    ):
        page = enter(alice).see(f"{PATH}?jobs={ids}&{asked}")
        assert f'name="axis" form="choices" value="{axis}" checked' in page
    page = enter(alice).see(f"{PATH}?jobs={ids}&x=images&y=fd_ratio")
    assert 'value="images" selected' in page


def test_names_of_labels_are_escaped_wherever_they_stand(stores, alice: Person, enter):
    names = ["<b>x", "a,b", '"quoted"']
    ids = add_jobs(stores, "alice", [{"labels": dict.fromkeys(names, f"<i>{n}"), "name": "<u>"} for n in (1, 2)])
    asked = "&".join(f"columns=label:{name}" for name in ("%3Cb%3Ex", "a,b", "%22quoted%22"))
    page = enter(alice).see(f"{PATH}?jobs={','.join(ids)}&{asked}&group=label:a,b&x=label:%3Cb%3Ex&y=last.g_loss")
    assert heads(page) == ["label <b>x", "label a,b", 'label "quoted"']
    assert rows(page)[0][1] == ["<i>1", "<i>1", "<i>1"]
    for bare in ("<b>x", "<i>", "<u>"):
        assert bare not in page
    assert [name for name, _ in groups(page)] == ["a,b <i>1", "a,b <i>2"]


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("columns=nothing", "there is no such column"),
        ("columns=params.", "there is no such column"),
        ("columns=evaluation.fd", "there is no such column"),
        ("sort=-", "there is no such column"),
        ("sort=--seed", "there is no such column"),
        ("group=fd_ratio", "jobs cannot be grouped by this"),
        ("x=params.a%20b", "there is no such column"),
        ("y=params.width", "this is not a result"),
        ("y=label:team", "this is not a result"),
        ("axis=epochs", "must be one of"),
        ("spread=wide", "must be one of"),
        ("group=" + "a" * 300, "must have at most 255 characters"),
        ("color=red", "is not known here"),
        ("group=none&group=seeds", "must be given once"),
    ],
)
def test_what_cannot_be_shown_is_refused_by_name(stores, alice: Person, enter, asked: str, words: str):
    ids = add_jobs(stores, "alice", [{}, {}])
    page = enter(alice).see(f"{PATH}?jobs={','.join(ids)}&{asked}", 422)
    assert words in plain(page)
    assert asked.partition("=")[0] in plain(page)


def test_many_jobs_are_not_laid_side_by_side_and_their_data_is_small(stores, alice: Person, enter):
    ids = add_jobs(stores, "alice", [{"seed": n} for n in range(50)])
    page = enter(alice).see(f"{PATH}?jobs={','.join(ids)}")
    assert 'id="pictures"' not in page
    assert 'id="differences"' not in page
    assert "data-live" not in page  # they have all ended
    assert len(gzip.compress(page.encode())) < 30_000  # what a browser takes
    assert all(len(job["clock"]["steps"]) <= 33 for job in data(page))
