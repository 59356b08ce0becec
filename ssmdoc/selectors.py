"""JSONPath as Automation's `Selector` and `PropertySelector` use it.

The dialect is Jayway's (Automation runs on it) as far as published documents go: ``$.A.B[0]``, ``$.A[-1]``,
``$.A[*].B``, ``$..B``, ``$.A..B``, ``$['A b']``, slices, lists of indexes, filters, a quoted key after a dot
(``$.Outputs.'step.Out'[0]``), a lone ``$``, and paths without ``$`` at all.

https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-action-outputs-inputs.html
"""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

OUTPUT_TYPES = ("String", "StringList", "StringMap", "Integer", "Boolean", "MapList")


class SelectorError(ValueError):
    """A selector that cannot be read, finds nothing, or finds a value of another type than it should."""


class SelectorMissing(SelectorError):
    """The selector is well formed, but leads nowhere in this object."""


_MISSING = object()
_NAME = re.compile(r"[^\s.\[\]()'\"*?@$,=<>!&|]+")
_QUOTED = re.compile(r"'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"")
_INDEXES = re.compile(r"\s*-?\d{1,9}(?:\s*,\s*-?\d{1,9})*\s*\]")
_SLICE = re.compile(r"\s*(-?\d{1,9})?\s*:\s*(-?\d{1,9})?\s*(?::\s*(-?\d{1,9})?\s*)?\]")
_OPERATOR = re.compile(r"\s*(===|==|!=|<=|>=|=~|<|>|\bin\b|\bnin\b)\s*")
_LITERAL = re.compile(
    r"\s*(?:(-?\d+(?:\.\d+)?)|(true|false|null)\b|'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\")\s*"
)
_REGEX = re.compile(r"\s*/((?:[^/\\]|\\.)*)/(i?)\s*")
_FILTER_PATH_END = re.compile(r"\s*(?:===|==|!=|<=|>=|=~|<|>|&&|\|\||\)|\bin\b|\bnin\b|$)")
_MAX_LENGTH = 1_000
_MAX_VISITS = 200_000

Test = Callable[[Any], bool]


@dataclass(frozen=True, slots=True)
class _Part:
    """One step of a path: by names, indexes, slice, filter, or all; `deep` looks at any depth."""

    names: tuple[str, ...] = ()
    indexes: tuple[int, ...] = ()
    slice: slice | None = None
    test: Test | None = None
    every: bool = False
    deep: bool = False

    @property
    def definite(self) -> bool:
        return not self.deep and len(self.names) + len(self.indexes) == 1


@dataclass(frozen=True, slots=True)
class Selector:
    """A path that was read. `definite` when it can lead to one value at most; otherwise it selects a list."""

    text: str
    parts: tuple[_Part, ...]

    @property
    def definite(self) -> bool:
        return all(part.definite for part in self.parts)


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def fail(self, why: str) -> SelectorError:
        return SelectorError(f"`{self.text[:200]}` is not a JSONPath: {why}.")

    def peek(self, what: str) -> bool:
        return self.text.startswith(what, self.at)

    def take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        match = pattern.match(self.text, self.at)
        if match:
            self.at = match.end()
        return match

    def path(self, *, inside_filter: bool = False) -> tuple[_Part, ...]:
        parts: list[_Part] = []
        if self.peek("@" if inside_filter else "$"):
            self.at += 1
        elif not self.peek("["):
            parts.append(self.member(deep=False))
        while self.at < len(self.text):
            if inside_filter and _FILTER_PATH_END.match(self.text, self.at):
                break
            deep = self.peek("..")
            if deep:
                self.at += 2
            if self.peek("["):
                parts.append(self.bracket(deep=deep))
            elif deep:
                parts.append(self.member(deep=True))
            elif self.peek("."):
                self.at += 1
                if self.peek("["):
                    parts.append(self.bracket(deep=False))
                else:
                    parts.append(self.member(deep=False))
            else:
                raise self.fail(f"`.` or `[` is missing before `{self.text[self.at : self.at + 20]}`")
        return tuple(parts)

    def member(self, *, deep: bool) -> _Part:
        if self.peek("*"):
            self.at += 1
            return _Part(every=True, deep=deep)
        quoted = self.take(_QUOTED)
        if quoted:
            return _Part(names=(_unquoted(quoted),), deep=deep)
        name = self.take(_NAME)
        if not name:
            raise self.fail(
                "a name is missing at the end"
                if self.at >= len(self.text)
                else f"a name is missing before `{self.text[self.at : self.at + 20]}`"
            )
        return _Part(names=(name.group(),), deep=deep)

    def bracket(self, *, deep: bool) -> _Part:
        self.at += 1
        self.spaces()
        if self.peek("*"):
            self.at += 1
            self.expect("]")
            return _Part(every=True, deep=deep)
        if self.peek("?"):
            self.at += 1
            self.spaces()
            self.expect("(")
            test = self.alternatives()
            self.expect(")")
            self.expect("]")
            return _Part(test=test, deep=deep)
        indexes = self.take(_INDEXES)
        if indexes:
            return _Part(indexes=tuple(int(said) for said in indexes.group()[:-1].split(",")), deep=deep)
        cut = self.take(_SLICE)
        if cut:
            start, stop, step = (int(said) if said else None for said in cut.groups())
            if step == 0:
                raise self.fail("a slice cannot have the step 0")
            return _Part(slice=slice(start, stop, step), deep=deep)
        names = []
        while quoted := self.take(_QUOTED):
            names.append(_unquoted(quoted))
            self.spaces()
            if not self.peek(","):
                break
            self.at += 1
            self.spaces()
        if not names:
            raise self.fail("`[` wants an index, a quoted key, `*`, a slice or a filter `?(…)`")
        self.expect("]")
        return _Part(names=tuple(names), deep=deep)

    def spaces(self) -> None:
        while self.peek(" "):
            self.at += 1

    def expect(self, char: str) -> None:
        self.spaces()
        if not self.peek(char):
            raise self.fail(f"`{char}` is missing")
        self.at += 1

    def alternatives(self) -> Test:
        tests = [self.conjunction()]
        while True:
            self.spaces()
            if not self.peek("||"):
                return tests[0] if len(tests) == 1 else (lambda item: any(test(item) for test in tests))
            self.at += 2
            tests.append(self.conjunction())

    def conjunction(self) -> Test:
        tests = [self.comparison()]
        while True:
            self.spaces()
            if not self.peek("&&"):
                return tests[0] if len(tests) == 1 else (lambda item: all(test(item) for test in tests))
            self.at += 2
            tests.append(self.comparison())

    def comparison(self) -> Test:
        self.spaces()
        if self.peek("!") and not self.peek("!="):
            self.at += 1
            negated = self.comparison()
            return lambda item: not negated(item)
        if self.peek("("):
            self.at += 1
            inner = self.alternatives()
            self.expect(")")
            return inner
        left = self.operand()
        sign = self.take(_OPERATOR)
        if not sign:
            return lambda item: left(item) is not _MISSING
        if sign.group(1) == "=~":
            pattern = self.take(_REGEX)
            if not pattern:
                raise self.fail("`=~` wants a pattern between slashes")
            try:
                matches = re.compile(pattern.group(1), re.IGNORECASE if pattern.group(2) else 0).fullmatch
            except re.error as error:
                raise self.fail(f"the pattern does not compile ({error})") from error
            return lambda item: isinstance(left(item), str) and matches(left(item)) is not None
        right = self.operand()
        compare = _COMPARISONS[sign.group(1)]
        return lambda item: compare(left(item), right(item))

    def operand(self) -> Callable[[Any], Any]:
        self.spaces()
        if self.peek("@"):
            parts = self.path(inside_filter=True)
            path = Selector(self.text, parts)
            return lambda item: _first(path, item)
        literal = self.take(_LITERAL)
        if not literal:
            raise self.fail("a filter compares `@.name` with a number, a word in quotes, true, false or null")
        value: Any
        if literal.group(1) or literal.group(2):
            value = json.loads(literal.group().strip())
        else:
            value = _unquoted(literal, 3)
        return lambda _: value


def _unquoted(match: re.Match[str], first: int = 1) -> str:
    said = match.group(first) if match.group(first) is not None else match.group(first + 1)
    return re.sub(r"\\(.)", r"\1", said)


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def ordered(left: Any, right: Any) -> bool:
        numbers = isinstance(left, (int, float)) and isinstance(right, (int, float))
        return (numbers or (isinstance(left, str) and isinstance(right, str))) and compare(left, right)

    return ordered


_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "==": lambda left, right: left is not _MISSING and left == right,
    "===": lambda left, right: type(left) is type(right) and left == right,
    "!=": lambda left, right: left != right,
    "<": _ordered(operator.lt),
    "<=": _ordered(operator.le),
    ">": _ordered(operator.gt),
    ">=": _ordered(operator.ge),
    "in": lambda left, right: isinstance(right, (list, str)) and left in right,
    "nin": lambda left, right: isinstance(right, (list, str)) and left not in right,
}


