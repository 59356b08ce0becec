"""Reading a script statement by statement with what each name may hold, functions where they are called."""

from __future__ import annotations

import ast
import re
from typing import Any

from ssmdoc.analysis.script_calls import Script, SdkCalls, answers, targets
from ssmdoc.analysis.script_values import (
    HERE,
    NOT_KNOWN,
    UNKNOWN,
    Class,
    Client,
    Collection,
    Function,
    Instance,
    Literal,
    Method,
    Module,
    Paginator,
    Resource,
    Session,
    Value,
    Values,
    Waiter,
    either,
    kept,
    plain,
    plain_method,
    texts,
    union,
    wrapped,
)

# How much of a script is read before the rest counts as beyond telling: a second's worth is far more.
_BUDGET = 60_000
_DEPTH = 12
_SDK_MODULES = ("boto3", "botocore")
# Methods that are named as those of clients are: of an unknown object they are worth telling about.
_LIKE_A_CALL = re.compile(
    r"(?:describe|list|put|create|delete|modify|update|start|stop|terminate|attach|detach|associate|"
    r"disassociate|enable|disable|reboot|register|deregister|authorize|revoke|batch|send|get)_[a-z0-9_]+\Z"
)
_NOT_CALLS = (
    "get_text",
    "get_event_loop",
    "get_logger",
    "put_nowait",
    "get_nowait",
    "get_json",
    "get_default",
)

Scope = dict[str, Values]


