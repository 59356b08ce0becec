"""JSON (RFC 8259) read with positions, and with a sentence for each way of getting it wrong."""

from __future__ import annotations

import json
import re
from typing import Any

from ssmdoc.findings import Finding, Path
from ssmdoc.nodes import MAX_DEPTH, Node, Source, Span

_SPACE = re.compile(r"[ \t\r\n]*")
_STRING = re.compile(r'"([^"\\\x00-\x1f]*)"')
_ESCAPED_STRING = re.compile(r'"((?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*+)"')
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?(?![\w.+])")
_WORD = re.compile(r"[^\s,:\]\[{}\"]+")
_SURROGATE = re.compile("[\ud800-\udfff]")
_CONSTANTS = {"true": True, "false": False, "null": None}
# Longer numbers mean nothing in a document, and Python refuses to convert the longest ones.
_MAX_DIGITS = 400


class Malformed(Exception):
    """The text is not JSON; carries the finding."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.message)
        self.finding = finding


class Reader:
    """One pass over the text; findings that do not stop it are collected in `findings`."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.text = source.text
        self.findings: list[Finding] = []

    def read(self) -> Node:
        """The tree of the whole text. Raises Malformed."""
        start = self._skip(0)
        if start >= len(self.text):
            raise self._malformed("The document is empty.", 0, 0)
        node = self._value(start, (), 0)
        rest = self._skip(node.end)
        if rest < len(self.text):
            raise self._malformed(
                "Something follows the end of the document.",
                rest,
                len(self.text),
                hint="Remove what stands after the last closing brace.",
            )
        return node

    def _skip(self, offset: int) -> int:
        match = _SPACE.match(self.text, offset)
        return match.end() if match else offset

    def _malformed(
        self, message: str, start: int, end: int, *, path: Path = (), hint: str = "", id: str = "text-json"
    ) -> Malformed:
        return Malformed(self.source.finding(id, "error", message, (start, end), path=path, hint=hint))

    def _value(self, offset: int, path: Path, depth: int) -> Node:
        if depth > MAX_DEPTH:
            raise self._malformed(
                f"Values nest deeper than {MAX_DEPTH} levels.",
                offset,
                offset + 1,
                path=path[:10],
                id="text-depth",
            )
        char = self.text[offset : offset + 1]
        if char == '"':
            return self._string(offset, path)
        if char == "{":
            return self._map(offset, path, depth)
        if char == "[":
            return self._list(offset, path, depth)
        return self._bare(offset, path)

    def _string(self, offset: int, path: Path) -> Node:
        text = self.text
        match = _STRING.match(text, offset)
        if match:
            return Node("scalar", offset, match.end(), value=match.group(1))
        match = _ESCAPED_STRING.match(text, offset)
        if match:
            value = json.loads(match.group())
            if _SURROGATE.search(value):
                message = "A string holds half of a surrogate pair, which is no character."
                raise self._malformed(
                    message, offset, match.end(), path=path, hint="Remove the escape `\\ud…`."
                )
            return Node("scalar", offset, match.end(), value=value)
        raise self._bad_string(offset, path)

    def _bad_string(self, offset: int, path: Path) -> Malformed:
        text = self.text
        fault = re.compile(r'"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*+').match(text, offset)
        at = fault.end() if fault else offset
        if at >= len(text):
            return self._malformed(
                "A string is not closed.", offset, len(text), path=path, hint='Add the missing `"`.'
            )
        if text[at] == "\\":
            return self._malformed(
                f"`{text[at : at + 2]}` is not an escape that JSON knows.",
                at,
                at + 2,
                path=path,
                hint="Write `\\\\` for a backslash.",
            )
        name = {"\n": "a line break", "\r": "a line break", "\t": "a tab"}.get(
            text[at], "a control character"
        )
        escape = {"\n": "\\n", "\r": "\\n", "\t": "\\t"}.get(text[at], f"\\u{ord(text[at]):04x}")
        return self._malformed(
            f"A string holds {name}.",
            at,
            at + 1,
            path=path,
            hint=f'Write `{escape}` for it, or add the missing `"`.',
        )

    def _bare(self, offset: int, path: Path) -> Node:
        text = self.text
        match = _NUMBER.match(text, offset)
        if match and len(match.group()) <= _MAX_DIGITS:
            whole = match.group(1) is None and match.group(2) is None
            value: Any = int(match.group()) if whole else float(match.group())
            return Node("scalar", offset, match.end(), value=value)
        word = _WORD.match(text, offset)
        if word and word.group() in _CONSTANTS:
            return Node("scalar", offset, word.end(), value=_CONSTANTS[word.group()])
        if offset >= len(text):
            raise self._malformed(
                "The document ends in the middle of a value.",
                offset,
                offset,
                path=path,
                hint="Close what is open.",
            )
        if word is None:
            raise self._malformed(
                f"A value is missing before `{text[offset]}`.", offset, offset + 1, path=path
            )
        said = word.group() if len(word.group()) <= 40 else word.group()[:40] + "…"
        hint = (
            "Comments are not part of JSON; the YAML form of a document may have them."
            if said.startswith(("//", "/*", "#"))
            else f'Put quotes around it: `"{said.strip(chr(39))}"`.'
        )
        raise self._malformed(f"`{said}` is not a JSON value.", offset, word.end(), path=path, hint=hint)

    def _list(self, offset: int, path: Path, depth: int) -> Node:
        text = self.text
        node = Node("list", offset, offset + 1)
        at = self._skip(offset + 1)
        if text[at : at + 1] == "]":
            node.end = at + 1
            return node
        while True:
            item = self._value(at, (*path, len(node.items)), depth + 1)
            node.items.append(item)
            at = self._skip(item.end)
            if text[at : at + 1] == "]":
                node.end = at + 1
                return node
            at = self._after_comma(at, "]", (offset, item.end), path)

    def _map(self, offset: int, path: Path, depth: int) -> Node:
        text = self.text
        node = Node("map", offset, offset + 1)
        at = self._skip(offset + 1)
        if text[at : at + 1] == "}":
            node.end = at + 1
            return node
        while True:
            if text[at : at + 1] != '"':
                word = _WORD.match(text, at)
                hint = f'Write `"{word.group()[:40]}"`.' if word else ""
                message = "A key must be a string in double quotes."
                raise self._malformed(message, at, word.end() if word else at + 1, path=path, hint=hint)
            key = self._string(at, path)
            at = self._skip(key.end)
            if text[at : at + 1] != ":":
                raise self._malformed(
                    f'`:` is missing after the key "{key.value}".', key.end, key.end, path=path
                )
            at = self._skip(at + 1)
            value = self._value(at, (*path, key.value), depth + 1)
            if key.value in node.entries:
                self.findings.append(duplicate_key(self.source, node, key, path))
            node.entries[key.value] = (key, value)
            at = self._skip(value.end)
            if text[at : at + 1] == "}":
                node.end = at + 1
                return node
            at = self._after_comma(at, "}", (offset, value.end), path)

    def _after_comma(self, at: int, close: str, read: Span, path: Path) -> int:
        """The offset behind the comma at `at` in the list or map of which `read` was read so far."""
        text = self.text
        opened, end = read
        if text[at : at + 1] != ",":
            if at >= len(text):
                line, column = self.source.position(opened)
                raise self._malformed(
                    f"The document ends before `{close}`: line {line}, column {column} is still open.",
                    end,
                    end,
                    path=path,
                    hint=f"Add `{close}`.",
                )
            raise self._malformed(f"`,` or `{close}` is missing here.", end, end, path=path)
        after = self._skip(at + 1)
        if text[after : after + 1] == close:
            raise self._malformed(
                f"A comma stands before `{close}`.", at, at + 1, path=path, hint="Remove the last comma."
            )
        return after


def duplicate_key(source: Source, node: Node, key: Node, path: Path) -> Finding:
    """The finding for a key that stands a second time in one map."""
    line, _ = source.position(node.entries[key.value][0].start)
    return source.finding(
        "text-duplicate-key",
        "error",
        f'The key "{key.value}" stands twice: it is already on line {line}.',
        key.span,
        path=(*path, key.value),
        hint="Keep one of them; only the last would count.",
    )