@lru_cache(maxsize=2048)
def compile(selector: str) -> Selector:
    """Reads a selector. Raises SelectorError with a sentence when it is not JSONPath."""
    text = selector.strip()
    if not text:
        raise SelectorError("The selector is empty. Write `$` for the whole response.")
    if len(text) > _MAX_LENGTH:
        raise SelectorError(f"The selector is longer than {_MAX_LENGTH} characters.")
    try:
        return Selector(text, _Reader(text).path())
    except RecursionError as error:
        raise SelectorError("The selector nests too deep.") from error


def select(selector: str, obj: Any) -> Any:
    """What the selector finds in `obj`.

    A definite path gives its one value; any other (``..``, ``*``, slices, filters, several names) gives the
    list of all values found, which may be empty. Raises SelectorError when the selector is no JSONPath,
    SelectorMissing when a definite path leads nowhere.
    """
    path = compile(selector)
    found = list(_walk(path.parts, obj))
    if not path.definite:
        return found
    if not found:
        raise SelectorMissing(f"`{path.text}` finds nothing in the response.")
    return found[0]


def _first(path: Selector, item: Any) -> Any:
    return next(_walk(path.parts, item), _MISSING)


def _walk(parts: tuple[_Part, ...], root: Any) -> Iterator[Any]:
    level: list[Any] = [root]
    for part in parts:
        following: list[Any] = []
        for value in level:
            for holder in _descendants(value) if part.deep else (value,):
                following.extend(_children(part, holder))
                if len(following) > _MAX_VISITS:
                    raise SelectorError(f"The selector finds more than {_MAX_VISITS} values.")
        level = following
    yield from level


