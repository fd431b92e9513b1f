"""Many trainings to compare, made in one statement, and what stands in the parts of a comparison."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import text

from models.ids import new_id
from models.recipes import RECIPES, resolve_params
from stores.container import Stores

PATH = "/dashboard/compare"
JOBS = text("""
    INSERT INTO jobs (id, owner, kind, recipe, params, dataset, dataset_id, seed, queue, max_attempts, state, name,
                      labels, progress, started_at, finished_at, fd_ratio, extractor)
    SELECT made.id, :owner, 'train', 'mlp_gan', made.params, datasets.name, datasets.id, made.seed, 'cpu', 3,
           'succeeded', made.name, made.labels, '{"epoch": 2, "step": 100, "images": 2000}',
           now() - interval '1 minute',
           now(), made.fd_ratio, made.extractor
      FROM datasets,
           jsonb_to_recordset(cast(:jobs AS jsonb)) AS made (
               id text, params jsonb, seed bigint, name text, labels jsonb, fd_ratio float8, extractor text)
     WHERE datasets.name = 'mnist-10k'
""")
EPOCHS = text("""
    INSERT INTO events (job_id, seq, attempt, type, data)
    SELECT id, n, 1, 'epoch', jsonb_build_object('epoch', n, 'images', 1000 * n, 'step', 50 * n, 'seconds', 2,
           'images_per_second', 500, 'device', 'CPU', 'd_loss', 0.5, 'g_loss', n)
      FROM unnest(cast(:ids AS text[])) AS id, generate_series(1, 2) AS n
""")
# A hundred steps of two metrics: d_loss is the step and the seed, g_loss a hundred times the seed.
CURVES = text("""
    INSERT INTO metrics (job_id, first_step, first_name, last_step, steps, values)
    SELECT id, 1, 'd_loss', 100, ARRAY(SELECT generate_series(1, 100)),
           (SELECT json_build_object('d_loss', json_agg(n + seed), 'g_loss', json_agg(100 * seed + 0 * n))
              FROM generate_series(1, 100) AS n)
      FROM jobs WHERE id = ANY(:ids)
""")
UPDATE = text("UPDATE jobs SET last_seq = 2 WHERE id = ANY(:ids)")


def add_jobs(stores: Stores, owner: str, many: Sequence[Mapping[str, Any]]) -> list[str]:
    """Add finished trainings with these params, seed, name, labels, fd_ratio and extractor; return their ids."""
    jobs = []
    for one in many:
        params = resolve_params(RECIPES["mlp_gan"], None, one.get("params", {})).model_dump(mode="json")
        usual = {"id": new_id("job"), "seed": 0, "name": None, "labels": {}, "fd_ratio": None, "extractor": None}
        jobs.append({**usual, **one, "params": params})
    ids = [str(job["id"]) for job in jobs]
    with stores.infra.engine.begin() as connection:
        connection.execute(JOBS, {"owner": owner, "jobs": json.dumps(jobs)})
        connection.execute(EPOCHS, {"ids": ids})
        connection.execute(CURVES, {"ids": ids})
        connection.execute(UPDATE, {"ids": ids})
    return ids


def plain(markup: str) -> str:
    """Return the text of a piece of a page."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", markup)).split())


def heads(page: str) -> list[str]:
    """Return the heads of the chosen columns."""
    found = re.search(r'<div id="compared".*?<thead>(.*?)</thead>', page, re.DOTALL)
    assert found
    return [plain(cell) for cell in re.findall(r"<th .*?</th>", found[1], re.DOTALL)][1:-1]


def rows(page: str) -> list[tuple[str, list[str]]]:
    """Return the id of each job in the order of the table, and its cells."""
    return [
        (job, [plain(cell) for cell in re.findall(r"<td.*?</td>", row, re.DOTALL)][:-1])
        for job, row in re.findall(r'<tr id="compared-(job_[^"]+)">(.*?)</tr>', page, re.DOTALL)
    ]


def legend(page: str) -> list[str]:
    """Return what is said of each group."""
    found = re.search(r'<ul id="lines".*?</ul>', page, re.DOTALL)
    return [plain(one) for one in re.findall(r"<li>.*?</li>", found[0], re.DOTALL)] if found else []


def points(page: str) -> list[str]:
    """Return the titles of the points, in the order of x."""
    found = re.search(r'<svg class="scatter".*?</figure>', page, re.DOTALL)
    return [plain(one) for one in re.findall(r"<title>(\d+ .*?)</title>", found[0], re.DOTALL)] if found else []
