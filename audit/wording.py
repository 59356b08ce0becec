"""An entry's data as a person reads it."""

import json
from collections.abc import Mapping
from typing import Any

NOTHING = "nothing"
EMPTY: tuple[Any, ...] = (None, "", [], {})


def facts(data: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the data as (name, words) pairs; a change reads "before → after". What is empty is left out."""
    return [(name.replace("_", " "), _words(value)) for name, value in data.items() if value not in EMPTY]


def _words(value: Any) -> str:
    if value in EMPTY:
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        if set(value) == {"from", "to"}:
            return f"{_words(value['from'])} → {_words(value['to'])}"
        return json.dumps(value, ensure_ascii=False, sort_keys=True)
    if isinstance(value, list):
        return ", ".join(_words(item) for item in value)
    return str(value)
