"""The files of the checkout, without what tools and environments leave in it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

# Folders that a build or a run creates. Names that begin with a dot are skipped as well, except for .ci.
_CREATED = {"__pycache__", "build", "dist", "node_modules", "demo-output"}


@dataclass(frozen=True)
class Tree:
    """A checkout."""

    root: Path

    @cached_property
    def files(self) -> frozenset[str]:
        """The path of each file, relative to the root and with forward slashes."""
        found: set[str] = set()
        for folder, names, files in os.walk(self.root):
            names[:] = [name for name in names if _is_source(name)]
            here = Path(folder).relative_to(self.root)
            found.update((here / name).as_posix() for name in files)
        return frozenset(found)

    @cached_property
    def folders(self) -> frozenset[str]:
        """The path of each folder that holds a file, at any depth."""
        return frozenset(parent.as_posix() for name in self.files for parent in Path(name).parents if parent.name)

    @cached_property
    def endings(self) -> frozenset[str]:
        """Each file's path, whole and without its first folders: `jobs/claim.py` for `stores/jobs/claim.py`."""
        return frozenset("/".join(parts[n:]) for parts in map(_parts, self.files) for n in range(len(parts)))

    def text(self, name: str) -> str:
        """Return the text of one file."""
        return (self.root / name).read_text(encoding="utf-8")

    def documents(self) -> list[str]:
        """Return the Markdown files."""
        return sorted(name for name in self.files if name.endswith(".md"))

    def sources(self) -> list[str]:
        """Return the other files that people read."""
        return sorted(
            name for name in self.files if name.endswith(_READ) or Path(name).name in ("Makefile", "Dockerfile")
        )


_READ = (".py", ".js", ".html", ".css", ".yaml", ".yml", ".toml")


def _is_source(name: str) -> bool:
    return name == ".ci" or not (name.startswith(".") or name in _CREATED or name.endswith(".egg-info"))


def _parts(name: str) -> tuple[str, ...]:
    return Path(name).parts
