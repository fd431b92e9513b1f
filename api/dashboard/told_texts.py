"""What the service tells in English past the templates of the pages: refusals, what became of jobs, alerts, notes.

It is found where it is written, in the source, so that nothing new can be told without a translation. Each text is a
template: what an f-string fills in stands as `{name}`; where a part of it is one of several texts, each makes its own.
"""

from __future__ import annotations

import ast
import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from itertools import product
from pathlib import Path

from models.states import Role, State
from stores.jobs.commands import Verb

ROOT = Path(__file__).parents[2]
FOLDERS = ("api", "models", "packing", "stores", "trainers", "worker")
# Written for programs, for operators on the machine, or in the catalogues of the pages already.
QUIET = (
    *(
        "api/dashboard/*",
        "api/app.py",
        "api/http/docs_page.py",
        "api/http/downloads.py",
        "api/v1/prometheus.py",
        "api/http/openapi.py",
    ),
    *("api/schemas/answers/*", "api/http/gunicorn_hooks.py", "api/setup.py", "models/recipes.py", "models/rows/*"),
    *(
        "stores/jobs/claim.py",
        "stores/infra/db.py",
        "stores/infra/logs.py",
        "stores/events/metrics.py",
        "worker/health.py",
    ),
    *("worker/probes.py", "trainers/outputs/plots.py", "trainers/outputs/layers.py", "trainers/data/download.py"),
    *("models/wire.py", "models/typed_json.py", "models/layer_table.py"),
    # What is wrong with data sets that somebody put on the machine.
    *(
        "packing/layouts/cifar.py",
        "packing/layouts/celeba.py",
        "packing/layouts/idx.py",
        "packing/layouts/layout.py",
        "packing/lmdb.py",
        "packing/preview_scan.py",
    ),
    *("api/uploads/previews.py", "stores/datasets/previews.py"),
)
# Their arguments describe requests, are patterns and statements, or are looked for in what others say.
NOT_TOLD = {
    *("Field", "Header", "Pager", "TypeAdapter", "filterwarnings", "literal", "re.compile", "routes.add"),
    *("startswith", "text"),
}
# What is filled in where a text names a state, a role, what may be asked of a job, or what there is to choose from.
WORDS = (*State, *Verb, *Role, "ready", "importing", "missing", "found", "builtin", "{some} or {last}")
# More than so many wordings of one part, and it is taken as something that is filled in.
MOST = 8
WORD = re.compile(r"(?<![\w./=:-])[a-z]{2,}(?![\w/=([.]|:\S)")
NO_PROSE = re.compile(r'\n|::|="|\b(CASE|CAST|SELECT|WHERE|UPDATE|INSERT|WITH)\b')

Names = dict[str, list[ast.expr]]


