"""What the rules want to know of a Python script."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from ssmdoc import references

_SDK = ("boto3", "botocore")


@dataclass(frozen=True, slots=True)
class Function:
    """A function that can be a handler. `fit` when it can be called with the events and the context.

    `reads` are the keys of the events that it cannot do without; `returns` the keys of the maps that it
    returns, None where nobody can tell.
    """

    fit: bool
    reads: frozenset[str] = frozenset()
    returns: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """A script, read; `error` is what keeps it from compiling.

    The syntax tree itself is not kept: the trees of many scripts are so many objects that Python's collection
    of garbage would stop a check for a tenth of a second.
    """

    error: SyntaxError | None = None
    names: frozenset[str] = frozenset()
    functions: dict[str, Function] = field(default_factory=dict)
    sdk: bool = False


@lru_cache(maxsize=1024)
def read(script: str) -> Reading | None:
    """A script's reading; None when it is beyond what Python can tell."""
    # A reference is some value by the time that Python reads the script.
    source = references.PATTERN.sub(lambda found: "_".ljust(len(found.group()), "_"), script)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source)
    except SyntaxError as error:
        return Reading(error.with_traceback(None))
    except (ValueError, RecursionError, MemoryError):
        return None
    names, sdk = _named(tree)
    functions = {node.name: _function(node) for node in tree.body if isinstance(node, ast.FunctionDef)}
    return Reading(None, names, functions, sdk)


def _named(tree: ast.Module) -> tuple[frozenset[str], bool]:
    """The names that a script defines, and whether it imports AWS's SDK."""
    names: set[str] = set()
    sdk = False
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.alias):
            names.add(node.asname or node.name)
        if isinstance(node, ast.Import):
            sdk = sdk or any(item.name.split(".")[0] in _SDK for item in node.names)
        elif isinstance(node, ast.ImportFrom):
            sdk = sdk or (node.module or "").split(".")[0] in _SDK
    return frozenset(names), sdk


def _function(node: ast.FunctionDef) -> Function:
    given = [*node.args.posonlyargs, *node.args.args]
    if not _takes_two(node.args):
        return Function(False)
    return Function(True, _reads(node, given[0].arg) if given else frozenset(), _returns(node))


def _takes_two(arguments: ast.arguments) -> bool:
    given = len(arguments.posonlyargs) + len(arguments.args)
    required = given - len(arguments.defaults)
    needs_names = any(default is None for default in arguments.kw_defaults)
    return required <= 2 and (given >= 2 or arguments.vararg is not None) and not needs_names


def _reads(function: ast.FunctionDef, events: str) -> frozenset[str]:
    """The keys that `events["key"]` asks for, save those that the function does not rely on."""
    asked: set[str] = set()
    excused: set[str] = set()
    for node in _certain(function.body):
        if isinstance(node, ast.Subscript) and _is_name(node.value, events):
            key = _text(node.slice)
            (asked if isinstance(node.ctx, ast.Load) else excused).add(key)
        elif isinstance(node, ast.Compare) and any(_is_name(item, events) for item in node.comparators):
            excused.add(_text(node.left))
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if _is_name(node.func.value, events) and node.args:
                excused.add(_text(node.args[0]))
        elif isinstance(node, ast.Name) and node.id == events and not isinstance(node.ctx, ast.Load):
            return frozenset()
    return frozenset(asked - excused - {""})


def _certain(body: list[ast.stmt]) -> Iterator[ast.AST]:
    """Every node below statements, save those whose failure the script itself looks after."""
    pending: list[ast.AST] = list(reversed(body))
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Try) and node.handlers:
            pending += [*node.handlers, *node.orelse, *node.finalbody]
            continue
        yield node
        pending += ast.iter_child_nodes(node)


def _returns(function: ast.FunctionDef) -> frozenset[str] | None:
    keys: set[str] = set()
    found = False
    pending: list[ast.AST] = list(function.body)
    while pending:
        node = pending.pop()
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)):
            continue
        if isinstance(node, ast.Return):
            if not isinstance(node.value, ast.Dict):
                return None
            names = [_text(key) for key in node.value.keys]
            if "" in names:
                return None
            keys.update(names)
            found = True
        pending += ast.iter_child_nodes(node)
    return frozenset(keys) if found else None


def _is_name(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _text(node: ast.AST | None) -> str:
    """The text that a node stands for, empty where it is no plain text."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
