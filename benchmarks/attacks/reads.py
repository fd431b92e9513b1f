"""Attacks by reading what is expensive to answer."""

from __future__ import annotations

from collections import Counter

from benchmarks.attacks.bodies import repeat
from benchmarks.attacks.target import Target

READERS = 4
SCRAPERS = 60


def long_curves(target: Target, seconds: float) -> Counter[str]:
    """Ask for the curves of a job of four million steps over four connections."""
    path = f"/v1/jobs/{target.job}/metrics?max_points=1000"
    return repeat(target, seconds, READERS, [("GET", path, None)])


def scrapers(target: Target, seconds: float) -> Counter[str]:
    """Let sixty scrapers read `/metrics` at once, over 200,000 jobs. No key is needed."""
    return repeat(target, seconds, SCRAPERS, [("GET", "/metrics", None), ("GET", "/readyz", None)])
