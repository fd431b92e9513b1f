"""Dead links and dead paths in the documentation, and references to documents in the code."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass

from tools.docs.markdown import Document, Found
from tools.docs.tree import Tree

# A name with one of these endings is a file of this checkout, wherever it lies: `claim.py`, `static/live.js`.
_OWN = (".py", ".js", ".html", ".css", ".md")
# `stores/jobs/claim.py`, or the same with a name that stands in the file: `stores/jobs/claim.py: claim`.
_PATH = re.compile(r"^(?P<path>[\w.\-]+(?:/[\w.\-]+)*/?)(?:: (?P<name>\w+))?$")
_MODULE = re.compile(r"python3? -m ([a-z_]+(?:\.\w+)*)")
_WORD = re.compile(r"[\w.\-]+(?:/[\w.\-]+)+/?")
_REFERENCE = re.compile(r"(?<![\w/.])docs/[\w/.\-]*[\w/]")
# Stands in an example for the name of something.
_PLACEHOLDER = re.compile(r"NAME|SHA256|[…*<{]")
# What was true when a version came out may be gone today.
_HISTORY = ("CHANGELOG.md",)
# These tests need names of documents that do not exist.
_EXAMPLES = "tests/tools/"


@dataclass(frozen=True)
class Problem:
    """What is wrong, and where."""

    file: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.text}"


def check(tree: Tree) -> list[Problem]:
    """Return every dead link and dead path."""
    documents = {name: Document.parse(tree.text(name)) for name in tree.documents()}
    problems: list[Problem] = []
    for name, document in documents.items():
        problems += _links(tree, name, documents)
        if name not in _HISTORY:
            problems += _spans(tree, name, document)
            problems += _code(tree, name, document)
    for name in tree.sources():
        if not name.startswith(_EXAMPLES):
            problems += _references(tree, name)
    return problems


def _links(tree: Tree, name: str, documents: dict[str, Document]) -> Iterator[Problem]:
    for link in documents[name].links:
        if re.match(r"[a-z+]+:", link.text):
            continue
        path, _, anchor = link.text.partition("#")
        target = posixpath.normpath(posixpath.join(posixpath.dirname(name), path)) if path else name
        if target not in tree.files and target not in tree.folders:
            yield Problem(name, link.line, f"the link {link.text} leads nowhere: there is no {target}")
        elif anchor and target in documents and anchor not in documents[target].anchors:
            yield Problem(name, link.line, f"the link {link.text} leads nowhere: {target} has no heading #{anchor}")


def _spans(tree: Tree, name: str, document: Document) -> Iterator[Problem]:
    for span in document.spans:
        yield from _modules(tree, name, span)
        match = _PATH.match(span.text)
        if not match or _PLACEHOLDER.search(span.text):
            continue
        path = match["path"]
        if path.endswith(_OWN) and path in tree.endings:
            if match["name"] and not _defines(tree, path, match["name"]):
                yield Problem(name, span.line, f"`{span.text}`: {path} does not define {match['name']}")
        elif (path.endswith(_OWN) or _below_root(tree, path)) and not _exists(tree, path):
            yield Problem(name, span.line, f"`{span.text}`: there is no such file or folder")


def _code(tree: Tree, name: str, document: Document) -> Iterator[Problem]:
    for line in document.code:
        yield from _modules(tree, name, line)
        for match in _WORD.finditer(line.text):
            before = line.text[: match.start()]
            own = not before.endswith(("/", ":", "~", "$", "}", "@", "="))
            if own and _below_root(tree, match[0]) and not _exists(tree, match[0]):
                yield Problem(name, line.line, f"there is no {match[0]}")


def _modules(tree: Tree, name: str, found: Found) -> Iterator[Problem]:
    """Check `python -m worker.health`: a module of ours must exist."""
    for match in _MODULE.finditer(found.text):
        path = match[1].replace(".", "/")
        ours = match[1].split(".")[0] in tree.folders
        if ours and not {f"{path}.py", f"{path}/__main__.py"} & tree.files:
            yield Problem(name, found.line, f"`python -m {match[1]}`: there is no such module")


def _references(tree: Tree, name: str) -> Iterator[Problem]:
    """Check what code says of documents; the number of a decision is enough (docs/decisions/0013)."""
    for number, line in enumerate(tree.text(name).splitlines(), 1):
        for match in _REFERENCE.finditer(line):
            path = match[0]
            numbered = re.fullmatch(r"docs/decisions/\d{4}", path)
            if not _exists(tree, path) and not (numbered and any(file.startswith(f"{path}-") for file in tree.files)):
                yield Problem(name, number, f"there is no {path}")


def _below_root(tree: Tree, path: str) -> bool:
    first, slash, _ = path.partition("/")
    return bool(slash) and first in tree.folders


def _exists(tree: Tree, path: str) -> bool:
    return path.rstrip("/") in tree.files | tree.folders


def _defines(tree: Tree, path: str, name: str) -> bool:
    files = [file for file in tree.files if file == path or file.endswith(f"/{path}")]
    pattern = re.compile(rf"^\s*(?:(?:async )?def|class) {name}\b|^{name}\b.*=", re.MULTILINE)
    return any(pattern.search(tree.text(file)) for file in files)
