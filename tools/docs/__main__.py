"""`python -m tools.docs`: check the documentation; print what is wrong, one line each, and fail if anything is."""

from __future__ import annotations

import sys
from pathlib import Path

from tools.docs import paths
from tools.docs.tree import Tree

if __name__ == "__main__":
    problems = paths.check(Tree(Path.cwd()))
    for problem in problems:
        print(problem)
    sys.exit(1 if problems else 0)