class Reader:
    """Reads one script. An instance is used once."""

    def __init__(self) -> None:
        self.sdk = SdkCalls()
        self.globals: Scope = {}
        self.attributes: dict[tuple[str, str], Values] = {}
        self.methods: dict[str, list[Function]] = {}
        self.read_functions: set[ast.AST] = set()
        self.around: dict[ast.AST, Scope] = {}
        self.stack: list[ast.AST] = []
        self.returns: list[list[Values]] = []
        self.left = _BUDGET

    def read(self, tree: ast.Module) -> Script:
        """Everything that the script may call: its own statements, then the functions nobody called."""
        self.block(tree.body, self.globals)
        classes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
        of_class = {id(item): Class(owner) for owner in classes for item in owner.body}
        functions = [
            node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        ]
        named = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        named |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        # The handler comes before what it calls: only then is it known what a function is handed.
        for node in sorted(functions, key=lambda node: node.name in named):
            if node not in self.read_functions:
                owner = of_class.get(id(node))
                self.run(Function(node, Instance(owner) if owner else None), [], {})
        if self.left <= 0:
            self.sdk.unclear(1, "the script is too long to be read to its end")
        return self.sdk.script()

    # Statements

    def block(self, body: list[ast.stmt], scope: Scope) -> None:
        for statement in body:
            self.statement(statement, scope)

    def statement(self, node: ast.stmt, scope: Scope) -> None:  # noqa: PLR0912, PLR0915 - a case for each syntax
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                scope[node.name] = (Function(node),)
                if scope is not self.globals:
                    self.around[node] = scope
            case ast.ClassDef():
                self.define_class(node, scope)
            case ast.Import() | ast.ImportFrom():
                self.imports(node, scope)
            case ast.Assign():
                values = self.value(node.value, scope)
                for target in node.targets:
                    self.assign(target, values, node.value, scope)
            case ast.AnnAssign() if node.value is not None:
                self.assign(node.target, self.value(node.value, scope), node.value, scope)
            case ast.AugAssign():
                self.value(node.value, scope)
                self.assign(node.target, (), node.value, scope)
            case ast.Return():
                values = self.value(node.value, scope) if node.value else (Literal(None),)
                if self.returns:
                    self.returns[-1].append(values)
            case ast.If():
                self.value(node.test, scope)
                self.either([node.body, node.orelse], scope)
            case ast.For() | ast.AsyncFor():
                self.again(node, scope)
                self.assign(node.target, self.items(self.value(node.iter, scope)), None, scope)
                self.either([node.body, []], scope)
                self.block(node.orelse, scope)
            case ast.While():
                self.again(node, scope)
                self.value(node.test, scope)
                self.either([node.body, []], scope)
                self.block(node.orelse, scope)
            case ast.Try():
                self.either([[*node.body, *node.orelse], []], scope)
                self.either([[], *(handler.body for handler in node.handlers)], scope)
                self.block(node.finalbody, scope)
            case ast.With() | ast.AsyncWith():
                for item in node.items:
                    values = self.value(item.context_expr, scope)
                    if item.optional_vars is not None:
                        self.assign(item.optional_vars, values, None, scope)
                self.block(node.body, scope)
            case ast.Match():
                self.value(node.subject, scope)
                self.either([*(case.body for case in node.cases), []], scope)
            case ast.Global():
                for name in node.names:
                    scope.setdefault(f"global {name}", ())
            case _:
                for child in ast.iter_child_nodes(node):
                    if isinstance(child, ast.expr):
                        self.value(child, scope)

    def again(self, node: ast.For | ast.AsyncFor | ast.While, scope: Scope) -> None:
        """Before a loop is read: what it assigns may be another value by the time it comes round again."""
        assigned = {
            item.id
            for item in ast.walk(node)
            if isinstance(item, ast.Name) and isinstance(item.ctx, ast.Store)
        }
        for name in assigned & scope.keys():
            if any(isinstance(item, Literal) and isinstance(item.value, str) for item in scope[name]):
                scope[name] = union(scope[name], (NOT_KNOWN,))

    def either(self, bodies: list[list[ast.stmt]], scope: Scope) -> None:
        """Reads each body from the same start; afterwards a name may hold what any of them gave it."""
        ends: list[Scope] = []
        for body in bodies:
            end = dict(scope)
            self.block(body, end)
            # What follows a return or raise is not reached from it.
            if not (body and isinstance(body[-1], (ast.Return, ast.Raise))):
                ends.append(end)
        for name in {name for end in ends for name in end}:
            scope[name] = either(end[name] for end in ends if name in end)

    def define_class(self, node: ast.ClassDef, scope: Scope) -> None:
        own = Class(node)
        inner = dict(scope)
        self.block(node.body, inner)
        for name, values in inner.items():
            if values is not scope.get(name):
                self.attributes[(node.name, name)] = values
        for item in node.body:
            if isinstance(item, (ast.FunctionDef, ast.AsyncFunctionDef)):
                self.methods.setdefault(item.name, []).append(Function(item, Instance(own)))
        scope[node.name] = (own,)

    def imports(self, node: ast.Import | ast.ImportFrom, scope: Scope) -> None:
        for alias in node.names:
            if isinstance(node, ast.ImportFrom):
                scope[alias.asname or alias.name] = (Module(f"{node.module or ''}.{alias.name}"),)
            else:
                shown = alias.asname or alias.name.partition(".")[0]
                scope[shown] = (Module(alias.name if alias.asname else shown),)

    def assign(self, target: ast.expr, values: Values, source: ast.expr | None, scope: Scope) -> None:
        match target:
            case ast.Name():
                scope[target.id] = values
                if f"global {target.id}" in scope:
                    self.globals[target.id] = either([self.globals.get(target.id, values), values])
            case ast.Tuple() | ast.List():
                parts = plain(values)
                for index, part in enumerate(target.elts):
                    inner: Values = ()
                    if isinstance(source, (ast.Tuple, ast.List)) and len(source.elts) == len(target.elts):
                        inner = self.value(source.elts[index], scope)
                    elif isinstance(parts, (list, tuple)) and index < len(parts):
                        inner = wrapped(parts[index])
                    self.assign(part, inner, None, scope)
            case ast.Attribute():
                for owner in self.value(target.value, scope):
                    if isinstance(owner, (Instance, Class)):
                        name = owner.of.node.name if isinstance(owner, Instance) else owner.node.name
                        key = (name, target.attr)
                        self.attributes[key] = either([self.attributes.get(key, values), values])
            case ast.Subscript(value=ast.Name() as held):
                key = plain(self.value(target.slice, scope))
                before = plain(scope.get(held.id, ()))
                if isinstance(before, dict):
                    held_value = (
                        values if any(not isinstance(item, Literal) for item in values) else plain(values)
                    )
                    scope[held.id] = (Literal({**before, key if isinstance(key, str) else "**": held_value}),)

    # Expressions

    def value(self, node: ast.expr, scope: Scope) -> Values:  # noqa: PLR0911, PLR0912 - as above
        """What an expression may be, having read the calls within it."""
        self.left -= 1
        if self.left <= 0:
            return ()
        match node:
            case ast.Constant():
                return (Literal(node.value),)
            case ast.Name():
                return scope[node.id] if node.id in scope else self.globals.get(node.id, ())
            case ast.Attribute():
                return union(*(self.attribute(owner, node) for owner in self.value(node.value, scope)))
            case ast.Call():
                return self.call(node, scope)
            case ast.Dict():
                return (Literal(self.mapping(node, scope)),)
            case ast.List() | ast.Tuple():
                parts = [self.value(item, scope) for item in node.elts]
                return (Literal([kept(part) for part in parts]),)
            case ast.JoinedStr():
                return (Literal(self.text(node, scope)),)
            case ast.BinOp():
                left, right = plain(self.value(node.left, scope)), plain(self.value(node.right, scope))
                if isinstance(node.op, ast.Add) and isinstance(left, str) and isinstance(right, str):
                    return (Literal(left + right),)
                return ()
            case ast.IfExp():
                self.value(node.test, scope)
                return either([self.value(node.body, scope), self.value(node.orelse, scope)])
            case ast.BoolOp():
                return either([self.value(item, scope) for item in node.values])
            case ast.NamedExpr():
                values = self.value(node.value, scope)
                self.assign(node.target, values, node.value, scope)
                return values
            case ast.Subscript():
                return self.subscript(node, scope)
            case ast.Lambda():
                self.around[node] = scope
                return (Function(node),)
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
                return self.comprehension(node, scope)
            case ast.Await() | ast.Starred():
                return self.value(node.value, scope)
            case _:
                for child in ast.iter_child_nodes(node):
                    if isinstance(child, ast.expr):
                        self.value(child, scope)
                return ()

    def mapping(self, node: ast.Dict, scope: Scope) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, item in zip(node.keys, node.values, strict=True):
            values = self.value(item, scope)
            if key is None:
                inner = plain(values)
                found.update(inner if isinstance(inner, dict) else {"**": UNKNOWN})
                continue
            name = plain(self.value(key, scope))
            found[name if isinstance(name, str) else "**"] = kept(values)
        return found

    def text(self, node: ast.JoinedStr, scope: Scope) -> Any:
        """A formatted string; what is not known of it is a `*`, as a policy would write it."""
        parts: list[str] = []
        for part in node.values:
            inner = part.value if isinstance(part, ast.FormattedValue) else part
            known = plain(self.value(inner, scope))
            parts.append(str(known) if isinstance(known, (str, int)) else "*")
        joined = "".join(parts)
        return joined if joined.strip("*") else UNKNOWN

    def subscript(self, node: ast.Subscript, scope: Scope) -> Values:
        held, key = self.value(node.value, scope), plain(self.value(node.slice, scope))
        inner = plain(held)
        if isinstance(inner, dict) and isinstance(key, str):
            return wrapped(inner.get(key, inner.get("**", UNKNOWN)))
        if isinstance(inner, list):
            if isinstance(key, int) and -len(inner) <= key < len(inner):
                return wrapped(inner[key])
            return self.items(held)
        if isinstance(inner, dict):
            return union(*(wrapped(item) for item in inner.values()))
        return self.items(held)

    def comprehension(
        self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp, scope: Scope
    ) -> Values:
        inner = dict(scope)
        for part in node.generators:
            self.assign(part.target, self.items(self.value(part.iter, inner)), None, inner)
            for test in part.ifs:
                self.value(test, inner)
        if isinstance(node, ast.DictComp):
            self.value(node.key, inner)
            values = self.value(node.value, inner)
            return (Literal({"**": kept(values)}),)
        return (Literal([kept(self.value(node.elt, inner))]),)

    def items(self, values: Values) -> Values:
        """What stepping through values gives."""
        found: list[Values] = []
        for value in values:
            if isinstance(value, Collection) and value.type:
                found.append((Resource(value.service, value.type, value.target, value.identifiers),))
            elif isinstance(value, Literal) and isinstance(value.value, list):
                found.extend(wrapped(item) for item in value.value)
        return union(*found)

    def attribute(self, owner: Value, node: ast.Attribute) -> Values:
        name = node.attr
        match owner:
            case Module():
                return (Module(f"{owner.name}.{name}"),)
            case Instance() | Class():
                own = owner.of if isinstance(owner, Instance) else owner
                held = self.attributes.get((own.node.name, name), ())
                return tuple(
                    Function(item.node, owner)
                    if isinstance(item, Function) and isinstance(owner, Instance)
                    else item
                    for item in held
                )
            case Method():
                if owner.name == "meta" and name == "client" and isinstance(owner.of, Resource):
                    return (Client(owner.of.service, owner.of.target),)
                return ()
            case Client() | Session() | Resource() | Collection() | Paginator() | Waiter():
                return self.sdk.attribute(owner, node)
        return ()

    # Calls

    def call(self, node: ast.Call, scope: Scope) -> Values:
        given = [self.value(item, scope) for item in node.args]
        named: dict[str, Values] = {}
        for keyword in node.keywords:
            values = self.value(keyword.value, scope)
            if keyword.arg is not None:
                named[keyword.arg] = values
                continue
            inner = plain(values)
            if isinstance(inner, dict):
                named.update({str(key): wrapped(item) for key, item in inner.items()})
            else:
                named["**"] = ()
        targets = self.value(node.func, scope)
        if isinstance(node.func, ast.Name) and node.func.id == "getattr" and not targets:
            return self.getattr(given, node)
        if not targets:
            return self.unknown_call(node, given, named, scope)
        # Of several clients that a name may hold, it is one that has the operation.
        fitting = [item for item in targets if not isinstance(item, Method) or answers(item.of, item.name)]
        return union(*(self.call_value(target, given, named, node) for target in fitting or targets))

    def getattr(self, given: list[Values], node: ast.Call) -> Values:
        if len(given) < 2:
            return ()
        owners = [item for item in given[0] if isinstance(item, (Client, Resource, Paginator))]
        names = texts(given[1])
        if owners and not names:
            self.sdk.unclear(node.lineno, "the method is chosen by getattr when the script runs")
        return tuple(Method(owner, name) for owner in owners for name in names)

    def call_value(
        self, target: Value, given: list[Values], named: dict[str, Values], node: ast.Call
    ) -> Values:
        match target:
            case Module():
                return self.call_module(target.name, given, named, node)
            case Method():
                return self.sdk.call_method(target, given, named, node)
            case Function():
                return self.run(target, given, named)
            case Class():
                made = Instance(target)
                for item in self.attributes.get((target.node.name, "__init__"), ()):
                    if isinstance(item, Function):
                        self.run(Function(item.node, made), given, named)
                return (made,)
        return ()

    def call_module(self, name: str, given: list[Values], named: dict[str, Values], node: ast.Call) -> Values:
        if name.partition(".")[0] not in _SDK_MODULES:
            self.callbacks(given, named, node)
            return ()
        last = name.rpartition(".")[2]
        if last in ("Session", "get_session"):
            return tuple(Session(target) for target in targets(given[3:4], named, HERE))
        if last == "Config":
            # All that matters of it is whether it names a Region.
            region = named.get("region_name", given[0] if given else None)
            return (Literal({} if region is None else {"region_name": kept(region)}),)
        if last in ("client", "resource"):
            return self.sdk.make(last, given, named, node)
        return ()

    def unknown_call(
        self, node: ast.Call, given: list[Values], named: dict[str, Values], scope: Scope
    ) -> Values:
        """A call of something unknown: functions handed to it are called, and so are methods of that name."""
        self.callbacks(given, named, node)
        if not isinstance(node.func, ast.Attribute):
            return ()
        name = node.func.attr
        held = self.value(node.func.value, scope)
        found = plain_method(plain(held), name, given, named)
        if found:
            return found
        if held or self.methods.get(name):
            return ()
        if _LIKE_A_CALL.match(name) and name not in _NOT_CALLS:
            self.sdk.unclear(node.lineno, f"{name} is called of something that is not known here")
        return ()

    def callbacks(self, given: list[Values], named: dict[str, Values], node: ast.Call) -> None:
        """Functions handed to something unknown are called by it, perhaps with what is handed along."""
        everything = [*given, *named.values()]
        for index, values in enumerate(everything):
            for value in values:
                if isinstance(value, Function):
                    passed = [self.items(item) or item for item in everything[index + 1 :]]
                    self.run(value, passed, {})
                elif isinstance(value, Method) and not isinstance(value.of, Session):
                    self.sdk.call_method(value, [], {"**": ()}, node)

    def run(self, function: Function, given: list[Values], named: dict[str, Values]) -> Values:
        """Reads a function's body with these arguments; returns what it may return."""
        code = function.node
        self.read_functions.add(code)
        if code in self.stack or len(self.stack) >= _DEPTH or self.left <= 0:
            return ()
        # A function inside another knows the names around it.
        scope = {**self.globals, **self.around.get(code, {})}
        self.bind(function, given, named, scope)
        if isinstance(code, ast.Lambda):
            return self.value(code.body, scope)
        self.stack.append(code)
        self.returns.append([])
        self.block(code.body, scope)
        self.stack.pop()
        return either(self.returns.pop())

    def bind(self, function: Function, given: list[Values], named: dict[str, Values], scope: Scope) -> None:
        arguments = function.node.args
        names = [item.arg for item in (*arguments.posonlyargs, *arguments.args)]
        defaults = dict(zip(reversed(names), reversed(arguments.defaults), strict=False))
        defaults |= {
            item.arg: default
            for item, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
            if default is not None
        }
        for name in (*names, *(item.arg for item in arguments.kwonlyargs)):
            scope[name] = self.value(defaults[name], self.globals) if name in defaults else ()
        for rest in (arguments.vararg, arguments.kwarg):
            if rest is not None:
                scope[rest.arg] = ()
        static = any(
            isinstance(item, ast.Name) and item.id == "staticmethod"
            for item in getattr(function.node, "decorator_list", ())
        )
        if function.bound is not None and names and not static:
            given = [(function.bound,), *given]
        scope.update(zip(names, given, strict=False))
        scope.update({name: values for name, values in named.items() if name in scope})
