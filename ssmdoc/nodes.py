"""A document's values with their place in the text, whatever the notation they were written in."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from functools import cached_property
from typing import Any, Literal

from ssmdoc.findings import Finding, Path, Severity

# Two offsets into the text, the second one behind the last character.
Span = tuple[int, int]
Kind = Literal["map", "list", "scalar"]

# Deeper than any real document (the deepest published one has 17 levels), shallow enough for every recursive
# reader.
MAX_DEPTH = 100
# What all aliases written out may come to: a 64 KB document without aliases has far fewer values.
MAX_VALUES = 100_000


class Node:
    """One value: a map (`entries`), a list (`items`) or a scalar (`value`), with its place."""

    __slots__ = ("end", "entries", "items", "kind", "literal", "start", "value")

    def __init__(self, kind: Kind, start: int, end: int, *, value: Any = None, literal: bool = False) -> None:
        self.kind: Kind = kind
        self.start = start
        self.end = end
        self.value = value
        # A YAML block scalar written with `|`: its lines are the text's lines.
        self.literal = literal
        self.entries: dict[str, tuple[Node, Node]] = {}
        self.items: list[Node] = []

    @property
    def span(self) -> Span:
        return self.start, self.end

    def child(self, key: str | int) -> Node | None:
        """The value under a key or at an index, or None."""
        if self.kind == "map":
            entry = self.entries.get(key) if isinstance(key, str) else None
            return entry[1] if entry else None
        if self.kind == "list" and isinstance(key, int) and 0 <= key < len(self.items):
            return self.items[key]
        return None

    def children(self) -> Iterator[Node]:
        """The values directly inside this one."""
        if self.kind == "map":
            for _, value in self.entries.values():
                yield value
        else:
            yield from self.items

    def at(self, path: Path) -> Node:
        """The value at `path`, or the deepest one on the way there that exists."""
        node = self
        for key in path:
            below = node.child(key)
            if below is None:
                return node
            node = below
        return node

    def key_at(self, path: Path) -> Node:
        """The key that `path` ends with (the value itself inside a list), or the deepest value on the way."""
        if path and isinstance(path[-1], str):
            entry = self.at(path[:-1]).entries.get(path[-1])
            if entry:
                return entry[0]
        return self.at(path)


def plain(root: Node) -> Any:
    """The plain Python value of a tree; values that aliases share become one shared object."""
    done: dict[int, Any] = {}

    def build(node: Node) -> Any:
        if node.kind == "scalar":
            return node.value
        known = done.get(id(node))
        if known is not None:
            return known
        built: Any
        if node.kind == "map":
            built = {key: build(value) for key, (_, value) in node.entries.items()}
        else:
            built = [build(item) for item in node.items]
        done[id(node)] = built
        return built

    return build(root)


class Source:
    """A text and the way from an offset in it to a line and column, both counted from 1."""

    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def line_starts(self) -> list[int]:
        starts = [0]
        text = self.text
        if "\r" not in text:
            offset = text.find("\n")
            while offset >= 0:
                starts.append(offset + 1)
                offset = text.find("\n", offset + 1)
            return starts
        for offset, char in enumerate(text):
            if char == "\n" or (char == "\r" and text[offset + 1 : offset + 2] != "\n"):
                starts.append(offset + 1)
        return starts

    def position(self, offset: int) -> tuple[int, int]:
        """(line, column) of an offset; one past the end is allowed."""
        line = bisect_right(self.line_starts, offset)
        return line, offset - self.line_starts[line - 1] + 1

    def finding(
        self, id: str, severity: Severity, message: str, span: Span, *, path: Path = (), hint: str = ""
    ) -> Finding:
        """A finding that stands between two offsets."""
        line, column = self.position(span[0])
        end_line, end_column = self.position(max(span))
        return Finding(id, severity, message, line, column, end_line, end_column, path, hint)
