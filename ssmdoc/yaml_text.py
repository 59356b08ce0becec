"""YAML read with positions from libyaml's events.

The tree is built here rather than by `yaml.compose`: that one recurses in C (60,000 open brackets end the
process), drops a key that stands twice, and turns dates and base-60 numbers into something else than the
text that AWS sees.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from ssmdoc.findings import Finding, Path
from ssmdoc.json_text import Malformed, duplicate_key
from ssmdoc.nodes import MAX_DEPTH, MAX_VALUES, Node, Source, Span

# Open containers, each with the key that waits for its value.
Stack = list[tuple[Node, Node | None]]

_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON"), True),
    **dict.fromkeys(("false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
}
_DECIMAL = re.compile(r"[-+]?(?:0|[1-9][0-9_]{0,400})\Z")
_OCTAL = re.compile(r"[-+]?0[0-7_]{1,400}\Z")
_HEX = re.compile(r"[-+]?0x[0-9a-fA-F_]{1,400}\Z")
_FLOAT = re.compile(
    r"[-+]?(?:[0-9][0-9_]*\.[0-9_]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?\Z|[-+]?[0-9]+[eE][-+]?[0-9]+\Z"
)
_TAGS = {
    "tag:yaml.org,2002:str",
    "tag:yaml.org,2002:int",
    "tag:yaml.org,2002:float",
    "tag:yaml.org,2002:bool",
    "tag:yaml.org,2002:null",
    "tag:yaml.org,2002:seq",
    "tag:yaml.org,2002:map",
    "!",
}
_ADVICE = (
    ("cannot start any token", "Quote the value, or use spaces: YAML allows no tab for indentation."),
    ("mapping values are not allowed", "Quote a value that holds `: `, or put the key on its own line."),
    ("could not find expected ':'", "Write `key: value`; a text of several lines needs `|` after the colon."),
    ("expected <block end>", "Bring the line to the same indentation as the lines that it belongs with."),
    ("unexpected end of stream", "Close the quote or bracket that is still open."),
    ("did not find expected key", "Bring the line to the same indentation as the keys that it belongs with."),
    ("expected ',' or", "Close the bracket, or quote a value that holds a bracket or a brace."),
    ("found unknown escape character", "Use single quotes, or write `\\\\` for a backslash."),
    ("undefined alias", "Quote a value that starts with `*`."),
    ("while scanning an alias", "Quote a value that starts with `*`."),
    ("while scanning an anchor", "Quote a value that starts with `&`."),
)


class Reader:
    """One pass over the events; findings that do not stop it are collected in `findings`."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.findings: list[Finding] = []
        self.anchors: dict[str, Node] = {}
        # How many values a node stands for once its aliases are written out.
        self.sizes: dict[int, int] = {}
        self.aliases = 0
        # The last quoted scalar that goes over several lines: often its quote was meant to close earlier.
        self.quoted: Span = (0, 0)

    def read(self) -> Node:
        """The tree of the first document of the text. Raises Malformed."""
        try:
            return self._read()
        except yaml.MarkedYAMLError as error:
            raise self._syntax(error) from error
        except yaml.YAMLError as error:
            raise self._malformed(f"This is not YAML: {error}.", (0, 0)) from error

    def _malformed(
        self, message: str, span: Span, *, path: Path = (), hint: str = "", id: str = "text-yaml"
    ) -> Malformed:
        return Malformed(self.source.finding(id, "error", message, span, path=path, hint=hint))

    def _warn(self, id: str, message: str, span: Span, *, stack: Stack, hint: str) -> None:
        self.findings.append(self.source.finding(id, "warning", message, span, path=_path(stack), hint=hint))

    def _syntax(self, error: yaml.MarkedYAMLError) -> Malformed:
        problem = error.problem or error.context or "it cannot be read"
        mark = error.problem_mark or error.context_mark
        said = f"{error.context or ''} {problem}"
        if "scanning a quoted scalar" in said and "end of stream" in said:
            mark = error.context_mark or mark
        at = min(mark.index, len(self.source.text)) if mark else 0
        hint = next((advice for words, advice in _ADVICE if words in said), "")
        start, end = self.quoted
        if end and "expected" in problem and 0 <= self.source.text.count("\n", end, at) <= 1 and at >= end:
            at = start
            hint = "The quote that opens here closes on a later line: close it where the value ends."
        context = f"{error.context}: " if error.context and error.problem else ""
        return self._malformed(f"This is not YAML: {context}{problem}.", (at, at + 1), hint=hint)

    def _read(self) -> Node:
        stack: Stack = []
        anchors: list[str | None] = []
        root: Node | None = None
        for event in yaml.parse(self.source.text, Loader=yaml.CSafeLoader):
            if isinstance(event, yaml.ScalarEvent):
                node = self._scalar(event, stack)
                if event.anchor:
                    self.anchors[event.anchor] = node
            elif isinstance(event, yaml.CollectionStartEvent):
                stack.append((self._container(event, stack), None))
                anchors.append(event.anchor)
                continue
            elif isinstance(event, yaml.CollectionEndEvent):
                node, _ = stack.pop()
                node.end = self._container_end(node, _span(event)[1])
                name = anchors.pop()
                if name:
                    self.anchors[name] = node
            elif isinstance(event, yaml.AliasEvent):
                node = self._alias(event, stack)
            elif isinstance(event, yaml.DocumentStartEvent) and root is not None:
                message = "The text holds more than one YAML document."
                hint = "Keep one document; remove what follows the line `---`."
                raise self._malformed(message, _span(event), hint=hint, id="text-documents")
            else:
                continue
            if stack:
                self._add(stack, node)
            else:
                root = node
        if root is None or (root.kind == "scalar" and root.value is None):
            raise self._malformed("The document is empty.", (0, 0))
        return root

    @staticmethod
    def _awaits_key(stack: Stack) -> bool:
        return bool(stack) and stack[-1][0].kind == "map" and stack[-1][1] is None

    def _container(self, event: Any, stack: Stack) -> Node:
        span = _span(event)
        if len(stack) >= MAX_DEPTH:
            message = f"Values nest deeper than {MAX_DEPTH} levels."
            raise self._malformed(message, span, path=_path(stack)[:10], id="text-depth")
        if self._awaits_key(stack):
            hint = "Quote it when it is a reference: `'{{ name }}'`."
            message = "A key must be plain text, not a list or a map."
            raise self._malformed(message, span, path=_path(stack), hint=hint, id="text-key")
        if event.tag and event.tag not in _TAGS:
            self._tag(event.tag, span, stack)
        node = Node("map" if isinstance(event, yaml.MappingStartEvent) else "list", *span)
        self.sizes[id(node)] = 1
        return node

    def _tag(self, tag: str, span: Span, stack: Stack) -> None:
        shown = tag.replace("tag:yaml.org,2002:", "!!")
        message = f"Automation documents have no tag `{shown}`."
        hint = "Remove the tag, or quote the value."
        self.findings.append(
            self.source.finding("text-yaml-tag", "error", message, span, path=_path(stack), hint=hint)
        )

    def _alias(self, event: Any, stack: Stack) -> Node:
        span = _span(event)
        target = self.anchors.get(event.anchor)
        if target is None:
            message = f"`*{event.anchor}` refers to nothing that is complete above it."
            hint = "Quote a value that starts with `*`."
            raise self._malformed(message, span, path=_path(stack), hint=hint, id="text-alias")
        self.aliases += 1
        if self.aliases == 1:
            message = "The document uses YAML anchors and aliases, which other readers may not follow."
            self._warn("text-alias", message, span, stack=stack, hint="Write the value out.")
        return target

    def _add(self, stack: Stack, node: Node) -> None:
        parent, key = stack[-1]
        if parent.kind == "map" and key is None:
            if not isinstance(node.value, str):
                node.value = str(node.value)
            stack[-1] = (parent, node)
            return
        size = self.sizes[id(parent)] + self.sizes.get(id(node), 1)
        self.sizes[id(parent)] = size
        if size > MAX_VALUES:
            message = f"With its aliases written out the document has more than {MAX_VALUES} values."
            raise self._malformed(
                message, (parent.start, parent.start + 1), path=_path(stack)[:10], id="text-alias"
            )
        if parent.kind == "list":
            parent.items.append(node)
            return
        assert key is not None
        if key.value in parent.entries:
            self.findings.append(duplicate_key(self.source, parent, key, _path(stack)[:-1]))
        parent.entries[key.value] = (key, node)
        stack[-1] = (parent, None)

    def _container_end(self, node: Node, end: int) -> int:
        # libyaml ends a block collection where the next token starts; a reader sees it end with its last
        # value.
        text = self.source.text
        if text[node.start : node.start + 1] in ("{", "["):
            return end
        last = node.items[-1] if node.items else next(reversed(node.entries.values()), (None, None))[1]
        return last.end if last is not None and last.end <= end else min(end, len(text))

    def _scalar(self, event: Any, stack: Stack) -> Node:
        start, end = _span(event)
        if event.style in ("'", '"') and "\n" in self.source.text[start:end]:
            self.quoted = (start, end)
        if event.style in ("|", ">"):
            end = start + len(self.source.text[start:end].rstrip())
        node = Node("scalar", start, end, value=event.value, literal=event.style == "|")
        if event.tag and event.tag not in _TAGS:
            self._tag(event.tag, (start, end), stack)
        elif (
            event.tag not in ("tag:yaml.org,2002:str", "!")
            and not self._awaits_key(stack)
            and (event.tag or not event.style)
        ):
            node.value = self._resolve(event.value, (start, end), stack)
        return node

    def _resolve(self, text: str, span: Span, stack: Stack) -> Any:
        """An unquoted scalar's value as YAML 1.1 has it, except that dates and base-60 numbers stay text."""
        value: Any = text
        if text in _WORDS:
            value = _WORDS[text]
            if text.lower() in ("yes", "no", "on", "off"):
                said = str(value).lower()
                hint = f"Write `{said}`, or quote it: `'{text}'`."
                self._warn(
                    "text-yaml-boolean", f"YAML reads `{text}` as {said}.", span, stack=stack, hint=hint
                )
        elif text[0] not in "-+.0123456789":
            return text
        elif _DECIMAL.match(text):
            value = int(text)
        elif _OCTAL.match(text):
            value = int(text.replace("_", ""), 8)
            message = f"YAML reads `{text}` as the octal number {value}."
            self._warn("text-yaml-octal", message, span, stack=stack, hint=f"Quote it: `'{text}'`.")
        elif _HEX.match(text):
            value = int(text.replace("_", ""), 16)
        elif _FLOAT.match(text):
            value = float(text.replace("_", ""))
        return value


def _span(event: Any) -> Span:
    return event.start_mark.index, event.end_mark.index


def _path(stack: Stack) -> Path:
    path: list[str | int] = []
    for node, key in stack:
        if node.kind == "list":
            path.append(len(node.items))
        elif key is not None:
            path.append(key.value)
    return tuple(path)
