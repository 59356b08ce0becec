"""botocore's data files, each read once a process and without the documentation that is most of them."""

from __future__ import annotations

import functools
import gzip
import json
import sys
from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import botocore.loaders


class ModelFiles(botocore.loaders.JSONFileLoader):
    """Reads files for a `botocore.loaders.Loader`.

    Loaders share a service's shapes, and what is in other files.
    """

    def load_file(self, file_path: str) -> Any:
        """Return what the file holds whose path this is, without its ending; None when there is none."""
        for ending in (".json", ".json.gz"):
            path = Path(file_path + ending)
            if path.is_file():
                return _own(_content(path))
        return None


def _own(content: Any) -> Any:
    if not isinstance(content, dict):
        return content
    if "shapes" not in content:
        return dict(content)
    # Clients of S3 take the bucket out of their operations' addresses, in place.
    return {name: part if name == "shapes" else deepcopy(part) for name, part in content.items()}


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
