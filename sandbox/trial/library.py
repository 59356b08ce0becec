"""The documents at hand: those to try, and those that they run as children."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

SUFFIXES = frozenset({".yaml", ".yml", ".json"})


class PathError(ValueError):
    """A path that holds no documents; the text says what to do."""


@dataclass(frozen=True)
class Source:
    """A document's text, the name it is registered by, and where it was read."""

    name: str
    text: str
    path: str


@dataclass(frozen=True)
class Library:
    """Documents by name."""

    sources: tuple[Source, ...]

    def find(self, name: str) -> Source | None:
        """The document that is run by `name`: the one of that name, or whose file's name ends with it."""
        plain = name.rpartition(":document/")[2]
        for wanted in (plain, plain.partition("-")[2]):
            for source in self.sources if wanted else ():
                if source.name == wanted or source.name.endswith((f"-{wanted}", f"_{wanted}")):
                    return Source(plain, source.text, source.path)
        return None


def read(paths: Iterable[Path]) -> Library:
    """The documents of files, and of all files below folders, sorted by path.

    Errors: PathError when a path does not exist, cannot be read, or holds none.
    """
    sources: dict[str, Source] = {}
    for path in paths:
        found = sorted(_files(path))
        if not found:
            raise PathError(
                f"{path} holds no documents: give .yaml, .yml or .json files, or a folder of them."
            )
        for file in found:
            name = _name(file, sources)
            try:
                sources[name] = Source(name, file.read_text(encoding="utf-8"), str(file))
            except (OSError, UnicodeDecodeError) as error:
                raise PathError(f"{file} cannot be read: {error}") from error
    return Library(tuple(sources.values()))


def _files(path: Path) -> Iterator[Path]:
    if path.is_dir():
        yield from (file for file in path.rglob("*") if file.suffix.lower() in SUFFIXES and file.is_file())
    elif path.exists():
        yield path
    else:
        raise PathError(f"{path} does not exist.")


def _name(file: Path, taken: dict[str, Source]) -> str:
    """A name that CreateDocument takes, made from the file's.

    https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_CreateDocument.html
    """
    plain = re.sub(r"[^a-zA-Z0-9_.-]", "-", file.stem)[-110:]
    if plain.lower().startswith(("aws", "amazon", "amzn")) or len(plain) < 3:
        plain = f"Trial-{plain}"
    name, number = plain, 1
    while name in taken:
        number += 1
        name = f"{plain}-{number}"
    return name
