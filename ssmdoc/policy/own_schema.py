"""The rule that a document satisfies a JSON Schema of the organisation's own.

The schema is of draft 2020-12 (https://json-schema.org/draft/2020-12). It may refer to its own parts only,
and what its use may cost is bounded: patterns are matched in bounded time, the whole judgement takes a
bounded number of steps. A document whose judgement needs more is refused.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from itertools import islice
from time import perf_counter
from typing import Any

import regex
from jsonschema import Draft202012Validator, SchemaError, ValidationError, validators
from referencing import Registry
from referencing.exceptions import Unresolvable

from ssmdoc.document import Parsed
from ssmdoc.findings import MAX_FINDINGS, Finding
from ssmdoc.model import Document
from ssmdoc.policy.rule import Rule

MAX_BYTES = 64 * 1024
# Keywords applied to values: what half a second allows.
MAX_STEPS = 50_000
# For all patterns together.
_PATTERN_SECONDS = 0.25
_DIALECTS = ("https://json-schema.org/draft/2020-12/schema", "https://json-schema.org/draft/2020-12/schema#")

_Errors = Iterator[ValidationError]
_Keyword = Callable[[Any, Any, Any, Any], _Errors]


class _TooCostly(Exception):
    """The judgement takes more than may be spent on it."""


def _fault(setting: Any) -> str:
    if not isinstance(setting, dict):
        return 'Write a JSON Schema: a map like {"required": ["description"]}.'
    try:
        # What the schema says is told in findings: halves of surrogate pairs are no text.
        text = json.dumps(setting, allow_nan=False, ensure_ascii=False)
        size = len(text.encode("utf-8"))
    except (TypeError, ValueError, RecursionError):
        return "Write a JSON Schema: JSON values only, none inside itself."
    if size > MAX_BYTES:
        return f"The schema is {size // 1024} KB; {MAX_BYTES // 1024} KB is the most."
    return _text_fault(text)


@lru_cache(maxsize=64)
def _text_fault(text: str) -> str:
    schema = json.loads(text)
    dialect = schema.get("$schema", _DIALECTS[0])
    if dialect not in _DIALECTS:
        return f"The schema is judged as draft 2020-12: remove $schema, or write {_DIALECTS[0]}."
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        place = "/".join(str(part) for part in error.absolute_path)
        return f"The schema is not valid{f' at {place}' if place else ''}: {error.message[:200]}"
    except RecursionError:
        return "The schema nests too deep."
    return _part_fault(schema)


def _part_fault(schema: Any) -> str:
    """What is wrong with references and patterns, which the schema of schemas does not look into."""
    pending = [schema]
    resolver = Registry().with_contents([("", schema)], default_specification=_specification()).resolver()
    while pending:
        part = pending.pop()
        if isinstance(part, list):
            pending.extend(part)
        if not isinstance(part, dict):
            continue
        pending.extend(part.values())
        if part is not schema and isinstance(part.get("$id"), str):
            return "Only the schema as a whole may have an $id."
        for key in ("$ref", "$dynamicRef"):
            target = part.get(key)
            if not isinstance(target, str):
                continue
            if not target.startswith("#"):
                return (
                    f"{key} may lead to a part of this schema only, like #/$defs/name; not to {target[:60]}."
                )
            try:
                resolver.lookup(target)
            except (Unresolvable, ValueError):
                return f"{key} leads to {target[:60]}, which the schema does not hold."
        patterns = [part["pattern"]] if isinstance(part.get("pattern"), str) else []
        if isinstance(part.get("patternProperties"), dict):
            patterns += part["patternProperties"]
        for pattern in patterns:
            try:
                _compiled(pattern)
            except regex.error as error:
                return f"The pattern {pattern[:60]} does not compile: {error}."
    return ""


def _specification() -> Any:
    from referencing.jsonschema import DRAFT202012

    return DRAFT202012


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> regex.Pattern[str]:
    return regex.compile(pattern)


class _Keywords:
    """The draft's keywords, each use counted, and those that may take unbounded time in a way of our own."""

    def __init__(self) -> None:
        self.steps = MAX_STEPS
        self.seconds = _PATTERN_SECONDS

    def all(self) -> dict[str, _Keyword]:
        own: dict[str, _Keyword] = {
            "pattern": self.pattern,
            "patternProperties": self.pattern_properties,
            "additionalProperties": self.additional_properties,
            "uniqueItems": self.unique_items,
        }
        keywords = {**Draft202012Validator.VALIDATORS, **own}
        return {name: self.counted(judge) for name, judge in keywords.items()}

    def counted(self, judge: _Keyword) -> _Keyword:
        def spend(validator: Any, setting: Any, instance: Any, schema: Any) -> _Errors:
            self.steps -= 1
            if self.steps < 0:
                raise _TooCostly
            return judge(validator, setting, instance, schema) or iter(())

        return spend

    def holds(self, pattern: str, text: str) -> bool:
        begun = perf_counter()
        try:
            found = _compiled(pattern).search(text, timeout=max(self.seconds, 0.001))
        except TimeoutError as error:
            raise _TooCostly from error
        self.seconds -= perf_counter() - begun
        if self.seconds < 0:
            raise _TooCostly
        return found is not None

    def pattern(self, validator: Any, pattern: str, instance: Any, schema: Any) -> _Errors:
        if isinstance(instance, str) and not self.holds(pattern, instance):
            yield ValidationError(f"it does not match {pattern}")

    def pattern_properties(self, validator: Any, patterns: Any, instance: Any, schema: Any) -> _Errors:
        if isinstance(instance, dict):
            for pattern, subschema in patterns.items():
                for key, value in instance.items():
                    if self.holds(pattern, key):
                        yield from validator.descend(value, subschema, path=key, schema_path=pattern)

    def additional_properties(self, validator: Any, allowed: Any, instance: Any, schema: Any) -> _Errors:
        if not isinstance(instance, dict):
            return
        named, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
        for key, value in instance.items():
            if key in named or any(self.holds(pattern, key) for pattern in patterns):
                continue
            if allowed is False:
                error = ValidationError(f"`{key[:60]}` may not stand here")
                error.path.appendleft(key)
                yield error
            else:
                yield from validator.descend(value, allowed, path=key)

    def unique_items(self, validator: Any, wanted: Any, instance: Any, schema: Any) -> _Errors:
        if wanted and isinstance(instance, list):
            texts = [json.dumps(item, sort_keys=True, default=str) for item in instance]
            if len(set(texts)) < len(texts):
                yield ValidationError("it holds the same item twice")


