"""What a step's results depend on in this package: a hash that comments and docstrings leave alone.

A fingerprint covers the syntax trees of the step's module and of every module of the package that it
imports, directly or not, at the top or inside a function; and the versions of the tools that it runs.
"""

import ast
import hashlib
import json
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path

PACKAGE = __name__.partition(".")[0]


def fingerprint(*modules: str, versions: dict[str, str] | None = None) -> str:
    """Twelve hexadecimal digits over modules of this package, all that they import of it, and tool versions.

    Args:
        modules: dotted names, such as `recontrast.anatomy.register`.
        versions: tool or library names with their versions.
    """
    content = json.dumps([sorted(closure(*modules).items()), sorted((versions or {}).items())])
    return hashlib.sha256(content.encode()).hexdigest()[:12]


def closure(*modules: str) -> dict[str, str]:
    """The syntax of modules of this package and of all that they import of it, by module."""
    reached: dict[str, str] = {}
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached[name], imported = _tree(name)
            waiting.extend(imported)
    return reached


@cache
def _tree(module: str) -> tuple[str, tuple[str, ...]]:
    """The syntax of a module as text, without docstrings, and the modules of the package that it imports."""
    path = _source(module)
    tree = ast.parse(path.read_text(encoding="utf-8"))
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    imported = []
    for node in _blocks(tree):
        if isinstance(node, ast.Import):
            imported += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            imported += [base, *(f"{base}.{alias.name}" for alias in node.names)]
    _drop_docstrings(tree)
    ours = {name for name in imported if name.startswith(f"{PACKAGE}.") and _source(name) is not None}
    return ast.dump(tree), tuple(sorted(ours - {module}))


def _source(module: str) -> Path | None:
    """The file of a module of this package; None where the name is something inside a module."""
    root = Path(find_spec(PACKAGE).origin).parent
    base = root.joinpath(*module.split(".")[1:])
    for path in (base.with_suffix(".py"), base / "__init__.py"):
        if path.is_file():
            return path
    return None


def _drop_docstrings(tree: ast.AST) -> None:
    """Take docstrings out of a syntax tree; comments are not in it anyway."""
    for node in _blocks(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            if (
                isinstance(first, ast.Expr)
                and isinstance(first.value, ast.Constant)
                and isinstance(first.value.value, str)
            ):
                node.body = node.body[1:]


def _blocks(tree: ast.AST) -> Iterator[ast.AST]:
    """The module and all its statements, at any depth: what can be an import or have a docstring.

    Expressions, most of a tree, are passed over; they hold no statements.
    """
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        for part in ("body", "orelse", "handlers", "finalbody", "cases"):
            waiting += getattr(node, part, ())
