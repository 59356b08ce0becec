"""AWS's services and operations, read from the models that botocore brings along. No call is made.

A model is read once a process, when a document first names its service; the largest (ec2) takes a fifth of a
second.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import botocore

from ssmdoc.actions import operation_name


@dataclass(frozen=True)
class Operation:
    """One operation; `members` are its inputs as the model describes them, `output` its response's shape."""

    name: str
    members: Mapping[str, Any]
    required: tuple[str, ...]
    output: str


@dataclass(frozen=True)
class Service:
    """One service's model."""

    name: str
    model: Mapping[str, Any] = field(repr=False)

    @cached_property
    def _names(self) -> dict[str, str]:
        return {name.lower(): name for name in self.model["operations"]}

    @property
    def operations(self) -> tuple[str, ...]:
        """The names of all operations."""
        return tuple(self.model["operations"])

    def operation(self, api: str) -> Operation | None:
        """The operation that an `Api` names, however its words are joined, or None."""
        name = self._names.get(operation_name(api).lower())
        if name is None:
            return None
        shape = self.shape(self.model["operations"][name].get("input", {}).get("shape", ""))
        output = self.model["operations"][name].get("output", {}).get("shape", "")
        members = MappingProxyType(shape.get("members", {}))
        return Operation(name, members, tuple(shape.get("required", ())), output)

    def shape(self, name: str) -> Mapping[str, Any]:
        """A shape of the model; empty when there is none of that name."""
        found: Mapping[str, Any] = self.model["shapes"].get(name, {})
        return found


@lru_cache(maxsize=1)
def names() -> tuple[str, ...]:
    """The names of all services."""
    return tuple(sorted(folder.name for folder in _data().iterdir() if folder.is_dir()))


@lru_cache(maxsize=64)
def service(name: str) -> Service | None:
    """The service of that name, in any case, or None."""
    wanted = name.lower()
    if wanted not in names():
        return None
    versions = sorted(
        folder for folder in (_data() / wanted).iterdir() if (folder / "service-2.json.gz").exists()
    )
    if not versions:
        return None
    with gzip.open(versions[-1] / "service-2.json.gz") as file:
        return Service(wanted, json.load(file))


def _data() -> Path:
    return Path(botocore.__file__).parent / "data"