def _validator(schema: Any) -> Any:
    """A validator of the schema that bounds what it spends and reaches for nothing outside."""
    extend: Any = validators.extend
    return extend(Draft202012Validator, _Keywords().all())(schema, registry=Registry())


def _evaluate(parsed: Parsed, document: Document, setting: Any) -> Iterator[Finding]:
    validator = _validator(setting)
    try:
        for error in islice(validator.iter_errors(parsed.data), MAX_FINDINGS):
            yield _finding(parsed, error)
    except (_TooCostly, RecursionError):
        yield parsed.finding(
            "policy-schema",
            "error",
            "The policy's own schema takes too long on this document, so nobody can tell whether it is kept.",
            (),
            hint="Ask an administrator to make the schema simpler.",
        )


def _finding(parsed: Parsed, error: ValidationError) -> Finding:
    path = tuple(error.absolute_path)
    place = _place(path)
    said = error.schema.get("description") if isinstance(error.schema, Mapping) else None
    return parsed.finding(
        "policy-schema",
        "error",
        f"{place} does not satisfy the policy's schema: {_sentence(error)}.",
        path,
        hint=said[:300] if isinstance(said, str) else "",
    )


def _place(path: tuple[str | int, ...]) -> str:
    if not path:
        return "The document"
    shown = "".join(f"[{part}]" if isinstance(part, int) else f".{part[:60]}" for part in path)
    return shown.removeprefix(".")


_LIMITS = {
    **dict.fromkeys(("minLength", "minItems", "minProperties", "minimum", "exclusiveMinimum"), "less"),
    **dict.fromkeys(("maxLength", "maxItems", "maxProperties", "maximum", "exclusiveMaximum"), "more"),
}
_JOINED = (
    "anyOf",
    "oneOf",
    "not",
    "contains",
    "dependentRequired",
    "unevaluatedProperties",
    "unevaluatedItems",
)


def _sentence(error: ValidationError) -> str:
    """What is wrong, in words of our own for the keywords whose errors would show whole values."""
    setting: Any = error.validator_value
    keyword = str(error.validator)
    said = (
        error.message if len(error.message) <= 200 and keyword not in _JOINED else f"{keyword} does not hold"
    )
    if error.schema is False:
        said = "nothing may stand here"
    elif keyword == "required":
        # One error a missing key: the message begins with the key in quotes.
        missing = [key for key in setting if error.message.startswith(repr(key))]
        said = f"`{missing[0][:60]}` is missing" if missing else said
    elif keyword in ("const", "enum"):
        said = f"it must be {'one of ' if keyword == 'enum' else ''}{_shown(setting)}"
    elif keyword == "type":
        said = f"it must be of the type {setting if isinstance(setting, str) else ' or '.join(setting)}"
    elif keyword in _LIMITS:
        said = f"it is {_LIMITS[keyword]} than {keyword} {setting} allows"
    return said


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 120 else f"{text[:120]}…"


RULES = (
    Rule(
        "schema",
        _fault,
        lambda schema: (
            "A document must satisfy a JSON Schema of the organisation"
            + (f": {schema['title']}" if isinstance(schema.get("title"), str) else "")
            + (f" ({schema['description']})" if isinstance(schema.get("description"), str) else "")
            + "."
        ),
        _evaluate,
    ),
)
