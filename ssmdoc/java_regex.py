"""Java regular expressions, which is what AWS's services compile `allowedPattern` with.

Python's `re` refuses one published pattern in twenty (``\\p{L}``, ``[\\w-\\/]``) and reads others differently
(``[a-z&&[^x]]``). A pattern is translated to the dialect of the `regex` package, with ``\\w``, ``\\d`` and
``\\s`` as ASCII as in Java.

https://docs.oracle.com/javase/8/docs/api/java/util/regex/Pattern.html
"""

from __future__ import annotations

import re
from functools import lru_cache

import regex

# Long enough for any honest pattern, short enough that a hostile one delays nobody.
MATCH_SECONDS = 0.2
_MAX_PATTERN = 4_096
# Compiling writes repetitions out as often as they must match, uninterruptibly: `x{100000000}` never ends.
# A value holds 512 characters at most, so that no honest pattern needs more.
_MAX_WRITTEN_OUT = 10_000
_COUNT = re.compile(r"\s*\{(\d+)[,}]")
# Java's predefined classes are ASCII; as nested sets they stand inside a class as well as outside.
_PREDEFINED = {
    "d": "[0-9]",
    "D": "[^0-9]",
    "w": "[0-9A-Za-z_]",
    "W": "[^0-9A-Za-z_]",
    "s": r"[ \t\n\x0b\f\r]",
    "S": r"[^ \t\n\x0b\f\r]",
    "v": r"[\n\x0b\f\r\x85\u2028\u2029]",
    "V": r"[^\n\x0b\f\r\x85\u2028\u2029]",
    "h": r"[ \t\xA0\u1680\u180e\u2000-\u200a\u202f\u205f\u3000]",
    "H": r"[^ \t\xA0\u1680\u180e\u2000-\u200a\u202f\u205f\u3000]",
}
_CLASS_ESCAPES = frozenset(_PREDEFINED) | {"p", "P"}


class JavaRegexError(ValueError):
    """A pattern that does not compile; the sentence says why."""


class SlowPattern(Exception):
    """A pattern that takes too long on a value."""


class _Translator:
    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.at = 0

    def more(self) -> bool:
        return self.at < len(self.pattern)

    def next(self) -> str:
        if not self.more():
            raise JavaRegexError("it ends too early")
        char = self.pattern[self.at]
        self.at += 1
        return char

    def peek(self, what: str) -> bool:
        return self.pattern.startswith(what, self.at)

    def translate(self) -> str:
        out: list[str] = []
        while self.more():
            char = self.next()
            if char == "\\":
                out.append(self.escape(inside=False))
            elif char == "[":
                out.append(self.char_class(0))
            elif char == "(" and self.peek("?"):
                out.append(self.group())
            else:
                out.append(char)
        return "".join(out)

    def group(self) -> str:
        if self.peek("?P"):
            raise JavaRegexError("`(?P` is Python's: Java names a group by `(?<name>`")
        # Java's flags d, u and U choose what is already so here, or concern lines that a value seldom has.
        end = self.at + 1
        while end < len(self.pattern) and self.pattern[end] in "idmsuxU-":
            end += 1
        if end > self.at + 1 and end < len(self.pattern) and self.pattern[end] in ":)":
            flags = "".join(flag for flag in self.pattern[self.at + 1 : end] if flag not in "duU").rstrip("-")
            close = self.pattern[end]
            self.at = end + 1
            if flags:
                return f"(?{flags}{close}"
            return "(?:" if close == ":" else ""
        return "("

    def escape(self, *, inside: bool) -> str:
        char = self.next()
        if char == "Q":
            end = self.pattern.find("\\E", self.at)
            end = len(self.pattern) if end < 0 else end
            quoted = self.pattern[self.at : end]
            self.at = min(end + 2, len(self.pattern))
            return "".join(_literal(inner) for inner in quoted)
        if char in "pP":
            return f"\\{char}{self.property()}"
        if char in _PREDEFINED:
            return _PREDEFINED[char]
        if not inside and char in "zZ":
            return r"\Z" if char == "z" else r"(?=\r?\n?\Z)"
        if not inside and char == "k" and self.peek("<"):
            return "\\g"
        return self.character(char)

    def property(self) -> str:
        if not self.peek("{"):
            return "{" + self.next() + "}"
        end = self.pattern.find("}", self.at)
        if end < 0:
            raise JavaRegexError("`\\p{` is not closed")
        name = self.pattern[self.at : end + 1]
        self.at = end + 1
        return name

    def character(self, char: str) -> str:
        if char == "0":
            digits = self.digits("01234567", 3)
            return _literal(chr(int(digits, 8)))
        if char == "x" and self.peek("{"):
            end = self.pattern.find("}", self.at)
            digits = self.pattern[self.at + 1 : end] if end > 0 else ""
            self.at = end + 1
        elif char in "xu":
            digits = self.digits("0123456789abcdefABCDEF", 2 if char == "x" else 4)
        elif char == "e":
            return r"\x1b"
        elif char == "c":
            return _literal(chr(ord(self.next()) ^ 64))
        else:
            return f"\\{char}" if char.isascii() else char
        try:
            return _literal(chr(int(digits, 16)))
        except (ValueError, OverflowError) as error:
            raise JavaRegexError(f"`\\{char}` names no character") from error

    def digits(self, allowed: str, most: int) -> str:
        start = self.at
        while self.more() and self.at - start < most and self.pattern[self.at] in allowed:
            self.at += 1
        if self.at == start:
            raise JavaRegexError("a character code has no digits")
        return self.pattern[start : self.at]

    def char_class(self, depth: int) -> str:
        if depth > 20:
            raise JavaRegexError("its character classes nest too deep")
        out = ["["]
        if self.peek("^"):
            self.at += 1
            out.append("^")
        first = True
        # Whether the item before may start a range; `\w-x` has a literal dash in Java.
        single = False
        while True:
            char = self.next() if self.more() else ""
            if not char:
                raise JavaRegexError("`[` is not closed")
            if char == "]" and not first:
                return "".join(out) + "]"
            first = False
            if char == "[":
                out.append(self.char_class(depth + 1))
                single = False
            elif char == "&" and self.peek("&"):
                self.at += 1
                out.append("&&")
                single = False
            elif (
                char == "-"
                and single
                and self.more()
                and self.pattern[self.at] not in "]["
                and not self.ends_class()
            ):
                out.append("-")
                single = False
            elif char == "\\":
                predefined = self.more() and self.pattern[self.at] in _CLASS_ESCAPES
                out.append(self.escape(inside=True))
                single = not predefined and out[-2] != "-"
            else:
                single = out[-1] != "-"
                out.append(_literal(char))

    def ends_class(self) -> bool:
        """Whether a predefined class follows, so that a dash before it is a dash."""
        return self.pattern[self.at] == "\\" and self.pattern[self.at + 1 : self.at + 2] in _CLASS_ESCAPES


