"""`python -m tools.docs`: check the documentation. `python -m tools.docs write`: write what is generated.

Problems are printed with file and line, and make the command fail.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tools.docs import measured, paths, tables
from tools.docs.tree import Tree

if __name__ == "__main__":
    tree = Tree(Path.cwd())
    if sys.argv[1:] == ["write"]:
        tables.write(tree)
        measured.write(tree)
    problems = [*paths.check(tree), *tables.check(tree), *measured.check(tree)]
    for problem in problems:
        print(problem)
    sys.exit(1 if problems else 0)
