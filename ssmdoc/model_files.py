"""botocore's data files, each read once a process and without the documentation that is most of them."""

from __future__ import annotations

import functools
import gzip
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import botocore.loaders


class ModelFiles(botocore.loaders.JSONFileLoader):
    """Reads files for a `botocore.loaders.Loader`.

    Gives every loader the same content, but for the outermost dictionary, which is the loader's own.
    """

    def load_file(self, file_path: str) -> Any:
        """Return what the file holds whose path this is, without its ending; None when there is none."""
        for ending in (".json", ".json.gz"):
            path = Path(file_path + ending)
            if path.is_file():
                content = _content(path)
                return dict(content) if isinstance(content, dict) else content
        return None


@functools.cache
def _content(path: Path) -> Any:
    data = path.read_bytes()
    return json.loads(
        gzip.decompress(data) if path.suffix == ".gz" else data, object_pairs_hook=_without_documentation
    )


def _without_documentation(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    # The name stays: botocore asks for some of it. A shape may have a member called so, which is no text.
    return {
        sys.intern(name): ("" if name == "documentation" else sys.intern(value))
        if isinstance(value, str)
        else value
        for name, value in pairs
    }
