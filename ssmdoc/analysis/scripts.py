"""The calls of AWS that a Python script makes through boto3, found in its syntax tree. Nothing is run."""

from __future__ import annotations

import ast
import warnings
from functools import lru_cache

from ssmdoc import references
from ssmdoc.analysis.script_calls import Script, ScriptCall, Untold
from ssmdoc.analysis.script_reader import Reader

__all__ = ["Script", "ScriptCall", "Untold", "calls", "read"]


def calls(source: str) -> tuple[ScriptCall, ...]:
    """The calls of a script, by line; what could not be told is left to `read`. Never raises."""
    return read(source).calls


@lru_cache(maxsize=512)
def read(source: str) -> Script:
    """The calls of a script and what could not be told, both by line. Never raises."""
    # A reference is some value by the time that Python reads the script.
    text = references.PATTERN.sub(lambda found: "_".ljust(len(found.group()), "_"), source)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
        return Reader().read(tree)
    except SyntaxError as error:
        return Script((), (Untold(error.lineno or 1, "the script does not compile"),))
    except (ValueError, RecursionError, MemoryError):
        return Script((), (Untold(1, "the script is too deeply nested to be read"),))