def told_texts() -> list[str]:
    """Return every text, as a template."""
    files = (path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py")))
    loud = (path for path in files if not any(path.relative_to(ROOT).match(quiet) for quiet in QUIET))
    sources = (ast.parse(path.read_text(encoding="utf-8")) for path in loud)
    return sorted({*WORDS, *(text for source in sources for text in _Reader(source).texts())})


class _Reader:
    """Reads one module."""

    def __init__(self, module: ast.Module) -> None:
        top = (part for node in module.body if isinstance(node, ast.Assign) for part in ast.walk(node))
        self._module = module
        self._constants = _assigned(top)
        calls = (node for node in ast.walk(module) if isinstance(node, ast.Call))
        self._handed_on = {given.id for call in calls for given in call.args if isinstance(given, ast.Name)}
        self._used = set(_documentation(module))  # what is a part of another text, or none

    def texts(self) -> Iterator[str]:
        """Yield the texts."""
        found = [said for scope, names in self._scopes() for said in self._in(scope, names)]
        yield from filter(_is_told, (_numbered(text) for node, text in found if node not in self._used))

    def _scopes(self) -> Iterator[tuple[ast.AST, Names]]:
        """Yield the module, and each function with the names in it."""
        yield self._module, {}
        for node in ast.walk(self._module):
            if isinstance(node, ast.FunctionDef):
                yield node, _assigned(ast.walk(node))

    def _in(self, scope: ast.AST, names: Names) -> Iterator[tuple[ast.AST, str]]:
        """Yield what the expressions of a scope may say; functions in it are scopes of their own."""
        waiting = list(ast.iter_child_nodes(scope))
        while waiting:
            node = waiting.pop()
            if isinstance(node, ast.FunctionDef) or (isinstance(node, ast.Call) and _called(node) & NOT_TOLD):
                continue
            if isinstance(node, ast.Tuple) and scope is self._module:  # of words to look for
                continue
            if isinstance(node, ast.Constant | ast.JoinedStr | ast.BinOp):
                yield from ((node, text) for text in self._wordings(node, names))
            if not isinstance(node, ast.JoinedStr):
                waiting += ast.iter_child_nodes(node)

    def _wordings(self, node: ast.expr, names: Names) -> list[str]:
        """Return what an expression may say; nothing for what is no text."""
        match node:
            case ast.Constant(value=str(text)):
                return [text]
            case ast.IfExp(body=body, orelse=orelse):
                one, other = self._wordings(body, names), self._wordings(orelse, names)
                return [*one, *other] if one and other else []
            case ast.BinOp(left=left, op=ast.Add(), right=right) if self._wordings(left, names):
                self._used |= {left, right}
                return ["".join(parts) for parts in product(self._filled(left, names), self._filled(right, names))]
            case ast.JoinedStr(values=values):
                # What stands twice in a text is the same in both places.
                filled = {ast.dump(value): self._filled(value, names) for value in values}
                choices = (dict(zip(filled, parts, strict=True)) for parts in product(*filled.values()))
                return ["".join(chosen[ast.dump(value)] for value in values) for chosen in choices]
        return []

    def _filled(self, node: ast.expr, names: Names) -> list[str]:
        """Return what a part of a text may be: texts that stand in the source, or else a name in braces."""
        inner = node.value if isinstance(node, ast.FormattedValue) else node
        sources = [inner]
        if isinstance(inner, ast.Name):
            sources = names.get(inner.id) or self._constants.get(inner.id) or [inner]
        wordings = [self._wordings(source, names) for source in sources]
        if not all(wordings) or sum(map(len, wordings)) > MOST:
            return [f"{{{_name(inner)}|{hashlib.sha256(ast.dump(node).encode()).hexdigest()}}}"]
        if not (isinstance(inner, ast.Name) and inner.id in self._handed_on):
            self._used.update(part for source in sources for part in ast.walk(source))
        return [text for some in wordings for text in some]


def _called(node: ast.Call) -> set[str]:
    """Return the names of what is called: with what it belongs to, and without."""
    whole = ast.unparse(node.func)
    return {whole, whole.rpartition(".")[2]}


def _documentation(module: ast.Module) -> Iterator[ast.AST]:
    for node in ast.walk(module):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            yield from ast.walk(node.body[0])


def _assigned(nodes: Iterable[ast.AST]) -> Names:
    """Return what each name stands for in a stretch of source; no entry for one that gets its value otherwise too."""
    found: Names = defaultdict(list)
    bound: Counter[str] = Counter()
    for node in nodes:
        if isinstance(node, ast.arg):
            bound[node.arg] += 1
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            bound[node.id] += 1
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            found[node.targets[0].id].append(node.value)
    return {name: values for name, values in found.items() if len(values) == bound[name]}


def _name(node: ast.AST) -> str:
    """Return a word for what an expression stands for, for who translates."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name.strip("_").lower()
        case ast.Subscript(slice=ast.Constant(value=str(name))):
            return name
        case ast.Call(func=ast.Name(id="len"), args=[what]):
            return f"count_{_name(what)}"
        case ast.Call(func=ast.Attribute(attr="join" | "get") | ast.Name(), args=[what, *_]):
            return _name(what)
        case ast.Call(func=ast.Attribute(value=ast.expr() as inner, attr=name)):
            return "it" if isinstance(inner, ast.Constant) else name.strip("_")
        case ast.Constant(value=str(name)) if name.isidentifier():
            return name
    inner_nodes = (child for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr))
    return next(map(_name, inner_nodes), "it")


def _numbered(text: str) -> str:
    """Return a text with its names as who translates reads them: another number for another thing of the same name."""
    known: dict[str, list[str]] = defaultdict(list)

    def short(found: re.Match[str]) -> str:
        name, thing = found.groups()
        if thing not in known[name]:
            known[name].append(thing)
        place = known[name].index(thing) + 1
        return f"{{{name}}}" if place == 1 else f"{{{name}_{place}}}"

    return re.sub(r"{(\w+)\|(\w+)}", short, text)


def _is_told(text: str) -> bool:
    """Whether a text is a sentence, or a part of one. Descriptions begin with a capital or end with a full stop."""
    if text.endswith(".") or re.match(r"[A-Z][a-z]+ ", text) or text != text.strip() or NO_PROSE.search(text):
        return False
    plain = re.sub(r"{\w+}|`[^`]*`", "", text)
    return " " in text and len(WORD.findall(plain)) > ("{" not in text)
