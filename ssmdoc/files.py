"""Files of Automation documents: which of a folder's files are documents, and what their bytes say."""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ssmdoc.findings import Finding
from ssmdoc.nodes import Source
from ssmdoc.text import MAX_READ_BYTES

SUFFIXES = (".json", ".yaml", ".yml")
# Far above what any document has; a file beyond it is named, but not read into memory.
MAX_FILE_BYTES = 16 * 1024 * 1024
_PASSED_OVER = ("node_modules",)
_KEYS = ("mainSteps", "schemaVersion")
# The keys of a document at the top of a YAML text; a template that holds documents has them further in.
_TOP = tuple(re.compile(rf"""^["']?{key}["']?[ \t]*:""", re.MULTILINE) for key in _KEYS)
_VERSION = re.compile(r"""\bschemaVersion["']?\s*:\s*["']?0\.3\b""")
_TEMPLATE = re.compile(r"""["'](?:AWSTemplateFormatVersion|Resources)["']\s*:""")


@dataclass(frozen=True, slots=True)
class File:
    """A file's text; `finding` says what is wrong with its bytes, and the text is then as near as can be."""

    path: str
    text: str
    finding: Finding | None = None


@dataclass(slots=True)
class Found:
    """The documents that were found, and a sentence for each path that cannot be read."""

    files: list[File] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def find(paths: Iterable[str | os.PathLike[str]]) -> Found:
    """Reads the files named, whatever they hold, and the Automation documents in the folders named.

    A folder is searched to the bottom for files that end in .json, .yaml or .yml; links to folders inside it,
    folders whose name starts with a dot and node_modules are passed over. Each file is read once.
    """
    found = Found()
    seen: set[str] = set()
    for given in paths:
        if not os.fspath(given):
            # pathlib takes it for the folder that one is in: a variable of a script that was never set.
            found.problems.append("An empty path names no file.")
            continue
        try:
            _look(found, seen, Path(given))
        except (OSError, ValueError) as error:
            # ValueError: a path that holds a null byte.
            why = error.strerror if isinstance(error, OSError) else error
            found.problems.append(f"{shown(given)} cannot be read: {why}.")
    return found


def _look(found: Found, seen: set[str], path: Path) -> None:
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        what = "is a link to nothing" if path.is_symlink() else "does not exist"
        found.problems.append(f"{shown(path)} {what}.")
        return
    if stat.S_ISDIR(mode):
        for inner in _walk(path, found):
            _add(found, seen, inner, named=False)
    elif stat.S_ISREG(mode):
        _add(found, seen, path, named=True)
    else:
        found.problems.append(f"{shown(path)} is neither a file nor a folder.")


def shown(path: str | os.PathLike[str]) -> str:
    """A path as it can be printed, whatever bytes it is made of."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _walk(folder: Path, found: Found) -> Iterator[Path]:
    def refuse(error: OSError) -> None:
        found.problems.append(f"{shown(error.filename)} cannot be read: {error.strerror}.")

    for place, folders, names in os.walk(folder, onerror=refuse):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in _PASSED_OVER)
        for name in sorted(names):
            path = Path(place, name)
            if name.lower().endswith(SUFFIXES) and path.is_file():
                yield path


def _add(found: Found, seen: set[str], path: Path, *, named: bool) -> None:
    real = os.path.realpath(path)
    if real in seen:
        return
    try:
        size = path.stat().st_size
        if size > (MAX_FILE_BYTES if named else MAX_READ_BYTES):
            if named:
                found.problems.append(f"{shown(path)} is larger than {MAX_FILE_BYTES // 1024 // 1024} MB.")
            return
        data = path.read_bytes()
    except OSError as error:
        found.problems.append(f"{shown(path)} cannot be read: {error.strerror}.")
        return
    file = decoded(shown(path), data)
    if named or is_document(file.text):
        seen.add(real)
        found.files.append(file)


def decoded(path: str, data: bytes) -> File:
    """The text of a file's bytes, which AWS takes as UTF-8."""
    try:
        return File(path, data.decode("utf-8"))
    except UnicodeDecodeError as error:
        wide = data[:2] in (b"\xff\xfe", b"\xfe\xff")
        text = data.decode("utf-16" if wide else "latin-1", "replace")
        # Latin-1 has a character for each byte, so the offset of the byte is that of its character.
        place = (0, 1) if wide else (error.start, error.start + 1)
        message = (
            "The file is UTF-16, not UTF-8."
            if wide
            else f"The file is not UTF-8: the byte 0x{data[error.start]:02x} stands here."
        )
        finding = Source(text).finding("text-encoding", "error", message, place, hint="Save it as UTF-8.")
        return File(path, text, finding)


def is_document(text: str) -> bool:
    """Whether a text is an Automation document, be it a faulty one, and not one of another kind."""
    text = text.removeprefix("\ufeff")
    if _VERSION.search(text) is None or "mainSteps" not in text:
        return False
    if text.lstrip()[:1] != "{":
        return all(pattern.search(text) for pattern in _TOP)
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return _TEMPLATE.search(text) is None
    return isinstance(data, dict) and all(key in data for key in _KEYS)