def _literal(char: str) -> str:
    return char if char.isalnum() or not char.isascii() else f"\\x{ord(char):02x}"


def _written_out(translated: str) -> int:
    """How many items a translated pattern has when its repetitions are written out; groups multiply."""
    if re.search(r"\(\?\w*x", translated):
        # Blanks and comments may stand anywhere between an item and its count: count as if all were nested.
        total = 1
        for count in re.findall(r"\{(\d+)", re.sub(r"\s", "", translated)):
            total = min(total * max(int(count[:9]), 1), 2 * _MAX_WRITTEN_OUT)
        return total
    sums, depth, at = [0], 0, 0
    while at < len(translated):
        char, last = translated[at], 1
        at += 2 if char == "\\" else 1
        if char == "[":
            at = _class_end(translated, at)
        elif char == "(":
            sums.append(0)
            depth += 1
            continue
        elif char == ")" and depth:
            last = sums.pop()
            depth -= 1
        while found := _COUNT.match(translated, at):
            last *= max(int(found[1][:9]), 1)
            at = translated.index("}", at) + 1 if "}" in translated[at:] else found.end()
        sums[-1] = min(sums[-1] + last, 2 * _MAX_WRITTEN_OUT)
    return sum(sums)


def _class_end(translated: str, at: int) -> int:
    """Where the character class ends that was opened just before `at`."""
    depth = 1
    while depth and at < len(translated):
        char = translated[at]
        at += 2 if char == "\\" else 1
        depth += (char == "[") - (char == "]")
    return at


@lru_cache(maxsize=1024)
def compile(pattern: str) -> regex.Pattern[str]:
    """The compiled pattern. Raises JavaRegexError when Java would not take it."""
    if len(pattern) > _MAX_PATTERN:
        raise JavaRegexError(f"it is longer than {_MAX_PATTERN} characters")
    try:
        translated = _Translator(pattern).translate()
        if _written_out(translated) > _MAX_WRITTEN_OUT:
            raise JavaRegexError(f"its repetitions demand more than {_MAX_WRITTEN_OUT} characters")
        return regex.compile(translated, regex.V1)
    except regex.error as error:
        raise JavaRegexError(str(error)) from error
    except RecursionError as error:
        raise JavaRegexError("it nests too deep") from error


def matches(pattern: str, value: str) -> bool:
    """Whether the whole value matches, as Java's ``matches()``. Raises JavaRegexError or SlowPattern."""
    try:
        return compile(pattern).fullmatch(value, timeout=MATCH_SECONDS) is not None
    except TimeoutError as error:
        raise SlowPattern(pattern) from error