def _descendants(value: Any) -> Iterator[Any]:
    pending = [value]
    visited = 0
    while pending:
        current = pending.pop()
        visited += 1
        if visited > _MAX_VISITS:
            raise SelectorError(f"The selector visits more than {_MAX_VISITS} values.")
        yield current
        if isinstance(current, dict):
            pending.extend(reversed(list(current.values())))
        elif isinstance(current, list):
            pending.extend(reversed(current))


def _children(part: _Part, holder: Any) -> Iterator[Any]:
    if part.names:
        if isinstance(holder, dict):
            yield from (holder[name] for name in part.names if name in holder)
        return
    if part.indexes:
        if isinstance(holder, list):
            yield from (holder[index] for index in part.indexes if -len(holder) <= index < len(holder))
        return
    if part.slice is not None:
        if isinstance(holder, list):
            yield from holder[part.slice]
        return
    items = holder if isinstance(holder, list) else list(holder.values()) if isinstance(holder, dict) else []
    if part.every:
        yield from items
        return
    assert part.test is not None
    # A filter after a map asks the map itself, as Jayway does; after `..` every object is met on its own.
    candidates = items if isinstance(holder, list) else [holder] if isinstance(holder, dict) else []
    yield from (item for item in candidates if part.test(item))


def coerce_output(value: Any, type: str | None) -> Any:
    """A selected value as the output's declared type.

    A single value found by an indefinite path counts as that value; a value where a list is declared becomes
    a list of it. Numbers and booleans become text where a String is declared, and text that says a number or
    a boolean becomes one. Lists and maps declared String become JSON. Raises SelectorError with a sentence
    when nothing fits; without a type the value stays as it is.
    """
    if type is None or value is None:
        return value
    if type in ("String", "Integer", "Boolean") and isinstance(value, list) and len(value) == 1:
        value = value[0]
    convert = _CONVERSIONS.get(type)
    if convert is None:
        raise SelectorError(f"`{type}` is not an output type. Use one of {', '.join(OUTPUT_TYPES)}.")
    result = convert(value)
    if result is _MISSING:
        shown = json.dumps(value, default=str)
        raise SelectorError(f"The selected value {shown[:100]} is not of type {type}.")
    return result


def _string(value: Any) -> Any:
    return (
        value
        if isinstance(value, str)
        else json.dumps(value, separators=(",", ":"), ensure_ascii=False, default=str)
    )


def _integer(value: Any) -> Any:
    if isinstance(value, bool):
        return _MISSING
    if isinstance(value, int):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return int(value) if isinstance(value, str) and re.fullmatch(r"\s*-?\d{1,30}\s*", value) else _MISSING


def _boolean(value: Any) -> Any:
    if isinstance(value, str) and value.strip().lower() in ("true", "false"):
        return value.strip().lower() == "true"
    return value if isinstance(value, bool) else _MISSING


def _string_list(value: Any) -> Any:
    if isinstance(value, list):
        return [_string(item) for item in value]
    return _MISSING if isinstance(value, dict) else [_string(value)]


def _string_map(value: Any) -> Any:
    return value if isinstance(value, dict) else _parsed(value, dict)


def _map_list(value: Any) -> Any:
    found = [value] if isinstance(value, dict) else value if isinstance(value, list) else _parsed(value, list)
    return found if isinstance(found, list) and all(isinstance(item, dict) for item in found) else _MISSING


def _parsed(value: Any, kind: type) -> Any:
    if not isinstance(value, str):
        return _MISSING
    try:
        parsed = json.loads(value)
    except (ValueError, RecursionError):
        return _MISSING
    return parsed if isinstance(parsed, kind) else _MISSING


_CONVERSIONS: dict[str, Callable[[Any], Any]] = {
    "String": _string,
    "Integer": _integer,
    "Boolean": _boolean,
    "StringList": _string_list,
    "StringMap": _string_map,
    "MapList": _map_list,
}
